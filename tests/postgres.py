"""Databases on the PostgreSQL server of a test run: one for each worker, which is emptied for each test, and new ones.

Making a database takes a tenth of a second and more, emptying one a few milliseconds.
"""

import os
import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import psycopg

from storage.postgres.postgresql import PostgresDatabase

LANGUAGE = "tr-TR"
"""The locale of the databases. Turkish does not sort by bytes, and its small letter of I is not i."""
BIG = 131_072
"""The bytes of a table from which on it is truncated: deleting rows leaves its file as long as it was."""

_OTHERS = """
SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
"""
_SCHEMA = """
SELECT (SELECT json_agg(schema_version)::text FROM schema_version),
    (SELECT concat(count(*), ' ', sum(xmin::text::bigint)) FROM pg_attribute WHERE attrelid >= 16384 AND attnum > 0),
    (SELECT concat(count(*), ' ', sum(xmin::text::bigint)) FROM pg_constraint WHERE oid >= 16384),
    (SELECT concat(count(*), ' ', sum(xmin::text::bigint)) FROM pg_trigger WHERE oid >= 16384),
    (SELECT concat(count(*), ' ', sum(xmin::text::bigint)) FROM pg_proc WHERE oid >= 16384),
    (SELECT concat(count(*), ' ', sum(indexrelid::bigint)) FROM pg_index WHERE indexrelid >= 16384),
    (SELECT json_agg(setconfig)::text FROM pg_db_role_setting)
"""
"""What changes when a test alters the schema, or the settings of the database."""
_EMPTY = f"""
DO $$
DECLARE
    name text;
    filled boolean;
    tables text[] := '{{}}';
    bytes bigint := 0;
BEGIN
    FOR name IN SELECT quote_ident(relname) FROM pg_class
        WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND relname <> 'schema_version'
    LOOP
        EXECUTE 'SELECT EXISTS (SELECT FROM ' || name || ')' INTO filled;
        IF filled THEN
            tables := tables || name;
            bytes := greatest(bytes, pg_total_relation_size(name::regclass));
        END IF;
    END LOOP;
    IF bytes > {BIG} THEN
        EXECUTE 'TRUNCATE ' || array_to_string(tables, ', ') || ' CASCADE';
    ELSE
        SET LOCAL session_replication_role = replica;  -- no trigger follows
        FOREACH name IN ARRAY tables LOOP
            EXECUTE 'DELETE FROM ' || name;
        END LOOP;
    END IF;
    PERFORM setval(quote_ident(sequencename)::regclass, 1, false) FROM pg_sequences
        WHERE schemaname = 'public' AND last_value IS NOT NULL;
END $$
"""


class Databases:
    """Makes databases on a server, and drops all of them at its end. Not for two processes at once."""

    def __init__(self, server: str) -> None:
        self._server = server
        self._admin = psycopg.connect(f"{server}/postgres", autocommit=True)
        self._prefix = f"keepsake_{os.getpid()}_{secrets.token_hex(3)}"
        self._made: set[str] = set()
        self._template: str | None = None
        self._own: psycopg.Connection[Any] | None = None
        """In the database that is emptied for each test."""
        self._name = ""
        self._schema: Any = None

    async def empty(self) -> str:
        """The URL of the one database that all tests use in turn, with this version's schema and nothing in it."""
        if self._own is not None and not self._emptied(self._own):
            self._own.close()
            self._own = None
            self._drop(self._name)
        if self._own is None:
            self._name = self._copy(await self._with_schema())
            self._own = psycopg.connect(f"{self._server}/{self._name}", autocommit=True)
            self._schema = self._own.execute(_SCHEMA).fetchone()
        return f"{self._server}/{self._name}"

    @asynccontextmanager
    async def new(self, *, schema: bool = True) -> AsyncIterator[str]:
        """A database of its own while the block runs, with this version's schema or with none; yields its URL."""
        name = self._copy(await self._with_schema() if schema else "template0")
        try:
            yield f"{self._server}/{name}"
        finally:
            self._drop(name)

    def close(self) -> None:
        """Drop all databases."""
        if self._own is not None:
            self._own.close()
        for name in list(self._made):
            self._drop(name)
        self._admin.close()

    def _emptied(self, own: "psycopg.Connection[Any]") -> bool:
        """Take out what the last test left; returns whether its schema is as it was."""
        try:
            own.execute(_OTHERS)
            if own.execute(_SCHEMA).fetchone() != self._schema:
                return False
            own.execute(_EMPTY)
        except psycopg.Error:
            return False
        return True

    async def _with_schema(self) -> str:
        if self._template is None:
            name = self._copy("template0")
            await (await PostgresDatabase.open(f"{self._server}/{name}")).close()
            self._template = name
        return self._template

    def _copy(self, template: str) -> str:
        name = f"{self._prefix}_{len(self._made)}_{secrets.token_hex(2)}"
        locale = f"LOCALE_PROVIDER icu ICU_LOCALE '{LANGUAGE}'" if template == "template0" and self._has_icu() else ""
        self._admin.execute(f"CREATE DATABASE {name} TEMPLATE {template} {locale}".encode())
        self._made.add(name)
        return name

    def _has_icu(self) -> bool:
        """Whether a database can have the locale of a language: from PostgreSQL 15 on, in most builds."""
        known = self._admin.execute("SELECT 1 FROM pg_collation WHERE collprovider = 'i' LIMIT 1").fetchone()
        return known is not None and self._admin.info.server_version >= 150_000

    def _drop(self, name: str) -> None:
        self._admin.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)".encode())
        self._made.discard(name)


@contextmanager
def databases(server: str) -> Iterator[Databases]:
    """Databases on a server, which are dropped afterwards."""
    made = Databases(server)
    try:
        yield made
    finally:
        made.close()
