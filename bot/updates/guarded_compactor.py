"""Compactions under quarantine: one that killed the process three times is set aside for a week.

Until then its chat goes on without one: at the cap of its window, the oldest rounds leave it without a summary. Someone
who asks for a compaction starts it again at once.
"""

import logging
from typing import Protocol, TypeVar

from bot.errors import CompactionPaused
from bot.metrics import SET_ASIDE
from bot.updates.in_flight import WorkKey, WorkKind
from bot.updates.quarantine import Quarantine
from storage.chats import Chats

ASIDE_S = 7 * 86_400.0
"""How long a compaction that was set aside waits, in seconds."""

T_co = TypeVar("T_co", covariant=True)

log = logging.getLogger(__name__)


class Compacting(Protocol[T_co]):
    """Compacts windows; see ``bot.conversation.compaction``."""

    async def compact(self, chat_id: int, *, most_prompt: float | None = None) -> T_co:
        """Compact a chat's window."""


class GuardedCompactor(Compacting[T_co]):
    """Compacts, and records that as in flight."""

    def __init__(self, compactor: Compacting[T_co], quarantine: Quarantine, chats: Chats) -> None:
        self._compactor = compactor
        self._quarantine = quarantine
        self._chats = chats

    async def compact(self, chat_id: int, *, most_prompt: float | None = None) -> T_co:
        """Compact a chat's window. Raises ModelError: CompactionPaused, with a long `wait_s`, if it is set aside."""
        key, chat = WorkKey(WorkKind.COMPACTION, chat_id), await self._chats.by_id(chat_id)
        if chat is None or not self._quarantine.is_exhausted(key):
            work = self._compactor.compact(chat_id, most_prompt=most_prompt)
            return await (work if chat is None else self._quarantine.run(key, chat.key, work))
        self._quarantine.set_aside(key, chat.key)
        SET_ASIDE.labels(key.kind.value).inc()
        log.error(
            "The process died three times while only the compaction of chat %d (topic %d) was in flight, so it is set "
            "aside for a week",
            *(chat.key.telegram_id, chat.key.thread_id),
        )
        failure = CompactionPaused("its compaction is set aside")
        failure.wait_s = ASIDE_S
        raise failure
