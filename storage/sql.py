"""The conventions for SQL in this package, which keep it portable to PostgreSQL; a test checks for anything else.

- ``coalesce``, never ``ifnull``; ``CASE``, never ``iif``; `smaller` and `larger`, never ``min`` and ``max`` of two.
- Flags are integers, as in the schema, and are compared with 0 or 1: ``gone = 0`` rather than ``NOT gone``.
- ``ON CONFLICT (columns)``, never ``INSERT OR ...`` or ``UPDATE OR ...``; columns of the existing row
  are qualified with the table's name.
- ``RETURNING id`` yields the id of a new row (`Transaction.insert`); ``rowid`` is used only with the search index.
- ``GROUP BY`` lists all selected columns that aren't aggregated. Texts are in single quotes.
- A list of values is one parameter: ``f"id {in_list()}"`` with ``listed(ids)``.
- ``BYTEWISE`` follows a text that is sorted or made lower case.
- ``KEY_SHARE`` ends a SELECT of rows that must not be deleted before the transaction ends; SQLite has only one writer.

The search index (FTS5) and the maintenance of the database file are specific to SQLite.
"""

import json
from collections.abc import Iterable

KEY_SHARE = "/* FOR KEY SHARE */"
"""PostgreSQL locks the rows; to SQLite it is a comment."""
BYTEWISE = '/* COLLATE "C" */'
"""Compares and folds a text as SQLite does: a PostgreSQL database follows its language, such as Turkish with its I."""


def next_id(table: str, least: str) -> str:
    """SQL for an id that no row of this table has ever had, greater than this parameter.

    On PostgreSQL, where other processes insert rows at the same time, the table's sequence has it.
    """
    return f"/* nextval */ (SELECT {larger(least, 'coalesce(max(id), 0)')} + 1 FROM {table})"


def each(parameter: str = "?") -> str:
    """SQL for the list bound to this parameter, as a table with the column `value`."""
    return f"json_each({parameter})"


def in_list(parameter: str = "?") -> str:
    """SQL for "is in the list bound to this parameter", to be put after an expression."""
    return f"IN (SELECT value FROM {each(parameter)})"


def in_texts(parameter: str = "?") -> str:
    """The same for a list of texts."""
    return f"IN (SELECT value FROM json_each({parameter}, '$'))"


def listed(items: Iterable[int | str]) -> str:
    """A list as a parameter."""
    return json.dumps(list(items))


def smaller(one: str, other: str) -> str:
    """SQL for the smaller of two expressions that aren't NULL."""
    return f"(CASE WHEN {one} < {other} THEN {one} ELSE {other} END)"


def larger(one: str, other: str) -> str:
    """SQL for the larger of two expressions that aren't NULL."""
    return f"(CASE WHEN {one} > {other} THEN {one} ELSE {other} END)"
