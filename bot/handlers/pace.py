"""How often one person is answered; the anonymous administrators of a group are one.

What costs is an answer, so that a burst of messages that become one turn counts once. Commands and buttons that ask the
model count as well. Counts are kept in memory: a restart is a fresh minute.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from telegram import Message, Update

from bot.handlers.admins import Handler
from bot.handlers.notices import answer
from bot.handlers.pressed import acknowledge
from bot.handlers.senders import sender_of
from bot.language import plural, texts
from storage import Storage
from storage.records import Notice

MINUTE_S = 60.0


@dataclass(slots=True)
class _Recent:
    """Of one person: when they were answered in the last minute, and when they were last told to wait."""

    asked: deque[float] = field(default_factory=deque)
    told: float | None = None


@dataclass(frozen=True, slots=True)
class Pace:
    """Counts. `most` is MESSAGES_PER_MINUTE, None: no limit; `clock` gives Unix seconds."""

    storage: Storage
    most: int | None
    clock: Callable[[], float]
    recent: dict[int, _Recent] = field(default_factory=dict)

    def only(self, handler: Handler) -> Handler:
        """The handler for those who have not asked too often; others are told."""

        async def guarded(update: Update, context: object) -> None:
            sender = update.effective_sender
            if sender is None or self.admits(sender.id):
                await handler(update, context)
            else:
                await self._refuse(update, sender.id)

        return guarded if self.most is not None else handler

    def admits(self, user_id: int) -> bool:
        """Whether this person is answered once more; if so, it counts."""
        if self.most is None:
            return True
        self._forget_the_quiet()
        recent = self.recent.setdefault(user_id, _Recent())
        if len(recent.asked) >= self.most:
            return False
        recent.asked.append(self.clock())
        return True

    def admits_edit(self, message: Message) -> bool:
        """Whether an edited message is answered anew; if so, it counts."""
        sender = sender_of(message)
        return sender is None or self.admits(sender)

    def refusal(self, message: Message, user_id: int) -> Notice | None:
        """What somebody is told who is not; None: they were told less than a minute ago."""
        recent, now = self.recent[user_id], self.clock()
        if recent.told is not None and now - recent.told < MINUTE_S:
            return None
        recent.told = now
        return answer(message, self._text(recent), alone=True)

    def _text(self, recent: _Recent) -> str:
        wait = max(1, round(recent.asked[0] + MINUTE_S - self.clock()))
        limit = plural(self.most or 0, texts.MESSAGES)
        return texts.TOO_OFTEN.format(limit=limit, wait=plural(wait, texts.SECONDS))

    def _forget_the_quiet(self) -> None:
        since = self.clock() - MINUTE_S
        for user_id in list(self.recent):
            asked = self.recent[user_id].asked
            while asked and asked[0] <= since:
                asked.popleft()
            if not asked:
                del self.recent[user_id]

    async def _refuse(self, update: Update, user_id: int) -> None:
        text = self._text(self.recent[user_id])  # before anything is waited for: a minute may be over then
        notice = self.refusal(update.message, user_id) if update.message is not None else None
        async with self.storage.transaction() as tx:
            if notice is not None:
                await self.storage.notices.add(tx, notice)
            await self.storage.inbox.done(tx, [update.update_id])
        if update.callback_query is not None:
            await acknowledge(update.callback_query, text)
