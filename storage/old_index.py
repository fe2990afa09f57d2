"""The search index of schemas before 014, which is used for turns that aren't in the new one yet."""

from collections.abc import Awaitable, Callable, Collection, Sequence

from storage.database import Database, Row, SQLValue, Transaction

NAME = "turn_keys"
BATCH = 200
"""Rows deleted per transaction, so that other writers wait only a few milliseconds."""
Rows = Callable[[str, Sequence[SQLValue]], Awaitable[list[Row]]]


def parts_of(index: str) -> tuple[str, ...]:
    """The tables in which FTS5 stores an index."""
    return tuple(f"{index}_{part}" for part in ("data", "idx", "content", "docsize", "config"))


OLD_PARTS = parts_of(NAME)


class OldIndex:
    """Read until all turns are in the new index, then removed in small steps."""

    def __init__(self, database: Database, rows: Rows) -> None:
        self._database = database
        self._rows = rows
        self._gone = False

    async def there(self, tx: Transaction | None = None) -> bool:
        """Whether the old index still exists."""
        if not self._gone:
            self._gone = not await (tx or self._database).row("SELECT 1 FROM sqlite_schema WHERE name = ?", (NAME,))
        return not self._gone

    async def find(
        self, tag: str, words: Sequence[str], columns: str, *, every: bool, bounds: tuple[int, int, int]
    ) -> list[tuple[int, float]]:
        """The best turns with their scores; `bounds`: the turns they lie between (exclusive), and the limit."""
        phrases = (" AND " if every else " OR ").join(f'"{word}"' for word in words)
        rows = await self._rows(
            "SELECT rowid AS id, -bm25(turn_keys, 0.0, 1.0, 0.6, 1.0) AS score FROM turn_keys"
            " WHERE turn_keys MATCH ? AND rowid > ? AND rowid < ? ORDER BY score DESC, rowid LIMIT ?",
            (f"tag : {tag} AND {columns} : ({phrases})", *bounds),
        )
        return [(row["id"], row["score"]) for row in rows]

    async def last_turn(self, chat_id: int) -> int:
        """The last turn of a chat that must be moved to the new index, or 0."""
        row = await self._database.row("SELECT old_turn FROM chats WHERE id = ?", (chat_id,))
        return int(row["old_turn"]) if row else 0

    async def take_away(self) -> bool:
        """Remove some of the old index; False if nothing is left."""
        async with self._database.transaction(alone=True) as tx:
            if await tx.rows("SELECT 1 FROM sqlite_schema WHERE name = ?", (NAME,)):
                await self.leave(tx, ())
                return True
            for part in OLD_PARTS:
                if await tx.rows("SELECT 1 FROM sqlite_schema WHERE name = ?", (part,)):
                    if not await _empty(tx, part):
                        await tx.execute(f"DROP TABLE {part}")
                    return True
        return False

    @staticmethod
    async def leave(tx: Transaction, broken: Collection[str]) -> None:
        """Remove the virtual table and broken tables from the schema; the index's other tables become plain tables."""
        names = ", ".join(f"'{name}'" for name in (NAME, *broken))
        await tx.execute("PRAGMA writable_schema = ON")
        await tx.execute(f"DELETE FROM sqlite_schema WHERE name IN ({names})")
        await tx.execute("PRAGMA writable_schema = RESET")


async def _empty(tx: Transaction, part: str) -> int:
    key = {f"{NAME}_idx": "segid, term", f"{NAME}_config": "k"}.get(part, "id")
    return await tx.execute(f"DELETE FROM {part} WHERE ({key}) IN (SELECT {key} FROM {part} LIMIT {BATCH})")
