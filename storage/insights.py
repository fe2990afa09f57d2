"""What the inspector lists: chats, their answers, costs, failures, slow answers. It only reads, and never all turns."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import islice

from storage.chats import key_in
from storage.database import Database, Row
from storage.records import Chat, ChatKey, ModelUsage, Usage
from storage.sql import in_list, listed
from storage.transcript import SETTLED, TurnState
from storage.usage import EVERYBODY, NUMBERS, usage_in

MOST_CHATS = 200
MOST_SEARCHED = 100_000
"""The most chats whose names are searched, those that spoke last."""
MOST_ANSWERS = 60
"""The most answers of one page."""
MOST_POINTS = 2_000
"""The most answers of one plot."""
NEWEST = 20_000
"""How many of all turns, the newest, are searched for failures and slow answers."""
HEAD = 160
"""The characters shown of a text in a list."""
_ANSWERS = f"""
SELECT t.id, t.created_at, t.input_tokens, t.cached_tokens, t.output_tokens, substr(t.content, 1, {HEAD}) AS answer,
    (SELECT min(message_id) FROM turn_messages WHERE turn_id = t.id) AS message_id,
    (SELECT substr(content, 1, {HEAD}) FROM turns WHERE id = b.question_id AND chat_id = t.chat_id) AS question,
    b.first_turn, b.notes_id, b.notes_tokens, b.model, b.price, b.currency, b.input_tokens AS all_input,
    b.cached_tokens AS all_cached, b.output_tokens AS all_output, b.estimated,
    s.tokens, s.low, s.high, s.total_s
FROM turns AS t JOIN bases AS b ON b.reply_id = t.id LEFT JOIN sent_prompts AS s ON s.reply_id = t.id
"""


@dataclass(frozen=True, slots=True)
class ChatLine:
    """A chat in the list."""

    chat_id: int
    key: ChatKey
    private: bool
    name: str
    """Its title or person, as far as the bot knows; else ""."""
    last_at: float | None
    """When something was last said there (Unix seconds)."""


@dataclass(frozen=True, slots=True)
class AnswerLine:
    """An answer in a list or a plot. Tokens are the server's, and None if it reported nothing."""

    reply_id: int
    message_id: int | None
    at: float
    question: str
    answer: str
    own: Usage | None
    """Of the request that the answer was asked for with."""
    all: Usage
    """Of all its requests: after tools, and after failed attempts."""
    model: str
    price: float | None
    currency: str | None
    first_turn: int | None
    notes_id: int | None
    notes_tokens: int
    window: tuple[int, int | None, int | None] | None
    """Its estimated tokens, and the low and the high threshold, if there are any."""
    total_s: float | None


@dataclass(frozen=True, slots=True)
class Failure:
    """A kind of failure, how often it is stored, and the chats with most of it (Telegram IDs)."""

    kind: str
    count: int
    chats: tuple[tuple[int, int], ...] = ()


_NEWEST = f"(SELECT coalesce(max(id), 0) - {NEWEST} FROM turns)"
_FAILURES = {
    "Questions without an answer (given up, and nothing was said since)": (
        f"FROM turns AS t JOIN chats ON chats.id = t.chat_id WHERE t.id > {_NEWEST} AND role = 'user' AND asked = 1"
        f" AND state = '{TurnState.SETTLED}' AND thread_id >= 0 AND t.id > reset_turn"
        " AND NOT EXISTS (SELECT 1 FROM turns AS later WHERE later.chat_id = t.chat_id AND later.id > t.id)"
    ),
    "Messages that the model refused, left out of prompts": (
        f"FROM turns AS t JOIN chats ON chats.id = t.chat_id WHERE t.id > {_NEWEST} AND refused = 1"
    ),
    "Pictures and sounds that the model refused": (
        f"FROM turn_media JOIN turns AS t ON t.id = turn_id JOIN chats ON chats.id = t.chat_id"
        f" WHERE turn_id > {_NEWEST} AND turn_media.refused = 1"
    ),
    "Updates in quarantine (the process ended three times with them)": (
        "FROM inbox WHERE telegram_id IS NOT NULL AND state = 'quarantined'"
    ),
    "Updates that could not be read": "FROM inbox WHERE telegram_id IS NOT NULL AND state = 'unreadable'",
    "Notices that were set aside": "FROM notices WHERE message_id = 0",
    "Chats whose last compaction failed": "FROM chats WHERE thread_id >= 0 AND compact_failures > 0",
    "Chats that the bot was removed from, or that blocked it": "FROM chats WHERE thread_id >= 0 AND gone = 1",
}


class Insights:
    """Lists for the inspector."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def chats(self, words: str = "", day: date | None = None) -> list[ChatLine]:
        """The chats that spoke last; `words`: in the name, or the ID; `day`: only those that used a model then."""
        rows = await self._database.rows(
            "SELECT * FROM (SELECT chats.id, telegram_id, thread_id, direct, private, coalesce("
            "(SELECT name FROM access WHERE access.telegram_id = chats.telegram_id AND name != ''),"
            " (SELECT speaker FROM turns WHERE chat_id = chats.id AND role = 'user' AND private = 1"
            " ORDER BY turns.id DESC LIMIT 1), '') AS name,"
            " (SELECT max(turns.id) FROM turns WHERE chat_id = chats.id) AS last_turn"
            " FROM chats WHERE thread_id >= 0) AS known WHERE last_turn IS NOT NULL"
            " AND (?1 = '' OR EXISTS (SELECT 1 FROM usage WHERE chat_id = known.id AND day = ?1))"
            " ORDER BY last_turn DESC LIMIT ?2",
            (day.isoformat() if day else "", MOST_SEARCHED if words else MOST_CHATS),
        )
        if words:  # SQLite knows the capitals of English only
            wanted = words.casefold()
            named = (row for row in rows if wanted in row["name"].casefold() or words in str(row["telegram_id"]))
            rows = list(islice(named, MOST_CHATS))
        times = await self._times([row["last_turn"] for row in rows])
        return [
            ChatLine(
                row["id"],
                key_in(row),
                bool(row["private"]),
                row["name"],
                times.get(row["last_turn"]),
            )
            for row in rows
        ]

    async def answers(
        self, chat: Chat, first: int = 0, last: int = 2**63 - 1, limit: int = MOST_ANSWERS
    ) -> list[AnswerLine]:
        """The newest answers between two turns (inclusive) since the last reset, newest first."""
        rows = await self._database.rows(
            f"{_ANSWERS} WHERE t.chat_id = ? AND t.id > ? AND t.id >= ? AND t.id <= ? AND '' || t.{SETTLED}"
            " ORDER BY t.id DESC LIMIT ?",
            (chat.id, chat.reset_turn, first, last, limit),
        )
        return list(map(_answer_line, rows))

    async def course(self, chat: Chat) -> list[AnswerLine]:
        """The newest answers of the chat for a plot, oldest first."""
        rows = await self._database.rows(
            f"{_ANSWERS} WHERE t.chat_id = ? AND t.id > ? AND '' || t.{SETTLED} ORDER BY t.id DESC LIMIT ?",
            (chat.id, chat.reset_turn, MOST_POINTS),
        )
        return list(map(_answer_line, reversed(rows)))

    async def answer(self, chat: Chat, reply_id: int) -> AnswerLine | None:
        """One answer of a chat."""
        found = await self.answers(chat, reply_id, reply_id)
        return found[0] if found else None

    async def answer_after(self, chat: Chat, turn_id: int) -> int | None:
        """The first answer after a turn."""
        row = await self._database.row(
            "SELECT id FROM turns WHERE chat_id = ? AND id > ? AND role = 'assistant' ORDER BY id LIMIT 1",
            (chat.id, turn_id),
        )
        return row["id"] if row else None

    async def costs(self, first: date, last: date, chat_id: int | None = None) -> dict[date, list[ModelUsage]]:
        """The usage by day and model, of one chat or of all, newest day first; all requests count."""
        table, where, requests = (
            ("usage", "chat_id = ?", "requests, turns")
            if chat_id is not None
            else ("spending", "user_id = ?", "0 AS requests, 0 AS turns")
        )
        rows = await self._database.rows(
            f"SELECT day, model, {requests}, {', '.join(NUMBERS)} FROM {table} WHERE {where}"
            " AND day >= ? AND day <= ? ORDER BY day DESC, input_tokens DESC",
            (EVERYBODY if chat_id is None else chat_id, first.isoformat(), last.isoformat()),
        )
        found: dict[date, list[ModelUsage]] = {}
        for row in rows:
            used = ModelUsage(row["model"], row["requests"], row["turns"], usage_in(row))
            found.setdefault(date.fromisoformat(row["day"]), []).append(used)
        return found

    async def failures(self) -> list[Failure]:
        """What is stored of failures, by kind; of turns, among the newest."""
        found = []
        for kind, rest in _FAILURES.items():
            rows = await self._database.rows(
                f"SELECT telegram_id, count(*) AS number {rest} GROUP BY telegram_id ORDER BY number DESC"
            )
            most = tuple((row["telegram_id"], row["number"]) for row in rows[:5])
            found.append(Failure(kind, sum(row["number"] for row in rows), most))
        return found

    async def slow(self, limit: int = 20) -> list[tuple[ChatKey, AnswerLine]]:
        """The answers that took longest, among those to the newest turns."""
        rows = await self._database.rows(
            "SELECT reply_id, telegram_id, thread_id, direct FROM sent_prompts JOIN turns ON turns.id = reply_id"
            f" JOIN chats ON chats.id = chat_id WHERE reply_id > {_NEWEST} AND reply_id > reset_turn AND thread_id >= 0"
            " ORDER BY total_s DESC LIMIT ?",
            (limit,),
        )
        ids = listed([row["reply_id"] for row in rows])
        lines = {line["id"]: line for line in await self._database.rows(f"{_ANSWERS} WHERE t.id {in_list()}", (ids,))}
        return [(key_in(row), _answer_line(lines[row["reply_id"]])) for row in rows if row["reply_id"] in lines]

    async def _times(self, turn_ids: Sequence[int]) -> dict[int, float]:
        rows = await self._database.rows(
            f"SELECT id, coalesce(said_at, created_at) AS at FROM turns WHERE id {in_list()}", (listed(turn_ids),)
        )
        return {row["id"]: row["at"] for row in rows}


def _answer_line(row: Row) -> AnswerLine:
    reported = row["input_tokens"] is not None
    return AnswerLine(
        reply_id=row["id"],
        message_id=row["message_id"],
        at=row["created_at"],
        question=row["question"] or "",
        answer=row["answer"],
        own=Usage(row["input_tokens"], row["cached_tokens"], row["output_tokens"]) if reported else None,
        all=Usage(row["all_input"], row["all_cached"], row["all_output"], estimated=row["estimated"]),
        model=row["model"],
        price=row["price"],
        currency=row["currency"],
        first_turn=row["first_turn"],
        notes_id=row["notes_id"],
        notes_tokens=row["notes_tokens"],
        window=(row["tokens"], row["low"], row["high"]) if row["tokens"] is not None else None,
        total_s=row["total_s"],
    )
