"""Serving an application on loopback, inside the event loop of whoever wants to talk to it."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress

import uvicorn
from starlette.types import ASGIApp

LAST_REQUESTS_S = 1
"""How long open requests (long polls, streams) may go on when the server is told to end."""
DATE_S = 1
"""How often the time of day in the answers is set anew."""


@asynccontextmanager
async def serve(app: ASGIApp, port: int = 0, host: str = "127.0.0.1") -> AsyncIterator[str]:
    """Serve while the block runs; yields the server's URL. Raises OSError when the port can't be had."""
    listener = socket.create_server((host, port))
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # asyncio does not, and each answer waits 40 ms
    config = uvicorn.Config(
        app, log_config=None, access_log=False, lifespan="off", timeout_graceful_shutdown=LAST_REQUESTS_S
    )
    server = _Server(config)
    serving = asyncio.create_task(server.serve([listener]), name="server")
    try:
        yield f"http://{host}:{listener.getsockname()[1]}"
    finally:
        server.end()
        await serving


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers, which belong to the program around it."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._ending = asyncio.Event()

    def end(self) -> None:
        """Let the requests under way finish, and close."""
        self.should_exit = True
        self._ending.set()

    async def main_loop(self) -> None:
        """Wait for the end; uvicorn itself looks ten times a second whether it has come."""
        while not await self.on_tick(0):
            with suppress(TimeoutError):
                await asyncio.wait_for(self._ending.wait(), DATE_S)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals alone."""
        yield
