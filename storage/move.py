"""Moving a whole database into an empty one, of the same kind or the other: all rows, with their ids.

It is one transaction of the target: a move that fails or is killed leaves it as it was. The source is only read. The
search index differs between the kinds, so it is not moved; all turns count as not indexed afterwards.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from storage.database import Database, SQLValue, StorageError, Transaction
from storage.move_source import MovedTable, MoveSource

SEVERAL, FEW = 500, 4
"""How many rows are read at once, where a row is small and where it may have 20 MB."""
MOST_BYTES = 4_000_000
"""The most bytes that are written in one trip, unless a single row has more."""
BYTES_PER_ROW = 10_000
"""As many bytes of a picture or a sound take about as long as another row."""
TABLES = (
    # Each after those that it refers to.
    MovedTable("chats", SEVERAL),
    MovedTable("turns", SEVERAL),
    MovedTable("turn_messages", SEVERAL),
    MovedTable("media", FEW, "bytes"),
    MovedTable("turn_media", SEVERAL),
    MovedTable("resets", SEVERAL),
    MovedTable("memories", SEVERAL),
    MovedTable("note_versions", SEVERAL),
    MovedTable("forgettings", SEVERAL),
    MovedTable("speakers", SEVERAL),
    MovedTable("bases", SEVERAL),
    MovedTable("basis_turns", SEVERAL),
    MovedTable("system_prompts", SEVERAL),
    MovedTable("sent_prompts", SEVERAL),
    MovedTable("usage", SEVERAL),
    MovedTable("spending", SEVERAL),
    MovedTable("budgets", SEVERAL),
    MovedTable("budget_hints", SEVERAL),
    MovedTable("running_requests", SEVERAL),
    MovedTable("access", SEVERAL),
    MovedTable("moved_groups", SEVERAL),
    MovedTable("owner_links", SEVERAL),
    MovedTable("broadcasts", SEVERAL),
    MovedTable("broadcast_chats", SEVERAL),
    MovedTable("notices", FEW, "file"),  # before the questions, which a trigger changes for each new notice
    MovedTable("questions", SEVERAL),
    MovedTable("newest_notices", SEVERAL),
    MovedTable("group_sends", SEVERAL),
    MovedTable("untitled_topics", SEVERAL),
    MovedTable("vector_pages", FEW, "vectors"),
    MovedTable("vector_progress", SEVERAL),
    MovedTable("stale_vectors", SEVERAL),
    MovedTable("token_ratios", SEVERAL),
    MovedTable("server_facts", SEVERAL),
    MovedTable("kept_responses", SEVERAL),
    MovedTable("inbox", SEVERAL),
)
LEFT_OUT = {
    "turn_words": "the search index, which is made from the turns",
    "stale_keys": "the index's: which of its keys are out of date",
    "chat_languages": "the index's: counted again while it is made",
    "index_damage": "the index's: the new one is sound",
    "index_version": "the index's",
    "schema_version": "PostgreSQL's number of the schema, which is the same in both",
    "chat_claims": "which process has which chat; none is running",
    "recent_answers": "who was answered in the last minute",
    "processes": "what each process has in flight; none is running",
}
"""Tables that are not moved, and why."""
_FROM_START = ("owner_links", "server_facts")
"""Tables that a bot fills before anyone has written to it; what is there gives way."""
_INDEX_STATE = ("stale_keys", "chat_languages", "index_damage", "index_version")
_INDEX_PROGRESS = ("indexed_turn", "old_turn")
"""Columns of a chat: how far it is indexed."""


class CountsDifferError(StorageError):
    """The target does not have as many rows as the source."""


@dataclass(frozen=True, slots=True)
class MoveSize:
    """What there is to move."""

    rows: Mapping[str, int]
    """By the table's name, in the order of TABLES."""
    work: int
    """For a progress bar; see BYTES_PER_ROW."""
    disk_bytes: int
    """How much of a disk the source takes."""


async def measure(source: MoveSource) -> MoveSize:
    """Count the rows of the source. Raises StorageError."""
    found = {table.name: await source.size(table) for table in TABLES}
    rows = {name: size.rows for name, size in found.items()}
    work = sum(_work(size.rows, size.bytes) for size in found.values())
    return MoveSize(rows, work, await source.disk_bytes())


async def filled_tables(database: Database) -> list[str]:
    """The tables that keep a database from being moved to, because something is in them."""
    names = [table.name for table in TABLES if table.name not in _FROM_START]
    return [name for name in names if await database.row(f"SELECT 1 FROM {name} LIMIT 1")]


async def move(source: MoveSource, target: Database, size: MoveSize, moved: Callable[[int], object]) -> None:
    """Write all rows of the source to an empty database, or none of them; `moved` is called with the work done.

    Raises StorageError.
    """
    async with target.transaction(alone=True) as tx:
        for name in (*_FROM_START, *_INDEX_STATE):
            await tx.discard(f"DELETE FROM {name}")
        for table in TABLES:
            try:
                await _move_table(source, table, tx, moved)
            except StorageError as exc:
                raise StorageError(f"{table.name}: {exc}") from exc
        await _compare(tx, size.rows)
        await target.continue_ids(tx, await source.last_ids())


async def _move_table(source: MoveSource, table: MovedTable, tx: Transaction, moved: Callable[[int], object]) -> None:
    async for rows in source.batches(table):
        names = rows[0].keys()
        marks = ", ".join("?" * len(names))
        sql = f"INSERT INTO {table.name} ({', '.join(names)}) VALUES ({marks})"
        for some in _trips(rows):
            await tx.execute_many(sql, [_values(row) for row in some])
            moved(sum(_work(1, _bytes(row)) for row in some) if table.large else len(some))


def _values(row: Mapping[str, SQLValue]) -> tuple[SQLValue, ...]:
    return tuple(0 if name in _INDEX_PROGRESS else value for name, value in row.items())


def _trips(rows: Sequence[Mapping[str, SQLValue]]) -> Iterator[list[Mapping[str, SQLValue]]]:
    """The rows in parts that are small enough for one trip."""
    some: list[Mapping[str, SQLValue]] = []
    size = 0
    for row in rows:
        more = _bytes(row)
        if some and size + more > MOST_BYTES:
            yield some
            some, size = [], 0
        some.append(row)
        size += more
    yield some


def _bytes(row: Mapping[str, SQLValue]) -> int:
    return sum(len(value) for value in row.values() if isinstance(value, bytes | str))


def _work(rows: int, size: int) -> int:
    return rows + size // BYTES_PER_ROW


async def _compare(tx: Transaction, rows: Mapping[str, int]) -> None:
    for name, expected in rows.items():
        found = await tx.row(f"SELECT count(*) AS number FROM {name}")
        if found is None or found["number"] != expected:
            number = found["number"] if found else 0
            raise CountsDifferError(f"{name} has {number} rows after the move, and {expected} before")
