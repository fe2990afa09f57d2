"""What differs between the only process on a database and one of several, which only PostgreSQL allows.

The only process resumes at its start what the last one left, and then does everything. Of several processes, each does
the same for the chats it gets, and the leader does what is done once: the scheduled jobs, and the polling if there is
no webhook.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from bot.concurrency import run_together
from bot.errors import SettingError, StartError
from bot.outbound.flood_control import FloodControl
from bot.outbound.reach import TelegramReach
from bot.scheduler import Schedule
from bot.settings import Settings
from bot.updates.claimed_chats import AllChats, ClaimedChats, OtherProcesses
from bot.updates.lanes import Lanes
from bot.updates.polling import UpdateSource
from bot.updates.receiver import Receiver
from bot.wiring.conversation import Engine
from bot.wiring.persistence import claim_database
from bot.wiring.traffic import Traffic
from storage import NewerDatabaseError, Storage, StorageError
from storage.files import WAIT_S, DatabaseInUseError

if TYPE_CHECKING:
    from bot.updates.replica import Replica

DRAIN_S = 20.0
"""How long answers in progress may take to finish on shutdown, in seconds."""
AGAIN_S = 0.5
"""How long to wait before trying again to join the other processes, in seconds."""
SHARE_EVERY_S = 5.0
"""How often the overall limit is divided by the number of processes, in seconds."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of the application that depend on it."""

    storage: Storage
    engine: Engine
    traffic: Traffic
    lanes: Lanes
    receiver: Receiver
    schedule: Schedule
    reload: Callable[[], Awaitable[None]]
    """Reads again what is kept in memory and another process may have changed."""
    ask: Callable[[], Awaitable[object]]
    """A request by which it is found out whether Telegram can be reached."""


class Sharing(Protocol):
    """How this process shares its database."""

    @property
    def chats(self) -> ClaimedChats:
        """The chats of this process."""

    @property
    def others(self) -> OtherProcesses | None:
        """The other processes, if there may be any."""

    async def begin(self, parts: Parts) -> None:
        """Begin all work but the receiving of updates. Raises StorageError."""

    async def run(self, source: UpdateSource, *, polls: bool) -> None:
        """Receive updates until cancelled; `polls`: only one process may."""

    async def receives(self, source: UpdateSource) -> bool:
        """Whether updates are received."""

    async def ready(self) -> bool:
        """Whether it takes part in the work: not when it is shutting down, or cut off."""

    async def drain(self) -> None:
        """Begin nothing new, let answers in progress finish, and cancel the rest."""


class Alone:
    """The only process."""

    others = None

    def __init__(self) -> None:
        self.chats: ClaimedChats = AllChats()
        self._lanes: Lanes | None = None
        self._draining = False

    async def begin(self, parts: Parts) -> None:
        """See ``Sharing``."""
        self._lanes = parts.lanes
        engine, traffic = parts.engine, parts.traffic
        await engine.maintenance.begin()
        parts.schedule.begin()
        await engine.conversation.charge_lost()
        await traffic.journal.recover()
        await parts.receiver.replay()

    async def run(self, source: UpdateSource, *, polls: bool) -> None:  # noqa: ARG002 - see Sharing
        """See ``Sharing``."""
        await source.run()

    async def receives(self, source: UpdateSource) -> bool:
        """See ``Sharing``."""
        return await source.reached()

    async def ready(self) -> bool:
        """See ``Sharing``."""
        return not self._draining

    async def drain(self) -> None:
        """See ``Sharing``."""
        self._draining = True
        if self._lanes is not None:
            await self._lanes.drain(DRAIN_S)


class Shared:
    """One process of several."""

    def __init__(self, replica: "Replica", reach: TelegramReach) -> None:
        self.chats = self.others = self._replica = replica
        self._reach = reach
        self._parts: Parts | None = None
        self._leader: Leader | None = None

    async def begin(self, parts: Parts) -> None:
        """See ``Sharing``."""
        from bot.updates.chat_work import LaneWork

        self._parts = parts
        engine, traffic, storage = parts.engine, parts.traffic, parts.storage
        recoveries = (traffic.journal.recover, engine.conversation.charge_lost, engine.maintenance.take_over)
        work = LaneWork(storage.inbox, storage.chats, parts.lanes, parts.receiver, traffic.quarantine, recoveries)
        self._replica.begin(storage.database, work, parts.reload)

    async def run(self, source: UpdateSource, *, polls: bool) -> None:
        """See ``Sharing``. Raises StartError if another process has migrated the database to a newer version."""
        assert self._parts is not None, "begun"
        parts = self._parts
        self._leader = Leader(parts, source if polls else None)
        works = [self._replica.run(self._leader), self._leader.until_failed(), self._reach.watch(parts.ask)]
        works += [self._share_pace(parts.traffic.flood_control)] + ([] if polls else [source.run()])
        try:
            await run_together(*works)
        except NewerDatabaseError as exc:
            raise StartError(str(exc)) from exc
        finally:
            self._leader.end()

    async def receives(self, source: UpdateSource) -> bool:
        """See ``Sharing``. Without a webhook, another process may be the one that polls."""
        idle = self._leader is not None and self._leader.waits_to_poll
        return not self._reach.is_lost and (idle or await source.reached())

    async def ready(self) -> bool:
        """See ``Sharing``."""
        return await self._replica.reached()

    async def drain(self) -> None:
        """See ``Sharing``. A chat is given back as soon as nothing runs for it, and other processes go on with it."""
        if self._parts is not None:
            lanes, leaving = self._parts.lanes, asyncio.create_task(self._replica.leave())
            await lanes.drain(DRAIN_S)
            with suppress(TimeoutError):
                await asyncio.wait_for(leaving, 1.0)

    async def _share_pace(self, flood_control: FloodControl) -> None:
        while True:
            flood_control.share(self._replica.live)
            await asyncio.sleep(SHARE_EVERY_S)


class Leader:
    """What the leader does."""

    def __init__(self, parts: Parts, source: UpdateSource | None) -> None:
        """`source`: what only one process may receive updates from."""
        self._schedule = parts.schedule
        self._maintenance = parts.engine.maintenance
        self._source = source
        self._tasks: list[asyncio.Task[None]] = []
        self._leads = False
        self._failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @property
    def waits_to_poll(self) -> bool:
        """Whether this process would poll if it led, but doesn't lead."""
        return self._source is not None and not self._leads

    async def until_failed(self) -> None:
        """Wait for a failure of what the leader does, and raise it."""
        await self._failed

    def begin(self) -> None:
        """See ``Leadership``."""
        log.info("This process leads: it runs the scheduled jobs")
        self._leads = True
        self._schedule.begin()
        self._start(self._maintenance.begin())
        if self._source is not None:
            self._start(self._source.run())

    def end(self) -> None:
        """See ``Leadership``."""
        self._schedule.pause()
        self._leads = False
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        if tasks:
            self._start(self._maintenance.step_down())

    def _start(self, work: Awaitable[None]) -> None:
        async def run() -> None:
            try:
                await work
            except StorageError as exc:
                log.warning("Some of the leader's work is left to the next leader: %s", exc)
            except Exception as exc:  # noqa: BLE001 - it is raised where it ends the process
                if not self._failed.done():
                    self._failed.set_exception(exc)

        self._tasks.append(asyncio.create_task(run()))


async def join_database(settings: Settings, stack: AsyncExitStack, process: int, reach: TelegramReach) -> Sharing:
    """Claim the database, or share it with other processes, until the stack is closed. Raises StartError."""
    if not settings.uses_postgres:
        await claim_database(settings, stack)
        return Alone()
    from bot.updates.activity import Activity
    from bot.updates.replica import Replica
    from storage.postgres.chat_claims import Member

    bot_id = int(settings.telegram_bot_token.get_secret_value().partition(":")[0])
    activity = Activity(reach, time.monotonic)
    replica = Replica(Member(settings.database_url, bot_id, process), activity, time.monotonic)
    try:
        await _join(replica, settings.database_name)
    except DatabaseInUseError as exc:
        raise StartError(f"{settings.database_name}: {exc}") from exc
    except StorageError as exc:
        raise SettingError(f"DATABASE_URL: {settings.database_name} can't be used: {exc}") from exc
    stack.push_async_callback(replica.close)
    return Shared(replica, reach)


async def _join(replica: "Replica", name: str) -> None:
    """Join the other processes, as soon as nobody has the database alone. Raises DatabaseInUseError after WAIT_S."""
    from storage.postgres.postgres_pool import PATIENCE_S

    until, waits = time.monotonic() + WAIT_S, False
    while True:
        try:
            return await replica.join(PATIENCE_S)
        except DatabaseInUseError as exc:
            if time.monotonic() >= until:
                raise
            if not waits:
                waits = True
                log.info("Waiting for up to %.0f s for the database %s: %s", WAIT_S, name, exc)
        await asyncio.sleep(AGAIN_S)
