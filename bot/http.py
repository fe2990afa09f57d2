"""HTTP: the certificates that all clients share, and the bot's own server for health checks and webhooks."""

import asyncio
import logging
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import h11
import httpx
import uvicorn
from starlette.applications import Starlette
from uvicorn.protocols.http.h11_impl import H11Protocol

LAST_REQUESTS_S = 5
"""How long requests in progress may take on shutdown."""
REQUEST_S = 15.0
"""How long a client may take to send a whole request, in seconds; Telegram takes milliseconds."""
MOST_CONNECTIONS = 128
"""The most open connections; Telegram uses 40. Beyond that, a new one takes the place of one that sends nothing."""
BACKLOG = 100
"""How many connections are accepted at once: each is an open file before it can be counted."""


@cache
def trust() -> ssl.SSLContext:
    """The trusted certificates, loaded once: each client would load its own, for 20 ms and 0.8 MB."""
    return httpx.create_ssl_context()


async def serve(app: Starlette, listener: socket.socket) -> None:
    """Serve the application on an open socket until cancelled."""
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)  # it warns about every malformed request
    config = uvicorn.Config(
        app,
        proxy_headers=False,  # the sender is who connects: a header says what anyone wants
        http=_Connection,
        ws="none",
        backlog=BACKLOG,
        log_config=None,
        access_log=False,
        lifespan="off",
        timeout_graceful_shutdown=LAST_REQUESTS_S,
    )
    server = _Server(config)
    serving = asyncio.create_task(server.serve([listener]), name="uvicorn")
    try:
        await asyncio.shield(serving)
    finally:
        server.should_exit = True
        await serving


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers: the application has its own."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals alone."""
        yield


class _Connection(H11Protocol):
    """A connection that is closed if its client doesn't send a whole request in time, or sends many at once.

    uvicorn has no such limits: silent connections would use up the process's open files and mute the bot, and so would
    thousands of requests in one packet.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._deadline: asyncio.TimerHandle | None = None
        """Set while the connection waits for a request, or for the rest of one."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._await_request()
        if len(self.connections) > MOST_CONNECTIONS:
            self._make_room()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.conn.their_state not in (h11.IDLE, h11.SEND_BODY):
            self._stop_waiting()

    def on_response_complete(self) -> None:
        self._await_request()
        if self.conn.trailing_data[0]:  # neither Telegram nor monitors send a request before they have the response
            self.transport.close()
        super().on_response_complete()

    def _await_request(self) -> None:
        self._stop_waiting()
        self._deadline = self.loop.call_later(REQUEST_S, self.transport.abort)

    def _stop_waiting(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _make_room(self) -> None:
        """Close the connection that has waited for a request for the longest time."""
        others = (other for other in self.connections if isinstance(other, _Connection) and other is not self)
        waiting = {other._deadline.when(): other for other in others if other._deadline is not None}  # noqa: SLF001
        oldest = waiting[min(waiting)] if waiting else self
        oldest._stop_waiting()  # noqa: SLF001
        oldest.transport.abort()
