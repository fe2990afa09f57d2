"""Databases on a PostgreSQL server, one for each test."""

import os
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from psycopg import AsyncConnection

from storage.postgres.postgresql import PostgresDatabase

TEMPLATE = "keepsake_template"
"""A database with this version's schema, of which each test gets a copy."""


@asynccontextmanager
async def new_database(server: str) -> AsyncIterator[str]:
    """A database with this version's schema, which is dropped afterwards; yields its URL."""
    name = f"keepsake_{os.getpid()}_{secrets.token_hex(4)}"
    async with await AsyncConnection.connect(f"{server}/postgres", autocommit=True) as admin:
        template = f"{TEMPLATE}_{os.getpid()}"
        known = await (await admin.execute("SELECT 1 FROM pg_database WHERE datname = %s", (template,))).fetchone()
        if not known:
            await admin.execute(f"CREATE DATABASE {template}".encode())
            await (await PostgresDatabase.open(f"{server}/{template}")).close()
        await admin.execute(f"CREATE DATABASE {name} TEMPLATE {template}".encode())
        try:
            yield f"{server}/{name}"
        finally:
            await admin.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())
