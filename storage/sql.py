"""How SQL is written here, so that SQLite runs it today and PostgreSQL can tomorrow; a test looks for the rest.

- ``coalesce``, never ``ifnull``; ``CASE``, never ``iif``; `smaller` and `larger`, never ``min`` and ``max`` of two.
- Flags are integers, as the schema has them, and are compared with 0 or 1: ``gone = 0`` and not ``NOT gone``.
- ``ON CONFLICT (columns)``, never ``INSERT OR ...`` or ``UPDATE OR ...``; columns of the row that is there already
  have their table's name in front.
- ``RETURNING id`` gives the id of a new row (`Transaction.insert`); ``rowid`` is for the search index alone.
- ``GROUP BY`` names all that is selected and not added up. Texts are in single quotes.
- A list of values is one parameter: ``f"id {in_list()}"`` with ``listed(ids)``.

The search index (FTS5), and what keeps a SQLite file whole, are written for SQLite.
"""

import json
from collections.abc import Iterable


def each(parameter: str = "?") -> str:
    """SQL: the list that is bound as this parameter as a table with the column `value`."""
    return f"json_each({parameter})"


def in_list(parameter: str = "?") -> str:
    """SQL: whether what stands before it is in the list that is bound as this parameter."""
    return f"IN (SELECT value FROM {each(parameter)})"


def listed(items: Iterable[int | str]) -> str:
    """A list as a parameter."""
    return json.dumps(list(items))


def smaller(one: str, other: str) -> str:
    """SQL: the smaller of two expressions that are not NULL."""
    return f"(CASE WHEN {one} < {other} THEN {one} ELSE {other} END)"


def larger(one: str, other: str) -> str:
    """SQL: the larger of two expressions that are not NULL."""
    return f"(CASE WHEN {one} > {other} THEN {one} ELSE {other} END)"
