"""Reading of turns for search under quarantine: a turn whose words kill the process is indexed without them.

After a death the turns of a batch are read one by one, so that it is blamed on one of them. A batch that kills although
each of its turns is harmless loses the words of all.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

from bot.metrics import SET_ASIDE
from bot.updates.in_flight import WorkKey, WorkKind
from bot.updates.quarantine import NOWHERE, Quarantine
from storage.chats import Chats
from storage.records import ChatKey, HistoryTurn

STEPS = 3
"""How many kinds of work read a turn, for the index and for vectors: surviving one says nothing about the others."""

T = TypeVar("T")
Work = Callable[[Sequence[HistoryTurn]], T]

log = logging.getLogger(__name__)


class GuardedHistoryReader:
    """Reads turns in a thread, and records that as in flight; see ``bot.conversation.index_keys.HistoryReader``."""

    def __init__(self, quarantine: Quarantine, chats: Chats) -> None:
        self._quarantine = quarantine
        self._chats = chats

    async def read(
        self, chat_id: int, rows: Sequence[HistoryTurn], work: Callable[[Sequence[HistoryTurn]], T], step: int = 0
    ) -> T:
        """What `work` makes of turns, without the words of those that were set aside."""
        rows = [await self._harmless(row, chat_id) for row in rows]
        if len(rows) == 1 and not self._is_set_aside(rows[0]):
            return await self._quarantine.run(_key(rows[0], step), NOWHERE, self._in_thread(work, rows))
        if len(rows) <= 1:
            return work(rows)
        batch = WorkKey(WorkKind.INDEXING, STEPS * rows[0].turn_id + step)
        if self._quarantine.is_exhausted(batch):
            rows = [await self._set_aside(_key(row, step), row, chat_id) for row in rows]
        elif self._quarantine.deaths(batch):
            rows = [await self._try_alone(row, chat_id, work, step) for row in rows]
        return await self._quarantine.run(batch, NOWHERE, self._in_thread(work, rows))

    async def _harmless(self, row: HistoryTurn, chat_id: int) -> HistoryTurn:
        """The turn, without its words if they killed the process too often."""
        if self._is_set_aside(row):
            return _wordless(row)
        exhausted = next(filter(self._quarantine.is_exhausted, _keys(row)), None)
        return row if exhausted is None else await self._set_aside(exhausted, row, chat_id)

    def _is_set_aside(self, row: HistoryTurn) -> bool:
        return any(map(self._quarantine.is_set_aside, _keys(row)))

    async def _try_alone(self, row: HistoryTurn, chat_id: int, work: Work[T], step: int) -> HistoryTurn:
        """Read a turn that may have killed the process as part of its batch."""
        if not self._is_set_aside(row):
            key, chat_key = _key(row, step), await self._chat_key(chat_id)
            self._quarantine.record_deaths(key, chat_key, 1)
            await self._quarantine.run(key, chat_key, self._in_thread(work, [row]))
        return row

    async def _in_thread(self, work: Work[T], rows: Sequence[HistoryTurn]) -> T:
        with self._quarantine.reading():
            return await asyncio.to_thread(work, rows)

    async def _set_aside(self, key: WorkKey, row: HistoryTurn, chat_id: int) -> HistoryTurn:
        if not self._is_set_aside(row):
            chat_key = await self._chat_key(chat_id)
            self._quarantine.set_aside(key, chat_key)
            SET_ASIDE.labels(key.kind.value).inc()
            log.error(
                "The process died three times while only the %s was in flight, so recall won't find that message",
                key.named(chat_key),
            )
        return _wordless(row)

    async def _chat_key(self, chat_id: int) -> ChatKey:
        # A task of its own, because reads within the caller's transaction would have to go through that.
        chat = await asyncio.create_task(self._chats.by_id(chat_id), name="chat of a turn")
        return NOWHERE if chat is None else chat.key


def _key(row: HistoryTurn, step: int) -> WorkKey:
    return WorkKey(WorkKind.TURN, STEPS * row.turn_id + step)


def _keys(row: HistoryTurn) -> list[WorkKey]:
    return [_key(row, step) for step in range(STEPS)]


def _wordless(row: HistoryTurn) -> HistoryTurn:
    return replace(row, content="")
