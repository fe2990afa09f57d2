"""SQLite's schema and PostgreSQL's are the same, but for a few things that are listed here."""

from dataclasses import fields
from pathlib import Path

import pytest

from storage.postgres import postgresql
from storage.sqlite import SQLiteDatabase, after
from tests.storage.catalog import Table, tables

FIRST = 27
"""The first schema file of PostgreSQL, which makes what all of SQLite's up to it come to."""
ONLY_POSTGRES = {
    "schema_version": "SQLite has a number for it in the file's header",
    "chat_claims": "processes divide the chats among them; a SQLite database has only one process",
    "recent_answers": "all processes count together; the only process on SQLite counts in memory",
    "processes": "what is in flight; with SQLite, it is in a file next to the database",
    "turn_words": "the words of turns as vectors; SQLite's is a virtual table, FTS5's",
}
"""Tables that are in one schema only, and why."""
DIFFERENT: dict[tuple[str, str], str] = {}
"""Table and part that differ, and why."""


@pytest.fixture
async def both(database_file: Path, postgres_url: str) -> tuple[dict[str, Table], dict[str, Table]]:
    ours = await SQLiteDatabase.open(database_file)
    theirs = await postgresql.PostgresDatabase.open(postgres_url)
    found = await tables(ours), await tables(theirs)
    await ours.close()
    await theirs.close()
    return found


async def test_both_have_the_same_tables(both: tuple[dict[str, Table], dict[str, Table]]) -> None:
    ours, theirs = both
    assert set(ours) == set(theirs) - set(ONLY_POSTGRES)
    assert set(ONLY_POSTGRES) <= set(theirs)
    assert len(ours) > 30


@pytest.mark.parametrize("part", [field.name for field in fields(Table)])
async def test_tables_of_both_are_alike(part: str, both: tuple[dict[str, Table], dict[str, Table]]) -> None:
    ours, theirs = both
    different = {
        name: (getattr(table, part), getattr(theirs[name], part))
        for name, table in ours.items()
        if name in theirs and getattr(table, part) != getattr(theirs[name], part)
    }
    assert {name: pair for name, pair in different.items() if (name, part) not in DIFFERENT} == {}
    assert {name for name, of in DIFFERENT if of == part} == set(different)


def test_schema_files_have_the_same_numbers() -> None:
    ours = [step.version for step in after(FIRST - 1)]
    assert [one.version for one in postgresql.migrations()] == ours
