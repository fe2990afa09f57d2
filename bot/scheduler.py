"""Jobs that run on a schedule. Each is small and safe to repeat; a failure is logged, and the next run retries."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Protocol
from zoneinfo import ZoneInfo

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.interval import IntervalTrigger

from bot.metrics import BACKUP_AT, BACKUPS
from bot.setting_types import Crontab
from bot.updates.lanes import Wakeups
from storage import Storage, StorageError
from storage.backup_folder import BackupFolder
from storage.questions import LIVES_S

DAY_S = 86_400.0
ASKED_S = 900.0
"""How long a proposal of /forget is kept; its buttons are shown for ten minutes."""
BUTTONS_EVERY_S = 10
WINDOWS_EVERY_S = 15
OUTBOX_EVERY_S = 2
RESPONSES_EVERY_S = 5
CLEAN_EVERY_S = 3_600
BACKUP_OLD_S = 25 * 3_600.0
"""A newest backup of this age means that last night's failed, or that the bot wasn't running."""
NIGHT, LATER_AT_NIGHT, AFTER_CLEANING = "0 3 * * *", "30 3 * * *", "0 4 * * *"
"""When jobs that take longer run."""

log = logging.getLogger(__name__)


class Keyboards(Protocol):
    """What the jobs need from Telegram; implemented by ``outbound.delivery.Deliverer``."""

    async def drop_keyboard(self, chat_id: int, message_id: int) -> None:
        """Remove the buttons from a message, if it still exists."""


class OutboxJob(Protocol):
    """What the jobs need from the handlers; implemented by ``handlers.broadcast.OutboxWorker``."""

    async def run(self) -> None:
        """Do what is stored as pending in Telegram."""


class RetentionJob(Protocol):
    """What the jobs need from the engine; implemented by ``conversation.retention.Retention``."""

    async def delete_before(self, before: float) -> int:
        """Permanently delete turns from before this time (Unix seconds); returns how many."""

    async def purge_resets(self, before: float) -> int:
        """Permanently delete turns that were reset before this time (Unix seconds); returns how many."""

    async def repair_index(self) -> None:
        """Index what is missing, and optimize the index."""


class JobGuard(Protocol):
    """Runs jobs; implemented by ``updates.guarded_jobs.GuardedJobs``."""

    async def run(self, name: str, job: Callable[[], Coroutine[None, None, None]]) -> None:
        """Run a job, unless it is set aside."""


class ResponseDeletionJob(Protocol):
    """What the jobs need from the engine; implemented by ``conversation.response_deletion.ResponseDeletion``."""

    async def run(self, now: float) -> None:
        """Have the model server delete the responses that it should no longer keep."""

    async def prune(self, now: float) -> None:
        """Drop the records of responses that no server keeps any more."""


@dataclass(frozen=True, slots=True)
class JobSettings:
    """When compaction runs, and after how many days data is deleted."""

    compact_schedule: str
    """COMPACT_SCHEDULE."""
    zone: ZoneInfo
    inbox_days: int
    reset_days: int
    turn_days: int | None
    """None: never."""


class CrontabTrigger(BaseTrigger):  # type: ignore[misc]  # APScheduler has no type hints
    """A crontab for the scheduler. Runs missed while the machine slept or the clock was set are made up for once."""

    def __init__(self, crontab: Crontab) -> None:
        self._crontab = crontab

    def get_next_fire_time(self, previous: datetime | None, now: datetime) -> datetime | None:
        """See BaseTrigger."""
        return self._crontab.after(max(now, previous or now).astimezone(UTC))


class Jobs:
    """The scheduled jobs; `clock` gives Unix seconds."""

    def __init__(
        self,
        *,
        storage: Storage,
        keyboards: Keyboards,
        retention: RetentionJob,
        outbox: OutboxJob,
        responses: ResponseDeletionJob,
        wakeups: Wakeups,
        backups: BackupFolder | None,
        settings: JobSettings,
        clock: Callable[[], float],
        guard: JobGuard | None = None,
    ) -> None:
        self._storage = storage
        self._guard = guard
        self._keyboards = keyboards
        self._retention = retention
        self._outbox = outbox
        self._responses = responses
        self._wakeups = wakeups
        self._backups = backups
        self._settings = settings
        self._clock = clock

    def scheduler(self) -> AsyncIOScheduler:
        """A scheduler with all jobs, not yet started."""
        # In UTC: in a time zone it compares local times, and would stop during an hour that is repeated in autumn.
        scheduler = AsyncIOScheduler(
            timezone=UTC, job_defaults={"coalesce": True, "max_instances": 2, "misfire_grace_time": None}
        )
        now = datetime.now(UTC)  # for jobs that also run at startup: a bot that is often restarted must clean up, too
        every = partial(IntervalTrigger, timezone=UTC)
        add = partial(self._add, scheduler)
        add(self.drop_expired_buttons, every(seconds=BUTTONS_EVERY_S))
        add(self.run_outbox, every(seconds=OUTBOX_EVERY_S))
        add(self.delete_responses, every(seconds=RESPONSES_EVERY_S))
        add(self.look_at_windows, every(seconds=WINDOWS_EVERY_S))
        add(self.prune_inbox, every(seconds=CLEAN_EVERY_S), next_run_time=now)
        add(self.purge_resets, every(seconds=CLEAN_EVERY_S), next_run_time=now)
        add(self.repair_index, self._at(NIGHT))
        if self._settings.turn_days is not None:
            add(self.retain, self._at(LATER_AT_NIGHT), next_run_time=now)
        if self._backups is not None:
            add(self.back_up, self._at(AFTER_CLEANING))
            add(self.back_up_if_due, every(seconds=CLEAN_EVERY_S), next_run_time=now)
        if self._settings.compact_schedule not in ("idle", "off"):
            add(self.compact_all, self._at(self._settings.compact_schedule))
        return scheduler

    def _at(self, crontab: str) -> BaseTrigger:
        return CrontabTrigger(Crontab.parse(crontab, self._settings.zone))

    def _add(
        self,
        scheduler: AsyncIOScheduler,
        job: Callable[[], Coroutine[None, None, None]],
        trigger: BaseTrigger,
        **options: object,
    ) -> None:
        name = getattr(job, "__name__", str(job))
        work = job if self._guard is None else partial(self._guard.run, name, job)
        scheduler.add_job(_guarded(work, name), trigger, name=name, **options)

    async def drop_expired_buttons(self) -> None:
        """Remove expired buttons, such as Undo, along with the data they act on."""
        for notice_id, telegram_id, message_id in await self._storage.outbox.expired_buttons(self._clock()):
            await self._keyboards.drop_keyboard(telegram_id, message_id)
            async with self._storage.transaction() as tx:
                await self._storage.outbox.forget(tx, notice_id)
        before = self._clock() - ASKED_S  # these can no longer be answered
        if await self._storage.deletions.has_proposal_before(before):
            async with self._storage.transaction() as tx:
                await self._storage.deletions.prune_proposals(tx, before)
        await self._drop_old_questions()
        await self._storage.database.scrub_soon()

    async def _drop_old_questions(self) -> None:
        before = self._clock() - LIVES_S
        if await self._storage.questions.any_before(before):
            async with self._storage.transaction() as tx:
                await self._storage.questions.prune(tx, before)

    async def run_outbox(self) -> None:
        """Leave groups, continue broadcasts, and send notices that the shell has stored."""
        await self._outbox.run()

    async def delete_responses(self) -> None:
        """Have the model server delete its copies of what was reset or forgotten."""
        await self._responses.run(self._clock())

    async def prune_inbox(self) -> None:
        """Delete the JSON of updates that were handled more than `inbox_days` ago."""
        async with self._storage.transaction() as tx:
            pruned = await self._storage.inbox.prune(tx, self._clock() - self._settings.inbox_days * DAY_S)
        await self._responses.prune(self._clock())
        if self._storage.rates is not None:
            await self._storage.rates.prune()
        log.debug("Pruned %d updates from the inbox", pruned)

    async def purge_resets(self) -> None:
        """Permanently delete what was reset more than `reset_days` ago."""
        deleted = await self._retention.purge_resets(self._clock() - self._settings.reset_days * DAY_S)
        log.debug("Purged %d turns that had been reset", deleted)

    async def look_at_windows(self) -> None:
        """Wake the lanes of chats whose window is due: those that went quiet, or whose compaction failed."""
        for key in await self._storage.chats.due(self._clock()):
            self._wakeups.wake(key)

    async def compact_all(self) -> None:
        """Have every window checked that is above its low threshold."""
        async with self._storage.transaction() as tx:
            await self._storage.chats.all_due(tx, self._clock())
        await self.look_at_windows()

    async def retain(self) -> None:
        """Permanently delete turns older than `turn_days`."""
        if self._settings.turn_days is not None:
            deleted = await self._retention.delete_before(self._clock() - self._settings.turn_days * DAY_S)
            log.log(
                logging.INFO if deleted else logging.DEBUG,
                "Deleted %d turns older than %d days",
                deleted,
                self._settings.turn_days,
            )

    async def repair_index(self) -> None:
        """Index what was missed, and optimize the index."""
        await self._retention.repair_index()

    async def back_up(self) -> None:
        """Write a backup to BACKUP_DIR, and delete the oldest ones."""
        if self._backups is not None:
            try:
                file = await self._backups.write(self._clock())
            except StorageError:
                BACKUPS.labels("failed").inc()
                raise
            BACKUPS.labels("done").inc()
            BACKUP_AT.set(self._clock())
            log.info("Backed up the database to %s, and checked the copy", file)

    async def back_up_if_due(self) -> None:
        """Write a backup if the newest one is too old, or there is none."""
        newest = await asyncio.to_thread(self._backups.newest, self._clock()) if self._backups is not None else None
        BACKUP_AT.set(newest or 0.0)
        if newest is None or self._clock() - newest > BACKUP_OLD_S:
            await self.back_up()


class Schedule:
    """Runs the jobs of a scheduler, with pauses while another process runs them."""

    def __init__(self, scheduler: AsyncIOScheduler) -> None:
        self._scheduler = scheduler

    def begin(self) -> None:
        """Begin to run the jobs, or continue after a pause."""
        if self._scheduler.running:
            self._scheduler.resume()
        else:
            self._scheduler.start()

    def pause(self) -> None:
        """Start no job until `begin` is called; the current ones go on."""
        if self._scheduler.running:
            self._scheduler.pause()

    def close(self) -> None:
        """End."""
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)


def _guarded(job: Callable[[], Awaitable[None]], name: str) -> Callable[[], Coroutine[None, None, None]]:
    """Skip a run, without a warning, while the previous one is still going; log the job's exceptions."""
    alone = asyncio.Lock()

    async def run() -> None:
        if alone.locked():
            return
        try:
            async with alone:
                await job()
        except asyncio.CancelledError:  # on shutdown; the scheduler would report it as a failure of the job
            log.debug("The job %s was cut short", name)
        except StorageError as exc:
            log.warning("The job %s failed; its next run will try again: %s", name, exc, exc_info=not exc.may_pass)
        except Exception:
            log.exception("The job %s failed; its next run will try again", name)

    return run
