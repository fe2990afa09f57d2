"""What runs on a clock. Each job is small, named, safe to run again, and its failure is logged and tried next time."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from apscheduler.schedulers.asyncio import AsyncIOScheduler

from storage import Storage

DAY_S = 86_400.0
BUTTONS_EVERY_S = 10
CLEAN_EVERY_S = 3_600

log = logging.getLogger(__name__)


class Keyboards(Protocol):
    """What the jobs need of Telegram; ``outbound.delivery.Sender`` has it."""

    async def drop_keyboard(self, chat_id: int, message_id: int) -> None:
        """Take the buttons off a message, if it is still there."""


@dataclass(frozen=True, slots=True)
class Jobs:
    """The jobs; `clock` gives Unix seconds."""

    storage: Storage
    keyboards: Keyboards
    inbox_keep_days: int
    reset_keep_days: int
    clock: Callable[[], float]

    def scheduler(self) -> AsyncIOScheduler:
        """A scheduler that holds them all, not yet started."""
        scheduler = AsyncIOScheduler(
            timezone="UTC", job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
        )
        buttons = self.drop_expired_buttons
        scheduler.add_job(_guarded(buttons), "interval", name=buttons.__name__, seconds=BUTTONS_EVERY_S)
        now = datetime.now(UTC)  # at the start too: a bot that is restarted often must clean up as well
        for job in (self.prune_inbox, self.purge_resets):
            scheduler.add_job(_guarded(job), "interval", name=job.__name__, seconds=CLEAN_EVERY_S, next_run_time=now)
        return scheduler

    async def drop_expired_buttons(self) -> None:
        """Take away the buttons whose time is over, such as Undo."""
        for notice_id, telegram_id, message_id in await self.storage.notices.expired_buttons(self.clock()):
            await self.keyboards.drop_keyboard(telegram_id, message_id)
            async with self.storage.transaction() as tx:
                await self.storage.notices.forget(tx, notice_id)

    async def prune_inbox(self) -> None:
        """Delete the JSON of updates that were handled days ago."""
        async with self.storage.transaction() as tx:
            pruned = await self.storage.inbox.prune(tx, self.clock() - self.inbox_keep_days * DAY_S)
        log.debug("Pruned %d updates from the inbox", pruned)

    async def purge_resets(self) -> None:
        """Delete for good what was reset days ago."""
        async with self.storage.transaction() as tx:
            purged = await self.storage.resets.purge(tx, self.clock() - self.reset_keep_days * DAY_S)
        log.debug("Purged %d turns that had been reset", purged)


def _guarded(job: Callable[[], Awaitable[None]]) -> Callable[[], Awaitable[None]]:
    async def run() -> None:
        try:
            await job()
        except asyncio.CancelledError:  # the bot ends; the scheduler would report it as the job's failure
            log.debug("The job %s was cut short", getattr(job, "__name__", job))
        except Exception:
            log.exception("The job %s failed and is tried again at its next time", getattr(job, "__name__", job))

    return run
