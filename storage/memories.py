"""Memories, which replace the turns that left a chat's window in its prompt, and their earlier versions."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from storage.chats import read_chat
from storage.database import Database, Row, Transaction
from storage.media_store import Media
from storage.records import Chat, Role, Turn
from storage.sent_prompts import forget_digests_of_notes
from storage.sql import in_list, listed
from storage.transcript import KEPT, WAITING, TurnState

STEP = 1000
"""Turns counted at a time if a window is very long."""
_TURN = (
    "id, role, state, content, glue, tokens, created_at, asked,"
    " EXISTS (SELECT 1 FROM turn_media WHERE turn_id = turns.id) AS has_media"
)


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of a conversation: its last turn, and its first and last times in Unix seconds."""

    through_turn: int
    since: float
    until: float


@dataclass(frozen=True, slots=True)
class Memory:
    """The text that replaces the turns up to `through_turn` in the prompt."""

    through_turn: int
    text: str
    tokens: int
    made_at: float
    covers: tuple[Span, ...] = ()
    """The stretches that its text was made from; the rest left the window without a trace."""


@dataclass(frozen=True, slots=True)
class NotesVersion:
    """A current or earlier version of a chat's memory."""

    id: int
    text: str
    tokens: int
    covers: tuple[Span, ...]
    made_at: float


@dataclass(frozen=True, slots=True)
class Window:
    """The memory of a chat, and the turns since then, oldest first."""

    chat: Chat
    memory: Memory | None
    turns: tuple[Turn, ...]

    @property
    def through_turn(self) -> int:
        """Turns up to this id aren't in the window."""
        return max(self.chat.reset_turn, self.memory.through_turn if self.memory else 0)


class Memories:
    """The tables of memories (one for each chat and reset boundary) and of their versions."""

    def __init__(self, database: Database, media: Media) -> None:
        self._database = database
        self._media = media

    async def current(self, chat: Chat, tx: Transaction | None = None) -> Memory | None:
        """The chat's memory, if anything has left its window since the last reset."""
        row = await (tx or self._database).row(
            "SELECT * FROM memories WHERE chat_id = ? AND reset_turn = ?", (chat.id, chat.reset_turn)
        )
        return _memory(row) if row else None

    async def window(
        self,
        chat_id: int,
        *,
        without: int | None = None,
        most_tokens: int | None = None,
        tx: Transaction | None = None,
    ) -> Window:
        """The chat's window; `without` leaves out a reply that is being replaced.

        If the window has more than `most_tokens`, only the newest turns are read, because no prompt holds more. A
        compaction may be stored between the two reads; the turns are those after the memory that was read, so at worst
        this is the window from before.
        """
        row = await (tx or self._database).row(
            "SELECT chats.*, m.through_turn, m.text, m.tokens, m.made_at, m.covers, EXISTS (SELECT 1 FROM turns WHERE"
            " turns.chat_id = chats.id AND turns.id > coalesce(m.through_turn, chats.reset_turn)"
            " ORDER BY turns.id LIMIT 1 OFFSET ?) AS is_long FROM chats LEFT JOIN memories AS m"
            " ON m.chat_id = chats.id AND m.reset_turn = chats.reset_turn WHERE chats.id = ?",
            (STEP, chat_id),
        )
        assert row is not None, "the chat of a window must exist"
        memory = _memory(row) if row["text"] is not None else None
        window = Window(await read_chat(tx or self._database, row), memory, ())
        through = window.through_turn
        if most_tokens is not None and row["is_long"]:
            through = await self._newest(chat_id, through, most_tokens, tx)
        turns = await self.turns_since(chat_id, through, without=without, tx=tx)
        return Window(window.chat, memory, turns)

    async def turns_since(
        self, chat_id: int, through_turn: int, *, without: int | None = None, tx: Transaction | None = None
    ) -> tuple[Turn, ...]:
        """The turns after a given one, and all that are waiting for an answer, oldest first.

        `without` leaves out a reply that is being replaced.
        """
        rows = await (tx or self._database).rows(
            f"SELECT {_TURN} FROM turns WHERE chat_id = ? AND id > ? AND {KEPT} AND id != ? AND refused != 1"
            f" UNION SELECT {_TURN} FROM turns WHERE chat_id = ? AND {WAITING} AND refused != 1 ORDER BY id",
            (chat_id, through_turn, without or 0, chat_id),
        )
        return await self._turns(chat_id, rows, tx)

    async def past_window(
        self, chat_id: int, first_turn: int, last_turn: int, without: int, limit: int
    ) -> tuple[Turn, ...]:
        """The turns between two ids (inclusive) as they are now, without one answer, oldest first."""
        rows = await self._database.rows(
            f"SELECT {_TURN} FROM turns WHERE chat_id = ? AND id >= ? AND id <= ? AND '' || {KEPT} AND id != ?"
            " AND refused != 1 ORDER BY id LIMIT ?",  # otherwise SQLite would use the index of states
            (chat_id, first_turn, last_turn, without, limit),
        )
        return await self._turns(chat_id, rows, None)

    async def _turns(self, chat_id: int, rows: Sequence[Row], tx: Transaction | None) -> tuple[Turn, ...]:
        has_media = any(row["has_media"] for row in rows)
        first, last = (rows[0]["id"], rows[-1]["id"]) if rows else (0, 0)
        media = await self._media.of_chat(chat_id, first - 1, tx, through_turn=last) if has_media else {}
        return tuple(
            Turn(
                id=row["id"],
                role=Role(row["role"]),
                content=row["content"],
                separator=row["glue"],
                tokens=row["tokens"],
                at=row["created_at"],
                asked=bool(row["asked"]),
                media=media.get(row["id"], ()),
                waiting=row["state"] == TurnState.WAITING,
            )
            for row in rows
        )

    async def _newest(self, chat_id: int, through: int, most_tokens: int, tx: Transaction | None) -> int:
        """The turn after which just over `most_tokens` tokens follow, or `through` if there are fewer."""
        first, tokens = 2**63 - 1, 0
        while tokens <= most_tokens:
            row = await (tx or self._database).row(
                "SELECT min(id) AS first, sum(tokens) AS tokens FROM (SELECT id, tokens FROM turns"
                " WHERE chat_id = ? AND id > ? AND id < ? ORDER BY id DESC LIMIT ?) AS newest",
                (chat_id, through, first, STEP),
            )
            if row is None or row["first"] is None:
                return through
            first, tokens = row["first"], tokens + row["tokens"]
        return first - 1

    async def ends_overheard(self, chat_id: int) -> bool:
        """Whether the last turn is a message that wasn't addressed to the bot."""
        row = await self._database.row(
            # Without the concatenation, SQLite would use the index of states.
            f"SELECT role, asked FROM turns WHERE chat_id = ? AND '' || {KEPT}"
            " AND id > (SELECT reset_turn FROM chats WHERE chats.id = chat_id) ORDER BY id DESC LIMIT 1",
            (chat_id,),
        )
        return row is not None and row["role"] == Role.USER and not row["asked"]

    async def put(self, tx: Transaction, chat: Chat, memory: Memory) -> bool:
        """Make this the chat's memory; False if its turns have changed since `chat` was read."""
        rows = await tx.rows("SELECT epoch FROM chats WHERE id = ?", (chat.id,))
        if not rows or rows[0]["epoch"] != chat.epoch:
            return False
        await self._keep(tx, chat)  # an imported memory has no version yet
        covers = json.dumps([[span.through_turn, span.since, span.until] for span in memory.covers])
        await tx.execute(
            "INSERT INTO memories (chat_id, reset_turn, through_turn, text, tokens, made_at, covers)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (chat_id, reset_turn) DO UPDATE SET through_turn = excluded.through_turn,"
            " text = excluded.text, tokens = excluded.tokens, made_at = excluded.made_at, covers = excluded.covers",
            (chat.id, chat.reset_turn, memory.through_turn, memory.text, memory.tokens, memory.made_at, covers),
        )
        await self._keep(tx, chat)
        # The last timestamp may have left the window with its turn, so the next turn gets one.
        await tx.execute("UPDATE chats SET stamped_at = NULL WHERE id = ?", (chat.id,))
        return True

    async def versions_before(self, chat: Chat, version_id: int | None = None, limit: int = 1) -> list[NotesVersion]:
        """The versions before the given one (None: before the current one), newest first."""
        rows = await self._database.rows(
            "SELECT v.* FROM note_versions AS v LEFT JOIN memories AS m USING (chat_id, reset_turn)"
            " WHERE v.chat_id = ? AND v.reset_turn = ? AND v.id < ? AND (m.text IS NULL OR v.text != m.text)"
            " ORDER BY v.id DESC LIMIT ?",
            (chat.id, chat.reset_turn, 2**63 - 1 if version_id is None else version_id, limit),
        )
        return [_version(row) for row in rows]

    async def version(self, chat: Chat, version_id: int) -> NotesVersion | None:
        """A version by id, if the chat has had it since its last reset."""
        row = await self._database.row(
            "SELECT * FROM note_versions WHERE chat_id = ? AND reset_turn = ? AND id = ?",
            (chat.id, chat.reset_turn, version_id),
        )
        return _version(row) if row else None

    async def present_version(self, chat: Chat) -> int | None:
        """The id of the version that is in the prompt now."""
        row = await self._database.row(
            "SELECT v.id FROM memories AS m JOIN note_versions AS v USING (chat_id, reset_turn, text)"
            " WHERE m.chat_id = ? AND m.reset_turn = ? ORDER BY v.id DESC LIMIT 1",
            (chat.id, chat.reset_turn),
        )
        return row["id"] if row else None

    async def take_out(
        self, tx: Transaction, chat_id: int, is_gone: Callable[[str], bool], tokens: Callable[[str], int]
    ) -> None:
        """Remove lines from all versions of a chat's memory; `tokens` counts the rest."""
        verdicts: dict[str, bool] = {}
        changed: list[int] = []
        for table, key in (("memories", "reset_turn"), ("note_versions", "id")):
            found = await tx.rows(f"SELECT {key} AS key, text FROM {table} WHERE chat_id = ?", (chat_id,))
            for row in found:
                lines = row["text"].splitlines()
                verdicts |= {line: is_gone(line) for line in lines if line not in verdicts}
                rest = "\n".join(line for line in lines if not verdicts[line]).strip()
                if any(verdicts[line] for line in lines):
                    await tx.execute(
                        f"UPDATE {table} SET text = ?, tokens = ? WHERE chat_id = ? AND {key} = ?",
                        (rest, tokens(rest), chat_id, row["key"]),
                    )
                    changed += [row["key"]] if table == "note_versions" else []
        await forget_digests_of_notes(tx, changed)
        await tx.execute("DELETE FROM note_versions WHERE chat_id = ? AND text = ''", (chat_id,))

    async def lines(self, chat_id: int) -> set[str]:
        """All lines of all versions of a chat's memory."""
        rows = await self._database.rows(
            "SELECT text FROM memories WHERE chat_id = ?1 UNION SELECT text FROM note_versions WHERE chat_id = ?1",
            (chat_id,),
        )
        return {line for row in rows for line in row["text"].splitlines() if line.strip()}

    async def earlier_lines(self, chat: Chat, tx: Transaction | None = None) -> list[str]:
        """The lines of all versions of the chat's memory since its last reset, newest first."""
        rows = await (tx or self._database).rows(
            "SELECT text FROM note_versions WHERE chat_id = ? AND reset_turn = ? ORDER BY id DESC",
            (chat.id, chat.reset_turn),
        )
        return list(dict.fromkeys(line for row in rows for line in row["text"].splitlines() if line.strip()))

    async def changed(self, tx: Transaction, turn_id: int, now: float) -> None:
        """Record that a message was edited, so the memory may have its old text."""
        await tx.execute("UPDATE turns SET changed_at = ? WHERE id = ?", (now, turn_id))

    async def changes(self, chat: Chat, through_turn: int, limit: int) -> list[int]:
        """Turns up to this one whose edits the memory doesn't have, last edited first."""
        rows = await self._database.rows(
            "SELECT id FROM turns WHERE chat_id = ? AND changed_at > 0 AND id > ? AND id <= ? AND refused != 1"
            " ORDER BY changed_at DESC LIMIT ?",
            (chat.id, chat.reset_turn, through_turn, limit),
        )
        return [row["id"] for row in rows]

    async def by_edit(self, turn_ids: Sequence[int]) -> list[int]:
        """These edited turns, last edited first, as `changes` has them."""
        rows = await self._database.rows(
            f"SELECT id FROM turns WHERE id {in_list()} ORDER BY abs(changed_at) DESC", (listed(turn_ids),)
        )
        return [row["id"] for row in rows]

    async def mark_included(self, tx: Transaction, turn_ids: Sequence[int]) -> None:
        """Record that the memory has these edits. The time is kept, negated, in case an older version is restored."""
        await tx.execute(
            f"UPDATE turns SET changed_at = -abs(changed_at) WHERE id {in_list()}",
            (listed(turn_ids),),
        )

    async def mark_missing(self, tx: Transaction, chat_id: int, since: float) -> None:
        """A memory from this time was restored: mark later edits as missing from it again."""
        await tx.execute(
            "UPDATE turns SET changed_at = -changed_at WHERE chat_id = ? AND changed_at < ?", (chat_id, -since)
        )

    async def lines_of_before(self, before: float) -> dict[int, set[str]]:
        """The lines of versions made before this time (Unix seconds), by chat id."""
        rows = await self._database.rows("SELECT chat_id, text FROM note_versions WHERE made_at < ?", (before,))
        found: dict[int, set[str]] = {}
        for row in rows:
            found.setdefault(row["chat_id"], set()).update(row["text"].splitlines())
        return found

    async def _keep(self, tx: Transaction, chat: Chat) -> None:
        """Store the current memory as the newest version, unless it already is."""
        await tx.execute(
            "INSERT INTO note_versions (chat_id, reset_turn, text, tokens, covers, made_at)"
            " SELECT chat_id, reset_turn, text, tokens, covers, made_at FROM memories AS m"
            " WHERE chat_id = ?1 AND reset_turn = ?2 AND text != '' AND text != coalesce("
            "(SELECT text FROM note_versions WHERE chat_id = ?1 AND reset_turn = ?2 ORDER BY id DESC LIMIT 1), '')",
            (chat.id, chat.reset_turn),
        )

    async def delete_before(self, tx: Transaction, before: float) -> None:
        """Delete memories made before this time; everything in them is even older."""
        old = await tx.rows("SELECT id FROM note_versions WHERE made_at < ?", (before,))
        await forget_digests_of_notes(tx, [row["id"] for row in old])
        for table in ("memories", "note_versions"):
            await tx.execute(f"DELETE FROM {table} WHERE made_at < ?", (before,))

    async def prune(self, tx: Transaction) -> None:
        """Delete the memories that belong to purged resets."""
        for table in ("memories", "note_versions"):
            await tx.execute(
                f"DELETE FROM {table} WHERE reset_turn != (SELECT reset_turn FROM chats"
                f" WHERE id = {table}.chat_id) AND NOT EXISTS (SELECT 1 FROM resets"
                f" WHERE resets.chat_id = {table}.chat_id AND from_id = {table}.reset_turn)",
            )


def _memory(row: Row) -> Memory:
    return Memory(row["through_turn"], row["text"], row["tokens"], row["made_at"], _covers(row))


def _version(row: Row) -> NotesVersion:
    return NotesVersion(row["id"], row["text"], row["tokens"], _covers(row), row["made_at"])


def _covers(row: Row) -> tuple[Span, ...]:
    return tuple(Span(*span) for span in json.loads(row["covers"]))
