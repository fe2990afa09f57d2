"""Receiving updates: they are committed to the inbox, and only then parsed and put into their lanes."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial

from telegram import Bot

from bot.metrics import SET_ASIDE, count_error
from bot.updates.claimed_chats import OtherProcesses
from bot.updates.in_flight import WorkKey, WorkKind
from bot.updates.lanes import Lanes
from bot.updates.parsing import QueuedUpdate, parse
from bot.updates.quarantine import Quarantine
from bot.updates.raw_updates import STOPPED
from storage import StorageError, until_stored
from storage.chats import Chats
from storage.database import Database
from storage.inbox import Inbox, RawUpdate
from storage.records import ChatKey

ALLOWED_UPDATES = ("message", "edited_message", "callback_query", "my_chat_member", STOPPED)
"""The kinds of updates that the bot handles, by their names in the Bot API."""

HOLD_S = 45.0
"""How long the other lanes may be held at startup for what the previous process may have died of, in seconds."""
HOLD_ANSWER_S = 5.0
"""The same for a single pending answer or compaction, which mostly just waits for its model."""
_WAITS_FOR_MODEL = (WorkKind.ANSWER, WorkKind.COMPACTION)
LOOK_S = 0.05

log = logging.getLogger(__name__)


class Receiver:
    """Takes updates from polling or the webhook, which may acknowledge them once `receive` has returned."""

    def __init__(
        self,
        database: Database,
        inbox: Inbox,
        chats: Chats,
        lanes: Lanes,
        quarantine: Quarantine,
        bot: Bot,
        clock: Callable[[], float],
        others: OtherProcesses | None = None,
    ) -> None:
        self._database = database
        self._inbox = inbox
        self._chats = chats
        self._quarantine = quarantine
        self._lanes = lanes
        self._bot = bot
        self._clock = clock
        self._others = others

    async def receive(self, updates: Sequence[RawUpdate]) -> None:
        """Commit the updates and pass on those that are new. Raises StorageError if they can't be stored."""
        async with self._database.transaction() as tx:
            added = await self._inbox.add(tx, updates, self._clock())
            new = [raw for raw in updates if raw.update_id in added]
            chats = {raw.telegram_id for raw in new} if self._others is not None else set[int]()
            if self._others is not None:
                await self._others.announce(tx, chats)
        if self._others is None:
            await self.put(new)
        else:
            await self._others.arrived(chats)

    async def put(self, updates: Sequence[RawUpdate]) -> None:
        """Parse stored updates, and put them into their lanes."""
        self._put(await self._parsed(updates))

    async def replay(self) -> None:
        """After a restart, resume pending answers and the updates that were received but not handled, in order.

        What the previous process may have died of goes first, one at a time, while the other lanes wait. There is a
        time limit, because a suspect may be fine and just slow.
        """
        arrivals = await self._parsed(await self._inbox.unhandled())
        try:
            async with asyncio.timeout(HOLD_S):
                for key, chat_key in self._quarantine.suspects():
                    arrivals = await self._try_alone(key, chat_key, arrivals)
        except TimeoutError:
            log.warning("What the previous process may have died of has not finished; other chats go on meanwhile")
        for chat_key in await self._chats.with_open_work():
            self._lanes.wake(chat_key)
        self._put(arrivals)

    async def _try_alone(
        self, key: WorkKey, chat_key: ChatKey, arrivals: Sequence[QueuedUpdate]
    ) -> Sequence[QueuedUpdate]:
        """Run only a suspect's lane until the suspect has finished; returns the arrivals for the other lanes."""
        if key.kind is WorkKind.UPDATE:
            chat_key = next((arrival.key for arrival in arrivals if arrival.update_id == key.id), chat_key)
        self._lanes.wake(chat_key)
        self._put([arrival for arrival in arrivals if arrival.key == chat_key])
        with suppress(TimeoutError):
            async with asyncio.timeout(HOLD_ANSWER_S if key.kind in _WAITS_FOR_MODEL else None):
                while self._quarantine.is_suspect(key) and (  # noqa: ASYNC110 - once per start
                    self._lanes.is_busy(chat_key) or self._quarantine.is_running(key)
                ):
                    await asyncio.sleep(LOOK_S)
        # Something that no longer exists would remain a suspect forever; a compaction may just not be due again yet.
        if not self._lanes.is_busy(chat_key) and key.kind is not WorkKind.COMPACTION:
            self._quarantine.acquit(key)
        return [arrival for arrival in arrivals if arrival.key != chat_key]

    def _put(self, arrivals: Sequence[QueuedUpdate]) -> None:
        for arrival in arrivals:
            with self._quarantine.step(WorkKey(WorkKind.UPDATE, arrival.update_id)):
                self._lanes.put(arrival)

    async def _parsed(self, updates: Sequence[RawUpdate]) -> Sequence[QueuedUpdate]:
        """The updates that can be parsed; the others are marked, and their JSON is kept."""
        arrivals, unreadable, poison = [], [], []
        for raw in updates:
            key = WorkKey(WorkKind.UPDATE, raw.update_id)
            if self._quarantine.is_exhausted(key) and self._quarantine.chat_key(key) is None:
                log.error("The process died three times while parsing %s, so it is set aside", key)
                SET_ASIDE.labels(key.kind.value).inc()
                poison.append(raw.update_id)
                self._quarantine.acquit(key)
                continue
            try:
                with self._quarantine.step(key):
                    arrivals.append(parse(raw, self._bot))
            except ValueError as exc:
                log.error("Update %d can't be parsed and is set aside", raw.update_id, exc_info=exc)
                count_error(exc)
                unreadable.append(raw.update_id)
        if unreadable or poison:
            try:
                await until_stored(partial(self._set_aside, unreadable, poison))
            except StorageError as exc:  # the others must not wait for the next start
                log.error("Updates can't be set aside, which the next start will try again: %s", exc)
        return arrivals

    async def _set_aside(self, unreadable: Sequence[int], poison: Sequence[int]) -> None:
        async with self._database.transaction() as tx:
            await self._inbox.unreadable(tx, unreadable)
            await self._inbox.quarantine(tx, poison)
