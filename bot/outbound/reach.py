"""Whether Telegram can be reached from this process, as all its requests together show; and the client for them.

A request that fails says little, and so do the requests of one chat. So after a failure Telegram is asked for something
simple, every few seconds, until it answers. Any response counts as an answer, also a refusal.
"""

import asyncio
import socket
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from http import HTTPStatus
from typing import Any

from telegram.error import NetworkError, TelegramError
from telegram.request import HTTPXRequest

from bot.metrics import RATE_LIMITED

LOST_S = 30.0
"""For how long every request has to fail until Telegram counts as out of reach, in seconds."""
FEWEST_FAILURES = 3
"""How many have to fail in that time: a process that was suspended may find two of its connections dead."""
DOUBTFUL = 2
"""From how many failures in a row on it is doubtful whether Telegram can be reached."""
ASK_EVERY_S = 5.0
"""How often Telegram is asked after a failure, in seconds."""
SILENT_S = 15.0
"""After how long without an answer nothing is known about it, in seconds: a long poll may be waiting for nothing."""

UNSENT_MS = 20_000
SOCKET_OPTIONS = (
    [(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNSENT_MS)] if hasattr(socket, "TCP_USER_TIMEOUT") else []
)
"""How long the kernel may try to get a request through, on Linux: by default, minutes after it was given up.

What another process sends instead, from LOST_S on, must not be followed by this one.
"""


class TelegramReach:
    """Judges by the requests of this process. `clock` is monotonic."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failures = 0
        self._failing_since = float("-inf")
        self.failed_at = float("-inf")
        """When the last request failed."""
        self._answered_at = float("-inf")
        self._due = asyncio.Event()

    @property
    def is_silent(self) -> bool:
        """Whether Telegram has not answered for SILENT_S, though it may not have been asked."""
        return self._clock() - self._answered_at >= SILENT_S

    @property
    def is_doubtful(self) -> bool:
        """Whether several requests have failed, one after another."""
        return self._failures >= DOUBTFUL

    @property
    def is_lost(self) -> bool:
        """Whether every request has failed for LOST_S."""
        return self._failures >= FEWEST_FAILURES and self.failed_at - self._failing_since >= LOST_S

    def answered(self) -> None:
        """Telegram has answered a request."""
        self._failures = 0
        self._answered_at = self._clock()

    def failed(self) -> None:
        """The network has failed a request."""
        self.failed_at = self._clock()
        if not self._failures:
            self._failing_since = self.failed_at
        self._failures += 1
        self._due.set()

    def check_soon(self) -> None:
        """Have Telegram asked."""
        self._due.set()

    async def watch(self, ask: Callable[[], Awaitable[object]]) -> None:
        """Call `ask` after failures, until cancelled. It sends a request that is recorded here."""
        while True:
            await self._due.wait()
            self._due.clear()
            with suppress(TelegramError):
                await ask()
            await asyncio.sleep(ASK_EVERY_S)


class CountedRequests(HTTPXRequest):
    """The client for Telegram, which counts the requests that are refused as too many, and records which are answered.

    A request waits here for a free connection: httpx would look at all that wait whenever one begins or ends, which
    holds the event loop for minutes if there are thousands.
    """

    def __init__(self, connections: int, reach: TelegramReach, **options: Any) -> None:
        super().__init__(connections, socket_options=SOCKET_OPTIONS, **options)
        self._places = asyncio.Semaphore(connections)
        self._reach = reach

    async def do_request(self, *args: Any, **options: Any) -> tuple[int, bytes]:
        """See HTTPXRequest."""
        async with self._places:
            try:
                status, body = await super().do_request(*args, **options)
            except NetworkError:
                self._reach.failed()
                raise
        self._reach.answered()
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            RATE_LIMITED.labels("telegram").inc()
        return status, body
