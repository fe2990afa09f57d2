"""The schema of a database as it is: SQLite's and PostgreSQL's in the same words."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from storage.database import Database
from storage.sqlite import SQLiteDatabase

TYPES = {
    "INTEGER": "whole",
    "REAL": "fraction",
    "TEXT": "text",
    "BLOB": "bytes",
    "bigint": "whole",
    "double precision": "fraction",
    "text": "text",
    "bytea": "bytes",
}
_HEAD = re.compile(
    r"CREATE TRIGGER (?P<name>\w+) (?:BEFORE|AFTER) (?P<event>INSERT|DELETE|UPDATE)(?: OF (?P<of>[\w, ]+?))? ON \w+"
)
_CHECK = re.compile(r"CHECK \(((?:[^()]|\([^()]*\))*)\)")
_QUOTED = re.compile(r"'[^']*'")


@dataclass(frozen=True)
class Column:
    """One column; for a column of the primary key, `nullable` is False in both."""

    type: str
    nullable: bool
    default: str | None


@dataclass(frozen=True)
class Table:
    """What a table promises about its rows."""

    columns: dict[str, Column]
    primary_key: tuple[str, ...]
    foreign_keys: frozenset[tuple[tuple[str, ...], str, tuple[str, ...], str]]
    """Columns, the other table, its columns, what becomes of the row with the other one's deletion."""
    indexes: frozenset[tuple[tuple[str, ...], bool, str]]
    """Columns or expressions, whether they are unique, the condition; without the primary key."""
    checks: tuple[tuple[str, ...], ...]
    """The texts that each check names."""
    triggers: frozenset[tuple[str, str, str]]
    """Name, event, and the columns whose change is one."""


async def columns(database: Database, table: str) -> set[str]:
    """The names of a table's columns."""
    return set((await tables(database))[table].columns)


async def tables(database: Database) -> dict[str, Table]:
    """All tables, without those that a virtual table of SQLite keeps its data in."""
    if isinstance(database, SQLiteDatabase):
        return await _of_sqlite(database)
    return await _of_postgres(database)


async def _of_sqlite(database: Database) -> dict[str, Table]:
    made = await database.rows(
        "SELECT name, sql FROM sqlite_schema WHERE type = 'table' AND sql NOT LIKE '% VIRTUAL %'"
    )
    virtual = await database.rows("SELECT name FROM sqlite_schema WHERE type = 'table' AND sql LIKE '% VIRTUAL %'")
    kept_in = tuple(f"{row['name']}_" for row in virtual)
    found = {}
    for name, sql in ((row["name"], row["sql"]) for row in made):
        if not name.startswith(("sqlite_", *kept_in)):
            found[name] = await _sqlite_table(database, name, sql)
    return found


async def _sqlite_table(database: Database, table: str, sql: str) -> Table:
    rows = await database.rows(
        'SELECT name, type, "notnull" AS full, dflt_value, pk FROM pragma_table_info(?)', (table,)
    )
    keys = await database.rows('SELECT id, "from", "table", "to", on_delete FROM pragma_foreign_key_list(?)', (table,))
    heads = await database.rows("SELECT sql FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = ?", (table,))
    return Table(
        columns={
            row["name"]: Column(TYPES[row["type"]], not (row["full"] or row["pk"]), _plain(row["dflt_value"]))
            for row in rows
        },
        primary_key=tuple(row["name"] for row in sorted(rows, key=lambda row: int(row["pk"])) if row["pk"]),
        foreign_keys=frozenset(
            (_column(keys, number, "from"), *_other(keys, number)) for number in {row["id"] for row in keys}
        ),
        indexes=frozenset([one async for one in _sqlite_indexes(database, table)]),
        checks=_texts(_CHECK.findall(sql)),
        triggers=frozenset(_trigger(row["sql"]) for row in heads),
    )


def _column(keys: Iterable[Any], number: int, name: str) -> tuple[str, ...]:
    return tuple(row[name] for row in keys if row["id"] == number)


def _other(keys: Iterable[Any], number: int) -> tuple[str, tuple[str, ...], str]:
    [(table, on_delete)] = {(row["table"], row["on_delete"]) for row in keys if row["id"] == number}
    return table, _column(keys, number, "to"), on_delete


async def _sqlite_indexes(database: Database, table: str) -> Any:
    rows = await database.rows(
        'SELECT list.name, list."unique" AS one, made.sql FROM pragma_index_list(?) AS list'
        " LEFT JOIN sqlite_schema AS made ON made.name = list.name WHERE origin <> 'pk'",
        (table,),
    )
    for row in rows:
        if row["sql"] is None:  # of a unique constraint
            names = await database.rows("SELECT name FROM pragma_index_info(?) ORDER BY seqno", (row["name"],))
            yield tuple(name["name"] for name in names), True, ""
        else:
            within, _, condition = row["sql"].partition("(")[2].partition(" WHERE ")
            parts = re.split(r",\s*(?![^()]*\))", within.rstrip().removesuffix(")"))
            yield tuple(_plain(part) or "" for part in parts), bool(row["one"]), _condition(condition)


async def _of_postgres(database: Database) -> dict[str, Table]:
    rows = await database.rows(
        "SELECT relname AS name FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
    )
    return {row["name"]: await _postgres_table(database, row["name"]) for row in rows}


async def _postgres_table(database: Database, table: str) -> Table:
    rows = await database.rows(
        "SELECT attname AS name, format_type(atttypid, atttypmod) AS type, attnotnull AS full,"
        " pg_get_expr(adbin, adrelid) AS value FROM pg_attribute"
        " LEFT JOIN pg_attrdef ON (adrelid, adnum) = (attrelid, attnum)"
        " WHERE attrelid = ?::text::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
        (table,),
    )
    constraints = await database.rows(
        "SELECT contype::text AS kind, pg_get_constraintdef(oid) AS sql FROM pg_constraint"
        " WHERE conrelid = ?::text::regclass",
        (table,),
    )
    indexes = await database.rows(
        "SELECT indisunique AS one, pg_get_expr(indpred, indrelid) AS condition,"
        " ARRAY(SELECT pg_get_indexdef(indexrelid, at, true) FROM generate_series(1, indnkeyatts) AS at ORDER BY at)"
        " AS parts FROM pg_index WHERE indrelid = ?::text::regclass AND NOT indisprimary",
        (table,),
    )
    triggers = await database.rows(
        "SELECT pg_get_triggerdef(oid) AS sql FROM pg_trigger WHERE tgrelid = ?::text::regclass AND NOT tgisinternal",
        (table,),
    )
    primary = [row["sql"] for row in constraints if row["kind"] == "p"]
    return Table(
        columns={
            row["name"]: Column(TYPES.get(row["type"], row["type"]), not row["full"], _plain(row["value"]))
            for row in rows
        },
        primary_key=tuple(_names(primary[0])) if primary else (),
        foreign_keys=frozenset(_foreign_key(row["sql"]) for row in constraints if row["kind"] == "f"),
        indexes=frozenset(
            (tuple(_plain(part) or "" for part in row["parts"]), row["one"], _condition(row["condition"] or ""))
            for row in indexes
        ),
        checks=_texts(row["sql"] for row in constraints if row["kind"] == "c"),
        triggers=frozenset(_trigger(row["sql"].replace("public.", "")) for row in triggers),
    )


def _names(sql: str) -> list[str]:
    return [name.strip('"') for name in sql.partition("(")[2].partition(")")[0].split(", ")]


def _foreign_key(sql: str) -> tuple[tuple[str, ...], str, tuple[str, ...], str]:
    match = re.fullmatch(r"FOREIGN KEY \((.*?)\) REFERENCES (\w+)\((.*?)\)(?: ON DELETE (.*))?", sql)
    assert match is not None, sql
    return tuple(match[1].split(", ")), match[2], tuple(match[3].split(", ")), match[4] or "NO ACTION"


def _trigger(sql: str) -> tuple[str, str, str]:
    match = _HEAD.match(re.sub(r"\s+", " ", sql))
    assert match is not None, sql
    return match["name"], match["event"], match["of"] or ""


def _texts(checks: Iterable[str]) -> tuple[tuple[str, ...], ...]:
    return tuple(sorted(tuple(sorted(_QUOTED.findall(check))) for check in checks))


def _plain(sql: str | None) -> str | None:
    """An expression in the words of both: without casts, and without parentheses that change nothing."""
    if sql is None:
        return None
    sql = re.sub(r"::[a-z ]+(?:\[\])?", "", sql.strip().lower())
    sql = re.sub(r"= any \(array\[(.*?)\]\)", r"in (\1)", sql)
    sql = sql.replace("ifnull(", "coalesce(").replace("<>", "!=")
    while re.fullmatch(r"\((?:[^()]|\([^()]*\))*\)", sql):
        sql = sql[1:-1]
    return re.sub(r"^'(-?\d+)'$", r"\1", sql)


def _condition(sql: str) -> str:
    """The condition of an index, with a flag as PostgreSQL's, which is a number."""
    sql = re.sub(r"^not (\w+)$", r"\1 = 0", _plain(sql) or "")
    return re.sub(r"^(\w+)$", r"\1 = 1", sql)
