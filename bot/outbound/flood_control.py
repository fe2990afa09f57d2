"""The pace that Telegram allows: one message a second in a chat, 20 a minute in a group, 30 a second over all chats.

Final messages wait for their turn, in the order in which they asked; patient ones let all others go first. Previews
take a turn only when one is free at once and leave the burst to the final messages. Edits count like messages.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bot.outbound.content import Destination


@dataclass(frozen=True, slots=True)
class _Rate:
    spacing: float
    """Seconds between two messages in the long run."""
    burst: int
    """Messages that may go out at once after a silence."""

    @property
    def tolerance(self) -> float:
        return self.spacing * (self.burst - 1)


_PRIVATE = _Rate(spacing=1.0, burst=4)
_GROUP = _Rate(spacing=4.0, burst=5)  # 15 a minute and a burst of 5: never above 20 in any minute
_OVERALL = _Rate(spacing=0.04, burst=5)  # never above 30 in any second
_MANY_CHATS = 1000
"""So many chats are remembered before those that are free again are dropped."""


class FloodControl:
    """Hands out turns to send. A turn that is taken counts, whatever becomes of it."""

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    ) -> None:
        self._clock = clock
        self._sleep = sleep
        # When the next message is due if messages were spaced evenly; a burst runs ahead of it.
        self._due: dict[int, float] = {}
        self._overall_due = 0.0
        self._halted_until: dict[int, float] = {}
        self._patient = asyncio.Lock()

    async def turn(self, to: Destination) -> None:
        """Wait until a message may go to this chat; of patient ones only the first has its place among the others."""
        if to.patient:
            async with self._patient:
                while (wait := self._overall_due - _OVERALL.tolerance - self._clock()) > 0:
                    await self._sleep(wait)
                due = self._book(to)
        else:
            due = self._book(to)
        await self._wait_until(due)
        while self.halted(to):
            await self._wait_until(self._halted_until[to.chat_id])

    def free(self, to: Destination) -> bool:
        """Take a turn if one is free right now; for what may be dropped."""
        now = self._clock()
        if self.halted(to) or self._due.get(to.chat_id, now) > now or self._overall_due > now:
            return False
        self._book(to)
        return True

    def halt(self, to: Destination, seconds: float) -> None:
        """Let nothing go to this chat for so long."""
        until = self._clock() + seconds
        self._halted_until[to.chat_id] = max(until, self._halted_until.get(to.chat_id, 0.0))

    def halted(self, to: Destination) -> bool:
        """Whether Telegram, or the network, told us to leave this chat alone for now."""
        return self._halted_until.get(to.chat_id, 0.0) > self._clock()

    def _book(self, to: Destination) -> float:
        """The time of the chat's next turn, which is taken thereby."""
        now = self._clock()
        self._forget_free_chats(now)
        rate = _PRIVATE if to.private else _GROUP
        due = max(now, self._due.get(to.chat_id, 0.0))
        overall_due = max(now, self._overall_due)
        self._due[to.chat_id] = due + rate.spacing
        self._overall_due = overall_due + _OVERALL.spacing
        return max(now, due - rate.tolerance, overall_due - _OVERALL.tolerance)

    def _forget_free_chats(self, now: float) -> None:
        if len(self._due) > _MANY_CHATS:
            self._due = {chat: due for chat, due in self._due.items() if due > now}
            self._halted_until = {chat: until for chat, until in self._halted_until.items() if until > now}

    async def _wait_until(self, moment: float) -> None:
        while (wait := moment - self._clock()) > 0:
            await self._sleep(wait)
