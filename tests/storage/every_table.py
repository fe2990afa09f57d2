"""Rows for every table, made from the schema: whatever a new one has, there is something in it."""

from collections.abc import Iterable, Mapping
from itertools import count
from typing import Any

from storage.database import Database
from storage.move import TABLES
from tests.storage.catalog import Table, tables

ROWS = 3
"""In each table."""
CHECKED = {
    ("inbox", "state"): ("new", "done", "quarantined"),
    ("turns", "role"): ("user", "assistant", "user"),
    ("turns", "state"): ("waiting", "sent", "settled"),
    ("turn_media", "kind"): ("image", "audio", "image"),
    ("budgets", "scope"): ("user", "chat", "total"),
    ("access", "standing"): ("asking", "blocked", "owner"),
    ("broadcasts", "state"): ("asked", "sending", "done"),
    ("questions", "kind"): ("correct", "forget", "persona"),
}
"""Values of columns that allow only some."""
NASTY = ("grüße\n\t\"'\\ %s $1 ? {}", "a\0b", "😀 \u202e؟ \ufffd")
"""The second is what PostgreSQL can't store."""

Rows = dict[str, list[Mapping[str, Any]]]


async def fill(database: Database) -> None:
    """Put rows into all tables that are moved."""
    found, numbers = await tables(database), count(1)
    async with database.transaction(alone=True) as tx:
        for name in (table.name for table in TABLES):
            for at in range(ROWS):
                row = _row(found, name, at, numbers)
                marks = ", ".join("?" * len(row))
                await tx.execute(f"INSERT INTO {name} ({', '.join(row)}) VALUES ({marks})", row.values())


async def contents(database: Database, names: Iterable[str]) -> Rows:
    """All rows of these tables, in some order that is the same everywhere."""
    return {
        name: sorted(({key: row[key] for key in row.keys()} for row in rows), key=_order)  # noqa: SIM118
        for name in names
        for rows in [await database.rows(f"SELECT * FROM {name}")]
    }


def _row(found: Mapping[str, Table], name: str, at: int, numbers: "count[int]") -> dict[str, Any]:
    table = found[name]
    referring = {column: other for columns, other, _, _ in table.foreign_keys for column in columns}
    row: dict[str, Any] = {}
    for column, kind in table.columns.items():
        number = next(numbers)
        if (name, column) in CHECKED:
            row[column] = CHECKED[name, column][at]
        elif column in referring:
            row[column] = _first_key(referring[column], at)
        elif column == "in_chat":  # a trigger's
            row[column] = _first_key("chats", at)
        elif (column,) == table.primary_key:
            row[column] = _first_key(name, at) if kind.type == "whole" else f"key {at}"
        elif kind.nullable and at == 0:
            row[column] = None
        else:
            row[column] = {
                "whole": 2**40 + number,
                "fraction": number + 0.1,
                "text": f"{NASTY[at]} {number}",
                "bytes": bytes(range(256)) * (at + 1),
            }[kind.type]
    return row


def _first_key(table: str, at: int) -> Any:
    """The keys of rows that others refer to."""
    return f"key {at}" if table == "media" else 10 * (at + 1)


def _order(row: Mapping[str, Any]) -> str:
    return repr(sorted(row.items()))
