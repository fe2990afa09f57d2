"""Telegram's rate limits: one message per second in a chat, 20 per minute in a group, 30 per second in total.

Final messages wait for their turn in the order of their requests; patient ones let all others go first. Previews go out
only if a turn is free at once, and leave the burst to final messages. Edits count like messages.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bot.concurrency import still_alive
from bot.outbound.content import Destination


@dataclass(frozen=True, slots=True)
class _Rate:
    spacing: float
    """Average seconds between two messages."""
    burst: int
    """Messages that may go out at once after a pause."""

    @property
    def tolerance(self) -> float:
        return self.spacing * (self.burst - 1)


def _shared(replicas: int) -> _Rate:
    """The overall rate of one of several processes: all of them together keep to the limit."""
    burst = max(_OVERALL_BURST // replicas, 1)
    return _Rate(spacing=replicas / max(_OVERALL - replicas * burst, 1), burst=burst)


_PRIVATE = _Rate(spacing=1.0, burst=4)
_GROUP = _Rate(spacing=4.0, burst=5)  # 15 per minute and a burst of 5: never more than 20 in any minute
_OVERALL, _OVERALL_BURST = 30, 5
"""The most messages in any second, and how many of them may go out at once."""
_ACTIONS = _Rate(spacing=0.1, burst=10)
"""Chat actions of all chats: with hundreds of chats waiting, these would be most of the work."""
_SPARE = 2
"""How many messages of a group's burst notices leave to answers."""
_LOOK_S = 0.25
"""How often what waits for such a turn looks whether it may still have it, in seconds."""
_MANY_CHATS = 1000
"""Chats to remember before those with free capacity are dropped."""


class FloodControl:
    """Hands out turns for sending. A turn that was taken counts, whatever the result."""

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    ) -> None:
        self._clock = clock
        self._sleep = sleep
        # When the next message would be due with even spacing; a burst runs ahead of it.
        self._due: dict[int, float] = {}
        self._overall = _shared(1)
        self._overall_due = 0.0
        self._action_due = 0.0
        self._halted_until: dict[int, float] = {}
        self._patient = asyncio.Lock()

    def share(self, replicas: int) -> None:
        """From now on, this many processes send as the same bot, and keep to the overall limit together."""
        self._overall = _shared(max(replicas, 1))

    async def turn(self, to: Destination) -> None:
        """Wait until a message may be sent to this chat; only the first patient one competes with the others."""
        if to.patient:
            async with self._patient:
                while (wait := self._overall_due - self._overall.tolerance - self._clock()) > 0:
                    await self._sleep(wait)
                due = self._reserve(to)
        else:
            due = self._reserve(to)
        await self._wait_until(due)
        while self.halted(to):
            await self._wait_until(self._halted_until[to.chat_id])

    async def spare(self, to: Destination, wanted: Callable[[], bool]) -> bool:
        """Wait until the chat has more turns free than it keeps for answers; False as soon as `wanted` is.

        It takes no turn, so that an answer can have it.
        """
        rate = _PRIVATE if to.private else _GROUP
        ahead = rate.tolerance - _SPARE * rate.spacing
        while wanted():
            wait = max(self._due.get(to.chat_id, 0.0) - ahead, self._halted_until.get(to.chat_id, 0.0)) - self._clock()
            if wait <= 0:
                return True
            still_alive(wait)
            await self._sleep(min(wait, _LOOK_S))
        return False

    def free(self, to: Destination) -> bool:
        """Take a turn if one is free right now, for messages that may be dropped."""
        now = self._clock()
        if self.halted(to) or self._due.get(to.chat_id, now) > now or self._overall_due > now:
            return False
        self._reserve(to)
        return True

    def may_act(self) -> bool:
        """Whether a chat action may be shown now; if so, it is counted."""
        now = self._clock()
        if self._action_due - _ACTIONS.tolerance > now:
            return False
        self._action_due = max(now, self._action_due) + _ACTIONS.spacing
        return True

    def halt(self, to: Destination, seconds: float) -> None:
        """Send nothing to this chat for this many seconds."""
        until = self._clock() + seconds
        self._halted_until[to.chat_id] = max(until, self._halted_until.get(to.chat_id, 0.0))

    def halted(self, to: Destination) -> bool:
        """Whether Telegram or the network asked to pause this chat."""
        return self._halted_until.get(to.chat_id, 0.0) > self._clock()

    def _reserve(self, to: Destination) -> float:
        """Take the chat's next turn; returns its time."""
        now = self._clock()
        self._forget_free_chats(now)
        rate = _PRIVATE if to.private else _GROUP
        due = max(now, self._due.get(to.chat_id, 0.0))
        overall_due = max(now, self._overall_due)
        self._due[to.chat_id] = due + rate.spacing
        self._overall_due = overall_due + self._overall.spacing
        return max(now, due - rate.tolerance, overall_due - self._overall.tolerance)

    def _forget_free_chats(self, now: float) -> None:
        if len(self._due) > _MANY_CHATS:
            self._due = {chat: due for chat, due in self._due.items() if due > now}
            self._halted_until = {chat: until for chat, until in self._halted_until.items() if until > now}

    async def _wait_until(self, moment: float) -> None:
        still_alive()
        while (wait := moment - self._clock()) > 0:
            still_alive(wait)
            await self._sleep(wait)
