"""SQL is written in the subset that PostgreSQL knows too; see `storage.sql`."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

STORAGE = Path(__file__).parent.parent.parent / "storage"
FORBIDDEN = {
    "ifnull": r"\bifnull\s*\(",
    "iif": r"\biif\s*\(",
    "INSERT OR": r"\b(INSERT|UPDATE) OR\b",
    "no conflict target": r"\bON CONFLICT DO\b",
    "rowid": r"\b(rowid|last_insert_rowid)\b",
    "json_each": r"\bjson_each\b",
    "double quotes": r'(=|<|>|IN \(|FROM|JOIN) ?"',
    "min or max of two": r"(?<!\w)(min|max)\([^()]*,",
    "flag": r"(?<!IS )\bNOT (?!IN\b|NULL\b|EXISTS\b|\(|\{)\w+"
    r"|\bAND (\w+\.)?(asked|awaits|from_bot|gone|in_place|open|removed)\b(?! [=!<>I])",
    "IS": r"\bIS (NOT )?(?!NULL\b|NOT NULL\b)[^\s{]",
    "IN a table": r"\bIN (?!\(|\{|EXCLUSIVE )\w+",
    "INDEXED BY": r"\bINDEXED BY\b",
    "no limit": r"\bLIMIT -1\b",
    "typeof": r"\btypeof\(",
    "unary plus": r"[^)\w?'} ]? \+[a-z{]",
}
SQLITE_ONLY = {
    "backup.py": "copies a SQLite file",
    "fts.py": "FTS5",
    "fts_index.py": "FTS5, and the tables that it keeps its index in",
    "sqlite.py": "opens a SQLite file",
    "files.py": "opens a SQLite file",
    "inspection.py": "looks for damage in a SQLite file",
    "old_index.py": "FTS5",
    "old_version.py": "copies a SQLite file",
    "sql.py": "the one place that knows json_each",
}
ALLOWED = {
    "ifnull(said_at, created_at)": "an index is of this expression, and SQLite uses it for no other",
    "NOT removed": "an index is of these rows, and SQLite uses it for no other condition",
    "INDEXED BY turns_open": "SQLite keeps no statistics here, and would read all turns",
    "INDEXED BY chats_aside": "SQLite keeps no statistics here, and would read all chats",
    "typeof(dimension) = 'integer' AND typeof(through_turn) = 'integer'": "a SQLite column may hold anything",
}
"""Parts of SQL, and why they are not portable."""


def statements(source: str) -> Iterator[str]:
    """The texts of a module that are SQL, or parts of it, without docstrings."""
    tree = ast.parse(source)
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    inside = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield "".join(str(one.value) if isinstance(one, ast.Constant) else "{}" for one in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings | inside:
            yield node.value


def faults(source: str) -> list[str]:
    """What is in a module's SQL that only SQLite knows."""
    found = []
    for text in statements(source):
        for part in ALLOWED:
            text = text.replace(part, "")
        found += [f"{name}: {text}" for name, pattern in FORBIDDEN.items() if re.search(pattern, text)]
    return found


def test_sql_is_portable() -> None:
    sources = [path for path in STORAGE.glob("*.py") if path.name not in SQLITE_ONLY]
    assert {path.name: found for path in sources if (found := faults(path.read_text("utf-8")))} == {}


@pytest.mark.parametrize("part", [*ALLOWED, *SQLITE_ONLY])
def test_each_exception_is_still_there(part: str) -> None:
    assert any(part == path.name or part in path.read_text("utf-8") for path in STORAGE.glob("*.py"))


@pytest.mark.parametrize(
    ("sql", "name"),
    [
        ("SELECT ifnull(max(id), 0) FROM turns", "ifnull"),
        ("SELECT iif(gone, 1, 2) FROM chats", "iif"),
        ("INSERT OR IGNORE INTO media VALUES (?, ?)", "INSERT OR"),
        ("UPDATE OR REPLACE memories SET chat_id = ?", "INSERT OR"),
        ("INSERT INTO media VALUES (?, ?) ON CONFLICT DO NOTHING", "no conflict target"),
        ("SELECT rowid FROM turns", "rowid"),
        ("SELECT 1 WHERE id IN (SELECT value FROM json_each(?))", "json_each"),
        ('SELECT 1 FROM turns WHERE role = "user"', "double quotes"),
        ("UPDATE chats SET created_at = min(created_at, ?)", "min or max of two"),
        ("SELECT 1 FROM chats WHERE NOT gone", "flag"),
        ("SELECT 1 FROM questions WHERE person IS ?", "IS"),
        ("SELECT id FROM turns WHERE id IN near", "IN a table"),
        ("SELECT id FROM turns INDEXED BY turns_by_chat", "INDEXED BY"),
        ("SELECT id FROM turns WHERE +state = ?", "unary plus"),
        ("SELECT 1 FROM turns WHERE id = ? AND asked", "flag"),
    ],
)
def test_what_only_sqlite_knows_is_found(sql: str, name: str) -> None:
    assert [fault.partition(":")[0] for fault in faults(f"SQL = {sql!r}")] == [name]
    assert [fault.partition(":")[0] for fault in faults(f"SQL = f{sql!r}")] == [name]
