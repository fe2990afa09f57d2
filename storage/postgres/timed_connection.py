"""Connections that don't hang: one whose server does not answer in time is cut.

The server's own limit, ``statement_timeout``, does not help if its answer is lost, and TCP's keepalives don't help if a
proxy answers them.
"""

import asyncio
import socket
from contextlib import suppress
from typing import Any, Self, TypeVar

from psycopg import AsyncConnection, Error, OperationalError
from psycopg.abc import PQGen
from psycopg.rows import DictRow

STATEMENT_S = 30.0
"""The longest that one statement may take on the server, in seconds."""
ANSWER_S = STATEMENT_S + 5.0
"""How long the client waits for the answer to one request, in seconds. The server should give up first."""

RV = TypeVar("RV")


class TimedConnection(AsyncConnection[DictRow]):
    """A connection with a deadline for each request; after it, the connection counts as broken."""

    answers_within = ANSWER_S
    """How long to wait for the answer to one request, in seconds."""
    last_refusal: Error | None = None
    """Why the last attempt to connect failed, if it did: a pool only says that it has no connection."""

    @classmethod
    async def connect(cls, conninfo: str = "", **kwargs: Any) -> Self:
        """Connect; see psycopg."""
        try:
            connection = await super().connect(conninfo, **kwargs)
        except Error as exc:
            cls.last_refusal = exc
            raise
        cls.last_refusal = None
        return connection

    async def wait(self, gen: PQGen[RV], interval: float = 0.1, timeout: float | None = None) -> RV:
        """Carry out a request; see psycopg. Raises OperationalError if there is no answer in time."""
        is_cut = False

        def cut() -> None:
            nonlocal is_cut
            is_cut = True
            self._cut()

        timer = asyncio.get_running_loop().call_later(self.answers_within, cut)
        try:
            return await super().wait(gen, interval, timeout)
        except OperationalError as exc:
            if is_cut:
                raise OperationalError(f"no answer within {self.answers_within:.0f} s") from exc
            raise
        finally:
            timer.cancel()

    def _cut(self) -> None:
        """End both directions: libpq finds the connection closed, as if the server had done it."""
        with suppress(OSError, Error):
            own = socket.socket(fileno=self.fileno())
            try:
                own.shutdown(socket.SHUT_RDWR)
            finally:
                own.detach()
