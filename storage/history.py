"""Reading of older turns: to index, recall, search, summarize or forget them."""

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from math import inf

from storage.database import Database, Row, SQLValue, Transaction
from storage.records import HistoryTurn, Role
from storage.sql import each, in_list, listed
from storage.transcript import PENDING, SETTLED

Rows = Callable[[str, Sequence[SQLValue]], Awaitable[list[Row]]]

_TURNS = (
    "SELECT id, role, content, speaker, coalesce(said_at, created_at) AS at, tokens,"
    " (SELECT min(message_id) FROM turn_messages WHERE turn_id = turns.id) AS message_id,"
    " (SELECT max(to_id) FROM resets WHERE resets.chat_id = turns.chat_id AND undone = 0 AND to_id < turns.id) AS era"
    " FROM turns"
)
_TIMES = "SELECT id, coalesce(said_at, created_at) AS at, tokens FROM turns"
_USABLE = f"{SETTLED} AND refused != 1"
"""Turns that a model may be sent."""
_SAID_AT = "ifnull(said_at, created_at)"
"""Written as in the index turns_by_time; SQLite wouldn't use it for ``coalesce``."""
_TO_INDEX = (
    f"chat_id = ?1 AND id > (SELECT indexed_turn FROM chats WHERE id = ?1) AND {SETTLED} AND id < coalesce("
    f"(SELECT min(id) FROM turns WHERE chat_id = ?1 AND {PENDING}), 9223372036854775807)"
)
"""Up to the first turn that is waiting for its answer."""


@dataclass(frozen=True, slots=True)
class Unindexed:
    """The unindexed turns of a chat, oldest first, and the (at most two) turns before them."""

    before: tuple[HistoryTurn, ...]
    fresh: tuple[HistoryTurn, ...]


@dataclass(frozen=True, slots=True)
class InContext:
    """A turn, and the turns before and after it in the same conversation."""

    before: HistoryTurn | None
    own: HistoryTurn
    after: HistoryTurn | None


@dataclass(frozen=True, slots=True)
class OutdatedTurns:
    """The newest turns of a chat that must be indexed again, and their neighbours, oldest first."""

    old: tuple[HistoryTurn, ...]
    all: tuple[HistoryTurn, ...]
    rest: int
    """The last turn id up to which there may be more; 0 if there are none."""


@dataclass(frozen=True, slots=True)
class TimedTurn:
    """A user's turn, when it was said (Unix seconds), and its length."""

    turn_id: int
    at: float
    tokens: int


class History:
    """Reads settled turns."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def unindexed_count(self, chat_id: int, most: int) -> int:
        """The number of turns of the chat to index, counted up to `most`."""
        return len(await self._database.rows(f"SELECT 1 FROM turns WHERE {_TO_INDEX} LIMIT ?2", (chat_id, most)))

    async def unindexed(self, tx: Transaction, chat_id: int, limit: int) -> Unindexed:
        """The next turns to index; read in the transaction that indexes them."""
        fresh = await tx.rows(f"{_TURNS} WHERE {_TO_INDEX} ORDER BY id LIMIT ?2", (chat_id, limit))
        before = await tx.rows(
            f"{_TURNS} WHERE chat_id = ?1 AND id <= (SELECT indexed_turn FROM chats WHERE id = ?1) AND {SETTLED}"
            " ORDER BY id DESC LIMIT 2",
            (chat_id,),
        )
        return Unindexed(tuple(map(_history_turn, reversed(before))), tuple(map(_history_turn, fresh)))

    async def old(self, tx: Transaction, chat_id: int, limit: int) -> OutdatedTurns:
        """The next turns to index again; read in the transaction that indexes them."""
        bound = "(SELECT old_turn FROM chats WHERE id = ?1)"
        inside = f"{_TURNS} WHERE chat_id = ?1 AND {SETTLED}"
        rows = await tx.rows(f"{inside} AND id <= {bound} ORDER BY id DESC LIMIT ?2", (chat_id, limit + 1))
        next_row = await tx.rows(f"{inside} AND id > {bound} ORDER BY id LIMIT 1", (chat_id,))
        old = [_history_turn(row) for row in reversed(rows[:limit])]
        every = [*map(_history_turn, rows[limit:]), *old, *map(_history_turn, next_row)]
        return OutdatedTurns(tuple(old), tuple(every), old[0].turn_id - 1 if len(rows) > limit else 0)

    async def around(
        self, chat_id: int, turn_ids: Collection[int], *, after_turn: int, before_turn: int, refused: bool = True
    ) -> list[HistoryTurn]:
        """These turns and the ones before and after each, between two ids (exclusive), oldest first.

        `refused`: include turns that the model server's content filter refuses.
        """
        settled = SETTLED if refused else _USABLE
        rows = await self._database.rows(
            f"WITH hit (id) AS (SELECT value FROM {each('?1')}), near (id) AS (SELECT id FROM hit UNION"
            f" SELECT (SELECT max(id) FROM turns WHERE chat_id = ?2 AND id < hit.id AND {settled}) FROM hit UNION"
            f" SELECT (SELECT min(id) FROM turns WHERE chat_id = ?2 AND id > hit.id AND {settled}) FROM hit)"
            f" {_TURNS} WHERE chat_id = ?2 AND id IN (SELECT id FROM near) AND id > ?3 AND id < ?4 AND {settled}"
            " ORDER BY id",
            (listed(turn_ids), chat_id, after_turn, before_turn),
        )
        return [_history_turn(row) for row in rows]

    async def stored_before(self, before: float, limit: int) -> dict[int, list[int]]:
        """The `limit` oldest settled turns stored before this time: ascending ids by chat id."""
        rows = await self._database.rows(
            f"SELECT id, chat_id FROM turns WHERE created_at < ? AND {SETTLED} ORDER BY created_at, id LIMIT ?",
            (before, limit),
        )
        found: dict[int, list[int]] = {}
        for row in rows:
            found.setdefault(row["chat_id"], []).append(row["id"])
        return found

    async def chats_to_index(self) -> list[int]:
        """The chats with unindexed settled turns."""
        rows = await self._database.rows(
            "SELECT id FROM chats WHERE indexed_turn < (SELECT max(turns.id) FROM turns WHERE chat_id = chats.id"
            f" AND {SETTLED})"
        )
        return [row["id"] for row in rows]

    async def sample(self, count: int) -> list[HistoryTurn]:
        """Up to `count` indexed turns from all over the transcript, each the first in a range of ids.

        Turns with stale keys are left out, because they can't be found by their words until they are indexed again.
        """
        rows = await self._database.rows(
            "WITH RECURSIVE span (last) AS (SELECT coalesce(max(id), 0) FROM turns),"
            " slice (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM slice WHERE n + 1 < ?1)"
            f" {_TURNS} WHERE id IN (SELECT (SELECT min(id) FROM turns WHERE id > n * last / ?1) FROM slice, span)"
            f" AND {SETTLED} AND id <= (SELECT indexed_turn FROM chats WHERE chats.id = chat_id)"
            " AND id > (SELECT old_turn FROM chats WHERE chats.id = chat_id)"
            " AND id NOT IN (SELECT turn_id FROM stale_keys)",
            (count,),
        )
        return [_history_turn(row) for row in rows]

    async def latest(
        self, chat_id: int, *, after_turn: int, since: float, limit: int, until: float = inf
    ) -> list[HistoryTurn]:
        """The `limit` newest turns after a given one that were said in [since, until), oldest first.

        They are for a model, so refused ones are left out.
        """
        rows = await self._database.rows(
            f"{_TURNS} WHERE chat_id = ? AND id > ? AND {_USABLE} AND coalesce(said_at, created_at) >= ?"
            " AND coalesce(said_at, created_at) < ?"
            " ORDER BY id DESC LIMIT ?",
            (chat_id, after_turn, since, until, limit),
        )
        return [_history_turn(row) for row in reversed(rows)]

    async def of_message(self, chat_id: int, message_id: int, tx: Transaction | None = None) -> HistoryTurn | None:
        """The turn that a Telegram message belongs to."""
        rows = await (tx or self._database).rows(
            f"{_TURNS} WHERE chat_id = ?1 AND {SETTLED}"
            " AND id IN (SELECT turn_id FROM turn_messages WHERE in_chat = ?1 AND message_id = ?2)"
            " ORDER BY id DESC LIMIT 1",
            (chat_id, message_id),
        )
        return _history_turn(rows[0]) if rows else None

    async def speakers(self, chat_id: int, turn_ids: Collection[int]) -> tuple[str, ...]:
        """Who sent these turns, in order, also where they are not answered yet."""
        rows = await self._database.rows(
            f"SELECT speaker FROM turns WHERE chat_id = ? AND id {in_list()} AND speaker IS NOT NULL ORDER BY id",
            (chat_id, listed(turn_ids)),
        )
        return tuple(dict.fromkeys(row["speaker"] for row in rows))

    async def is_all_of(self, chat_id: int, turn_ids: Collection[int], sender_id: int) -> bool:
        """Whether no one else sent any of these turns; the bot's answers don't count."""
        row = await self._database.row(
            f"SELECT 1 FROM turns WHERE chat_id = ?1 AND id {in_list('?2')} AND role = 'user'"
            " AND (sender_id IS NULL OR sender_id <> ?3)",
            (chat_id, listed(turn_ids), sender_id),
        )
        return row is None

    async def sent_by(self, chat_id: int, turn_ids: Collection[int], sender_id: int) -> tuple[int, ...]:
        """Those of these turns that this person or chat sent."""
        rows = await self._database.rows(
            f"SELECT id FROM turns WHERE chat_id = ?1 AND id {in_list('?2')} AND role = 'user' AND sender_id = ?3"
            " ORDER BY id",
            (chat_id, listed(turn_ids), sender_id),
        )
        return tuple(row["id"] for row in rows)

    async def answer_to(self, chat_id: int, turn_id: int) -> int | None:
        """The first answer after a message to the bot; it may also answer others that were sent with it."""
        row = await self._database.row(
            f"SELECT id FROM turns WHERE chat_id = ?1 AND id > ?2 AND role = 'assistant' AND {SETTLED}"
            " AND (SELECT asked FROM turns WHERE id = ?2) = 1 ORDER BY id LIMIT 1",
            (chat_id, turn_id),
        )
        return int(row["id"]) if row is not None else None

    async def neighbours(
        self, tx: Transaction, chat_id: int, turn_id: int
    ) -> tuple[list[HistoryTurn], list[HistoryTurn]]:
        """The two turns before the position of a turn that may be gone, and two indexed ones after, oldest first."""
        inside = f"{_TURNS} WHERE chat_id = ?1 AND {SETTLED}"
        before = await tx.rows(f"{inside} AND id < ?2 ORDER BY id DESC LIMIT 2", (chat_id, turn_id))
        after = await tx.rows(
            f"{inside} AND id > ?2 AND id <= (SELECT indexed_turn FROM chats WHERE id = ?1) ORDER BY id LIMIT 2",
            (chat_id, turn_id),
        )
        return [_history_turn(row) for row in reversed(before)], [_history_turn(row) for row in after]

    async def indexed(self, tx: Transaction, chat_id: int, turn_ids: Collection[int]) -> list[InContext]:
        """The indexed ones of these turns, with their indexed neighbours, oldest first."""
        last = "(SELECT indexed_turn FROM chats WHERE id = ?1)"
        found = await tx.rows(
            "SELECT asked.value AS id,"
            f" (SELECT id FROM turns WHERE chat_id = ?1 AND id < asked.value AND {SETTLED}"
            " ORDER BY id DESC LIMIT 1) AS before,"
            f" (SELECT id FROM turns WHERE chat_id = ?1 AND id > asked.value AND {SETTLED} AND id <= {last}"
            f" ORDER BY id LIMIT 1) AS after FROM {each('?2')} AS asked WHERE asked.value <= {last}"
            " ORDER BY asked.value",
            (chat_id, listed(turn_ids)),
        )
        return await _in_context(tx.rows, chat_id, found)

    async def between(self, chat_id: int, begin: float, end: float) -> tuple[int, int] | None:
        """The first and the last turn said in [begin, end), or None if there are none."""
        inside = f"chat_id = ? AND {_SAID_AT} >= ? AND {_SAID_AT} < ?"
        ends = [
            await self._database.row(
                f"SELECT id FROM turns WHERE {inside} ORDER BY {_SAID_AT} {order}, id {order} LIMIT 1",
                (chat_id, begin, end),
            )
            for order in ("ASC", "DESC")
        ]
        first, last = ends
        return (int(first["id"]), int(last["id"])) if first is not None and last is not None else None

    async def user_turns(self, chat_id: int, first_turn: int, last_turn: int, limit: int) -> list[TimedTurn]:
        """Users' turns between two ids (inclusive). If there are more than `limit`, an evenly spread selection."""
        inside = f"chat_id = ?1 AND id >= ?2 AND id <= ?3 AND role = 'user' AND {_USABLE}"
        rows = await self._database.rows(
            f"{_TIMES} WHERE {inside} ORDER BY id LIMIT ?4", (chat_id, first_turn, last_turn, limit + 1)
        )
        if len(rows) > limit:
            step = (last_turn - first_turn) / limit
            points = listed(sorted({first_turn + int(number * step) for number in range(limit)}))
            rows = await self._database.rows(
                f"{_TIMES} WHERE id IN (SELECT (SELECT id FROM turns WHERE chat_id = ?1 AND id >= value AND id <= ?2"
                f" AND role = 'user' AND {_USABLE} ORDER BY id LIMIT 1) FROM {each('?3')}) ORDER BY id",
                (chat_id, last_turn, points),
            )
        return [TimedTurn(row["id"], row["at"], row["tokens"]) for row in rows]

    async def times(self, chat_id: int, turn_ids: Collection[int]) -> dict[int, float]:
        """When these turns were said (Unix seconds), by id."""
        rows = await self._database.rows(
            f"{_TIMES} WHERE chat_id = ? AND id {in_list()}",
            (chat_id, listed(turn_ids)),
        )
        return {row["id"]: row["at"] for row in rows}

    async def contents(
        self, chat_id: int, after_turn: int, limit: int, tx: Transaction | None = None
    ) -> list[tuple[int, str]]:
        """(Id, content) of the first `limit` settled turns after a given one, oldest first."""
        rows = await (tx or self._database).rows(
            f"SELECT id, content FROM turns WHERE chat_id = ? AND id > ? AND {SETTLED} ORDER BY id LIMIT ?",
            (chat_id, after_turn, limit),
        )
        return [(row["id"], row["content"]) for row in rows]

    async def of_ids(self, chat_id: int, turn_ids: Collection[int], tx: Transaction | None = None) -> list[HistoryTurn]:
        """These turns of a chat, oldest first."""
        rows = await (tx or self._database).rows(
            f"{_TURNS} WHERE chat_id = ? AND {SETTLED} AND id {in_list()} ORDER BY id",
            (chat_id, listed(turn_ids)),
        )
        return [_history_turn(row) for row in rows]

    async def in_context(
        self, chat_id: int, turn_ids: Collection[int], tx: Transaction | None = None
    ) -> list[InContext]:
        """These turns with their neighbours, oldest first; seen by the transaction, if one is given."""
        rows = tx.rows if tx is not None else self._database.rows
        found = await rows(
            "SELECT asked.value AS id,"
            f" (SELECT id FROM turns WHERE chat_id = ?1 AND id < asked.value AND {SETTLED}"
            " AND id > (SELECT reset_turn FROM chats WHERE id = ?1) ORDER BY id DESC LIMIT 1) AS before,"
            f" (SELECT id FROM turns WHERE chat_id = ?1 AND id > asked.value AND {SETTLED} ORDER BY id LIMIT 1)"
            f" AS after FROM {each('?2')} AS asked ORDER BY asked.value",
            (chat_id, listed(turn_ids)),
        )
        return await _in_context(rows, chat_id, found)


async def _in_context(read: Rows, chat_id: int, found: Sequence[Row]) -> list[InContext]:
    """Turns with their neighbours, from rows of their ids."""
    near = (row[name] for row in found for name in ("id", "before", "after"))
    wanted = sorted({turn_id for turn_id in near if turn_id is not None})
    rows = await read(
        f"{_TURNS} WHERE chat_id = ? AND {SETTLED} AND id {in_list()}",
        (chat_id, listed(wanted)),
    )
    turns = {row["id"]: _history_turn(row) for row in rows}
    return [
        InContext(turns.get(row["before"]), turns[row["id"]], turns.get(row["after"]))
        for row in found
        if row["id"] in turns
    ]


def _history_turn(row: Row) -> HistoryTurn:
    return HistoryTurn(
        turn_id=row["id"],
        role=Role(row["role"]),
        content=row["content"],
        speaker=row["speaker"],
        at=row["at"],
        tokens=row["tokens"],
        message_id=row["message_id"],
        era=row["era"],
    )
