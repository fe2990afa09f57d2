"""The session with the database server that holds this process's locks: checked, and replaced when it is cut."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection
from contextlib import suppress
from typing import Protocol

from bot.concurrency import backoff
from bot.updates.activity import Activity
from storage.claims import Claim
from storage.files import DatabaseInUseError
from storage.postgres.chat_claims import ChatClaims, Member
from storage.storage_errors import StorageError

FIRST_WAIT_S, MAX_WAIT_S = 0.1, 2.0
"""The shortest and the longest wait between two attempts to reach the server."""

log = logging.getLogger(__name__)


class Leadership(Protocol):
    """What only one of the processes does."""

    def begin(self) -> None:
        """Begin, because this process has become the leader."""

    def end(self) -> None:
        """Stop, because another process may be the leader now."""


class LockSession:
    """Holds the locks of chats, and the leader's. Its methods raise StorageError while the session is cut."""

    def __init__(
        self,
        member: Member,
        activity: Activity,
        held: Callable[[], list[Claim]],
        kept: Callable[[set[Claim]], Awaitable[None]],
    ) -> None:
        """`held`: the claims of this process; `kept` is called with those that are still valid in a new session."""
        self._member = member
        self._activity = activity
        self._held = held
        self._kept = kept
        self._claims: ChatClaims | None = None
        self._leadership: Leadership | None = None
        self._leads = False
        self._renewing = asyncio.Lock()
        self._certain = asyncio.Event()
        self.live = 1
        """How many processes there are."""

    @property
    def is_open(self) -> bool:
        """Whether the session is open, as far as this is known."""
        return self._certain.is_set()

    async def until_open(self) -> None:
        """Wait until the session is open."""
        await self._certain.wait()

    async def begin(self, patience: float) -> None:
        """Open the session; see ``ChatClaims.connect``."""
        self._claims = await ChatClaims.connect(self._member, patience)
        self._certain.set()

    async def check(self) -> None:
        """Check the session, and lead if no other process does. If it is cut, wait until there is another.

        Who led leads no longer then: another process may.
        """
        try:
            await self._open.show_reach(reaches=self._activity.reaches_telegram)
            self.live, others = await self._open.count_live()
            self._activity.look(self.live, others)
            await self._lead()
        except StorageError as exc:
            await self._renew(exc)

    async def take(self, telegram_ids: Collection[int]) -> list[Claim]:
        """See ``ChatClaims``; none while the session is cut."""
        return await self._open.take(telegram_ids) if self._certain.is_set() else []

    async def give_back(self, telegram_ids: Collection[int]) -> None:
        """See ``ChatClaims``."""
        await self._open.give_back(telegram_ids)

    def stand_for(self, leadership: Leadership) -> None:
        """Become the leader from now on, when there is no other."""
        self._leadership = leadership

    async def resign(self) -> None:
        """Lead no longer, and take nothing over from others. The leader's lock is released with the session."""
        self._step_down()
        self._leadership = None
        with suppress(StorageError):
            await self._open.show_reach(reaches=False)

    async def close(self) -> None:
        """End the session, and with it all claims."""
        if self._claims is not None:
            await self._claims.close()

    @property
    def _open(self) -> ChatClaims:
        assert self._claims is not None, "begun"
        return self._claims

    async def _lead(self) -> None:
        """Become the leader if there is none; no longer be it if this process is passive."""
        if self._activity.is_passive:
            if self._leads:
                self._step_down()
                await self._open.stop_leading()
        elif self._leadership is not None and not self._leads and await self._open.lead():
            self._leads = True
            self._leadership.begin()

    async def _renew(self, cause: StorageError) -> None:
        """Open another session, and keep the chats that no other process has taken in the meantime."""
        log.warning("The database server can't be reached, so nothing is sent until it can be again: %s", cause)
        self._certain.clear()
        self._step_down()
        failures = 0
        while not self._certain.is_set():
            try:
                await self._replace()
            except (StorageError, DatabaseInUseError) as exc:
                failures += 1
                log.debug("No session yet: %s", exc)
                await asyncio.sleep(backoff(failures, FIRST_WAIT_S, MAX_WAIT_S))

    async def _replace(self) -> None:
        await self._open.close()
        self._claims = await ChatClaims.connect(self._member)
        valid = await self._claims.retake(self._held())
        await self._kept(valid)
        self._certain.set()

    def _step_down(self) -> None:
        leads, self._leads = self._leads, False
        if self._leadership is not None and leads:
            self._leadership.end()
