"""One of several processes that share a PostgreSQL database: the chats it has, and how it gets and loses them.

A chat belongs to the process that holds its lock (`storage.postgres.chat_claims`). The inbox is the queue: an update
may arrive at any process, which stores it and notifies the others. The process that has the chat pulls its new updates,
in order; if none has it, the one that stored the update takes it. Notifications can be lost, and processes die, so
every SWEEP_S each process looks for work in chats that no one has.

While the session with the locks is cut, nothing is sent (``certain``), because another process may have taken the
chats. With a new session, the process keeps those that no one took, and drops the others with all that runs for them.

A process that can't reach Telegram leaves its chats to those that can (``activity``). An answer that is being written
is finished first, so that it isn't paid for twice.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection
from contextlib import suppress
from functools import partial

from bot.concurrency import repeat, run_together
from bot.updates.activity import Activity
from bot.updates.chat_tasks import ChatTasks
from bot.updates.chat_work import ChatWork, HeldChat
from bot.updates.listening import listen
from bot.updates.lock_session import Leadership, LockSession
from storage.claims import Claim, ClaimLostError, current_claim, under
from storage.database import Database, NewerDatabaseError, StorageError, Transaction, until_stored
from storage.postgres.chat_claims import Member
from storage.postgres.notifications import ChatEvent, Notification, notify
from storage.postgres.postgresql import check_version
from storage.records import ChatKey

SWEEP_S = 2.0
"""How often work in chats that no process has is looked for, and how often the session is checked, in seconds."""
IDLE_S = 300.0
"""After how many seconds without work a chat is given back, so that another process may have it."""
REJOIN_S = 5.0
"""How long after a cut of the session no process counts as dead, because theirs may have been cut too, in seconds."""
MOST_HELD = 500
"""How many chats a process has at most; when others have work, idle ones are given back sooner.

The locks of all processes share a table of the server's, with room for 64 times max_connections by default.
"""
LOOK_S = 0.05
"""How often it is checked during the shutdown whether chats can be given back, in seconds."""

log = logging.getLogger(__name__)


class Replica:
    """One process of several. `clock` is monotonic."""

    def __init__(self, member: Member, activity: Activity, clock: Callable[[], float]) -> None:
        self._url = member.url
        self._activity = activity
        self._clock = clock
        self._session = LockSession(member, activity, self._claims, self._keep)
        self._held: dict[int, HeldChat] = {}
        self._taking: set[int] = set()
        self._check_now = asyncio.Event()
        self._check_session_now = asyncio.Event()
        self._open = False
        self._rejoined_at: float | None = None
        self._tasks = ChatTasks(self._check_soon)
        self._database: Database
        self._work: ChatWork
        self._changed: Callable[[], Awaitable[None]]

    async def join(self, patience: float) -> None:
        """Open the session, for which the database may still be empty; see ``ChatClaims.connect``."""
        await self._session.begin(patience)

    def begin(self, database: Database, work: ChatWork, changed: Callable[[], Awaitable[None]]) -> None:
        """Set what it works with. `changed`: another process may have changed what this one keeps in memory."""
        self._database = database
        self._work = work
        self._changed = changed

    async def run(self, leadership: Leadership) -> None:
        """Take part until cancelled. `join` and `begin` have to be called before.

        Raises NewerDatabaseError if another process has migrated the database for a later version.
        """
        self._open = True
        self._session.stand_for(leadership)
        # The session is checked apart from the sweep, which waits for long when the server can't be reached: that it is
        # cut has to be known before the server notices and frees the chats (`storage.postgres.chat_claims`).
        await run_together(
            listen(self._url, self._heed, self._check_soon),
            repeat(self._check_session, SWEEP_S, self._check_session_now),
            repeat(self._sweep, SWEEP_S, self._check_now),
        )

    @property
    def live(self) -> int:
        """How many processes there are."""
        return self._session.live

    async def reached(self) -> bool:
        """Whether it takes part: its session with the locks is open, and it is neither passive nor shutting down."""
        return self._open and self._session.is_open and not self._activity.is_passive

    def holds(self, telegram_id: int) -> bool:
        """See ``ClaimedChats``."""
        held = self._held.get(telegram_id)
        return held is not None and held.recovered

    def claim(self, telegram_id: int) -> Claim | None:
        """See ``ClaimedChats``."""
        return self._held[telegram_id].claim

    def forward(self, key: ChatKey) -> None:
        """See ``ClaimedChats``."""
        self._tasks.start(partial(self._forward, key))

    def lost(self, claim: Claim) -> None:
        """See ``ClaimedChats``."""
        if self._has(claim):
            self._drop([claim.telegram_id])

    async def certain(self) -> None:
        """See ``ClaimedChats``."""
        claim = current_claim()
        if claim is None:
            return
        await self._session.until_open()
        if not self._has(claim):
            raise ClaimLostError(f"another process has taken over chat {claim.telegram_id}")

    async def announce(self, tx: Transaction, telegram_ids: Collection[int]) -> None:
        """Notify the processes that have these chats, once their updates are committed."""
        event = ChatEvent.ARRIVED if self._takes else ChatEvent.FREE
        for telegram_id in telegram_ids:
            if telegram_id not in self._held:
                await notify(tx, Notification(event, ChatKey(telegram_id)))

    async def arrived(self, telegram_ids: Collection[int]) -> None:
        """Updates of these chats are committed: pull them, if the chats are this process's or can be taken."""
        for telegram_id in telegram_ids:
            if telegram_id in self._held:
                self._tasks.start(partial(self._pull, telegram_id))
        await self._take(telegram_ids)

    async def leave(self) -> None:
        """Take no more chats, and give back each as soon as nothing runs for it. Ends when all are given back."""
        self._open = False
        await self._session.resign()
        while self._held:
            with suppress(StorageError):  # then the end of the session gives them back
                await self._give_back(list(self._held))
            await asyncio.sleep(LOOK_S)

    async def close(self) -> None:
        """End the session, and with it all claims."""
        self._open = False
        await self._tasks.close()
        await self._session.close()

    def _has(self, claim: Claim) -> bool:
        held = self._held.get(claim.telegram_id)
        return held is not None and held.claim == claim

    def _claims(self) -> list[Claim]:
        return [held.claim for held in self._held.values()]

    async def _keep(self, valid: set[Claim]) -> None:
        """In a new session: drop what other processes have taken in the meantime."""
        gone = [telegram_id for telegram_id, held in self._held.items() if held.claim not in valid]
        self._drop(gone)
        self._rejoined_at = self._clock()
        log.info("The database server is reached again; chats kept: %d, lost: %d", len(valid), len(gone))
        self._tasks.start(self._changed)

    def _drop(self, telegram_ids: Collection[int]) -> None:
        for telegram_id in telegram_ids:
            del self._held[telegram_id]
        self._work.abandon(telegram_ids)

    async def _check_session(self) -> None:
        await self._session.check()
        if self._activity.is_passive and self._held:
            self._tasks.start(self._hand_over)

    async def _sweep(self) -> None:
        """Look for work, and give back idle chats. An error is left to the next sweep, unless it is a newer schema."""
        try:
            await check_version(self._database)
            await self._inherit()
            await self._look_for_work()
            now, busy = self._clock(), self._work.busy()
            for telegram_id in busy & set(self._held):
                self._held[telegram_id].used_at = now
            idle = IDLE_S if self._takes else 0.0
            await self._give_back([key for key, held in self._held.items() if now - held.used_at > idle])
        except NewerDatabaseError:
            raise
        except StorageError as exc:
            log.warning("The work that the processes share can't be checked; trying again: %s", exc)

    async def _look_for_work(self) -> None:
        pending = await self._work.pending()
        for telegram_id, newest in pending.updates.items():
            held = self._held.get(telegram_id)
            if held is not None and newest not in held.known:
                await self._pull(telegram_id)
        await self._take({*pending.updates, *pending.open})

    async def _take(self, telegram_ids: Collection[int]) -> None:
        """Take those of these chats that no process has, as far as there is room; the rest is left to the sweep."""
        await self._make_room(len(self._not_taken(telegram_ids)))
        wanted = self._not_taken(telegram_ids)[: max(MOST_HELD - len(self._held) - len(self._taking), 0)]
        if not wanted or not self._takes:
            return
        self._taking.update(wanted)
        try:
            claims = await self._session.take(wanted)
            for claim in claims:
                self._held[claim.telegram_id] = HeldChat(claim, self._clock())
            if claims:
                self._tasks.start(partial(self._resume_all, claims))
        finally:
            self._taking.difference_update(wanted)

    @property
    def _takes(self) -> bool:
        """Whether it takes chats: not while they would wait here for a suspect, unless there is no other process."""
        return self._open and not self._activity.is_passive and not (self._work.isolates() and self.live > 1)

    async def _inherit(self) -> None:
        """Count the deaths of other processes."""
        if self._rejoined_at is None or self._clock() - self._rejoined_at > REJOIN_S:
            await self._work.inherit()

    async def _resume_all(self, claims: Collection[Claim]) -> None:
        """Continue chats, once it is known what the process died of that may have had them."""
        try:
            await self._inherit()
        except StorageError as exc:
            log.warning("What other processes died of can't be read: %s", exc)
        for claim in claims:
            self._tasks.start(partial(self._resume, claim))

    async def _resume(self, claim: Claim) -> None:
        """Continue a chat that was just taken: another process may have left it in the middle of something."""
        try:
            with under(claim):
                keys = await until_stored(partial(self._work.recover, claim.telegram_id))
        except StorageError:
            if self._has(claim):
                self._drop([claim.telegram_id])
                await self._session.give_back([claim.telegram_id])
            raise
        if not self._has(claim):
            return
        held = self._held[claim.telegram_id]
        held.recovered = True
        for key in {*keys, *held.wakes}:
            self._work.wake(key)
        await self._pull(claim.telegram_id)

    async def _pull(self, telegram_id: int) -> None:
        """Put the chat's new updates into its lanes, one pull at a time, so that they keep their order."""
        held = self._held.get(telegram_id)
        if held is None:
            return
        held.again = True
        if held.pulling or not held.recovered:
            return
        held.pulling = True
        try:
            while held.again and self._held.get(telegram_id) is held:
                held.again, held.used_at = False, self._clock()
                held.known = await self._work.pull(telegram_id, held.known)
        finally:
            held.pulling = False

    async def _give_back(self, telegram_ids: Collection[int]) -> None:
        """Release those of these chats that nothing runs for. What arrives at the same moment is noticed afterwards."""
        busy = self._work.busy()
        free = [
            key for key in telegram_ids if key not in busy and (held := self._held[key]).recovered and not held.pulling
        ]
        if not free or not self._session.is_open:
            return
        for telegram_id in free:
            del self._held[telegram_id]
        await self._release(free)

    async def _hand_over(self) -> None:
        """Give all chats to processes that reach Telegram; one whose answer is being written, once that is stored."""
        waiting = set(self._held) - self._work.writing()
        self._drop(waiting)
        await self._release(waiting)

    async def _release(self, telegram_ids: Collection[int]) -> None:
        """Release chats that are no longer held. If something waits in them, take them again, or notify others."""
        await self._session.give_back(telegram_ids)
        pending = await self._work.pending()
        left = {*pending.updates, *pending.open} & set(telegram_ids)
        if self._takes:
            await self._take(left)
        elif left:
            async with self._database.transaction() as tx:
                for telegram_id in left:
                    await notify(tx, Notification(ChatEvent.FREE, ChatKey(telegram_id)))

    def _not_taken(self, telegram_ids: Collection[int]) -> list[int]:
        return [key for key in telegram_ids if key not in self._held and key not in self._taking]

    async def _make_room(self, count: int) -> None:
        """Give back the chats that have been idle for longest, if this many more would be too many."""
        excess = len(self._held) + len(self._taking) + count - MOST_HELD
        if count and excess > 0:
            busy = self._work.busy()
            idle = sorted((held.used_at, key) for key, held in self._held.items() if key not in busy)
            await self._give_back([key for _, key in idle[:excess]])

    async def _forward(self, key: ChatKey) -> None:
        await self._take([key.telegram_id])
        if not self._wake(key):
            async with self._database.transaction() as tx:
                await notify(tx, Notification(ChatEvent.WAKE, key))

    def _wake(self, key: ChatKey) -> bool:
        """Wake the lane of a chat, if this process has it."""
        held = self._held.get(key.telegram_id)
        if held is None:
            return False
        if held.recovered:
            self._work.wake(key)
        else:
            held.wakes.add(key)
        return True

    def _heed(self, notification: Notification) -> None:
        telegram_id = notification.key.telegram_id
        match notification.event:
            case ChatEvent.CHANGED:
                self._tasks.start(self._changed)
            case ChatEvent.FREE:
                self._tasks.start(partial(self.arrived, [telegram_id]))
            case ChatEvent.ARRIVED:
                self._tasks.start(partial(self._pull, telegram_id))
            case ChatEvent.WAKE:
                self._wake(notification.key)

    def _check_soon(self) -> None:
        self._check_now.set()
        self._check_session_now.set()
