"""Limits on how much a person may ask for in a minute."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from telegram import Message

from bot.handlers.context import sender_of
from bot.handlers.notices import answer
from bot.language import plural, texts
from storage import Transaction
from storage.answer_rates import AnswerRates
from storage.records import Notice

MINUTE_S = 60.0

Who = int | tuple[int, int]
"""A person, or a chat and a person there."""


@dataclass(slots=True)
class _Recent:
    """When a person asked in the last minute, and when they were last asked to wait."""

    asked: deque[float] = field(default_factory=deque)
    notified_at: float | None = None


class RateLimiter:
    """Counts what each person asks for, in memory. `most`: in a minute (None: no limit); `clock` gives Unix seconds."""

    def __init__(self, most: int | None, clock: Callable[[], float]) -> None:
        self._most = most
        self._clock = clock
        self._recent: dict[Who, _Recent] = {}
        self._tidied_at = clock()

    def admits(self, user_id: Who) -> bool:
        """Whether this person may have another; if so, it is counted."""
        if self._most is None:
            return True
        self._drop_old(user_id)
        recent = self._recent.setdefault(user_id, _Recent())
        if len(recent.asked) >= self._most:
            return False
        recent.asked.append(self._clock())
        return True

    def is_notified(self, user_id: Who) -> bool:
        """Whether someone over the limit got a notice less than a minute ago; if not, that is noted."""
        recent, now = self._recent[user_id], self._clock()
        if recent.notified_at is not None and now - recent.notified_at < MINUTE_S:
            return True
        recent.notified_at = now
        return False

    def refusal(self, message: Message, user_id: Who, text: str) -> Notice | None:
        """The notice for someone over the limit, or None if they got one less than a minute ago."""
        return None if self.is_notified(user_id) else answer(message, text, alone=True)

    def wait(self, user_id: Who) -> float:
        """How many seconds this person, who is over the limit, has to wait."""
        return self._recent[user_id].asked[0] + MINUTE_S - self._clock()

    def _drop_old(self, user_id: Who) -> None:
        since = self._clock() - MINUTE_S
        everyone = self._tidied_at <= since  # not every time: there may be thousands
        for who in list(self._recent) if everyone else [user_id]:
            asked = self._recent[who].asked if who in self._recent else deque()
            while asked and asked[0] <= since:
                asked.popleft()
            if not asked:
                self._recent.pop(who, None)
        if everyone:
            self._tidied_at = self._clock()


class AnswerLimiter:
    """The limit on answers to a person in all chats together.

    `most` is MESSAGES_PER_MINUTE (None: no limit). Several processes count in the database (`shared`), a single one in
    memory; `clock` gives Unix seconds. `tx`: the transaction that the caller is in, if any. All methods raise
    StorageError.
    """

    def __init__(self, most: int | None, clock: Callable[[], float], shared: AnswerRates | None = None) -> None:
        self._most = most
        self._own = RateLimiter(most, clock)
        self._shared = shared

    async def admits(self, user_id: int, tx: Transaction | None = None) -> bool:
        """Whether this person may get another answer; if so, it is counted."""
        if self._shared is None or self._most is None:
            return self._own.admits(user_id)
        return await self._shared.admit(user_id, self._most, tx)

    async def admits_edit(self, message: Message, tx: Transaction | None = None) -> bool:
        """Whether an edited message may get another answer; if so, it is counted."""
        sender = sender_of(message)
        return sender is None or await self.admits(sender, tx)

    async def refusal(self, message: Message, user_id: int, tx: Transaction | None = None) -> Notice | None:
        """The notice for someone over the limit, or None if they got one less than a minute ago."""
        text = await self.wait(user_id, tx)
        if self._shared is None:
            return self._own.refusal(message, user_id, text)
        return None if await self._shared.is_notified(user_id, tx) else answer(message, text, alone=True)

    async def wait(self, user_id: int, tx: Transaction | None = None) -> str:
        """A sentence with the limit, and how long this person has to wait."""
        wait = self._own.wait(user_id) if self._shared is None else await self._shared.wait(user_id, tx)
        limit = plural(self._most or 0, texts.MESSAGES)
        return texts.TOO_OFTEN.format(limit=limit, wait=plural(max(1, round(wait)), texts.SECONDS))
