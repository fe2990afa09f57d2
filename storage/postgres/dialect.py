"""The SQL of this package (`storage.sql`) in PostgreSQL's words.

Little differs: the names of parameters, the function that takes a list apart, and hints for SQLite's planner.
"""

import re
from functools import lru_cache

_QUOTED = re.compile(r"('(?:[^']|'')*')")
_PARAMETER = re.compile(r"\?(\d*)")
_REPLACED = (
    (re.compile(r"\bjson_each\(([^()]*), '\$'\)"), r"list_texts(\1)"),
    (re.compile(r"\bjson_each\("), "list_values("),
    (re.compile(r"\bifnull\("), "coalesce("),
    (re.compile(r" INDEXED BY \w+"), ""),
    (re.compile(r"\bCROSS JOIN (\w+) ON\b"), r"JOIN \1 ON"),
    (re.compile(r"\bNOT removed\b"), "removed = 0"),
    (re.compile(r"\bWHERE leaving\b"), "WHERE leaving = 1"),
    (re.compile(r'/\* (FOR KEY SHARE|COLLATE "C") \*/'), r"\1"),
    (
        re.compile(r"/\* nextval \*/ \(SELECT \(CASE WHEN (\$\d+) .*? FROM (\w+)\)"),
        r"(SELECT nextval(pg_get_serial_sequence('\2', 'id')) + 0 * \1)",
    ),
    (re.compile(r"\btypeof\(\w+\) = 'integer'"), "true"),
)


@lru_cache(maxsize=2_000)
def in_postgres(sql: str) -> str:
    """A statement with PostgreSQL's parameters ($1) and functions.

    As in SQLite, a ``?`` without a number has the number after the highest before it.
    """
    highest = 0

    def number(match: re.Match[str]) -> str:
        nonlocal highest
        this = int(match[1]) if match[1] else highest + 1
        highest = max(highest, this)
        return f"${this}"

    parts = _QUOTED.split(sql)  # every other one is a quoted text
    parts[::2] = [_PARAMETER.sub(number, part) for part in parts[::2]]
    sql = "".join(parts)
    for pattern, new in _REPLACED:
        sql = pattern.sub(new, sql)
    return sql
