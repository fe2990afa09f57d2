"""Serving an application on loopback, inside the event loop of whoever wants to talk to it.

Multipart forms, as clients upload files with them.

Stopping a server at an exact point, so that a test can look around there, or kill whoever waits.
"""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from email.parser import BytesParser
from email.policy import HTTP

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


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that came with a request."""

    name: str
    data: bytes


def parts(content_type: str, body: bytes) -> dict[str, str | Upload]:
    """The fields of a form, which is built like a mail: texts, and files.

    Raises ValueError when it can't be read.
    """
    form = BytesParser(policy=HTTP).parsebytes(f"Content-Type: {content_type}\r\n\r\n".encode() + body)
    found: dict[str, str | Upload] = {}
    for part in form.iter_parts():
        name = str(part.get_param("name", header="content-disposition"))
        value = part.get_payload(decode=True)
        if not isinstance(value, bytes):
            raise ValueError(f"the sandbox does not read what is in {name}")
        file = part.get_filename()
        found[name] = value.decode() if file is None else Upload(file, value)
    return found


class Stop:
    """Whoever comes here waits until it is released."""

    def __init__(self) -> None:
        self._reached = asyncio.Event()
        self._released = asyncio.Event()

    async def reached(self, timeout: float = 5.0) -> None:
        """Wait until somebody stands here; raises TimeoutError after `timeout` seconds."""
        async with asyncio.timeout(timeout):
            await self._reached.wait()

    def release(self) -> None:
        """Let them go on; may be called before anybody came."""
        self._released.set()

    async def wait_here(self) -> None:
        """Stand here until released."""
        self._reached.set()
        await self._released.wait()
