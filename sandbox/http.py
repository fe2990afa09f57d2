"""HTTP helpers of the sandbox: serving on loopback, multipart forms, and stopping a server at an exact point."""

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
"""How long open requests (long polls, streams) may continue when the server is stopped."""
DATE_S = 1
"""How often the Date header is updated."""
LOOK_S = 0.01
"""How often a server that is stopping checks whether the open requests have ended."""


@asynccontextmanager
async def serve(
    app: ASGIApp, port: int = 0, host: str = "127.0.0.1", *, websockets: bool = False
) -> AsyncIterator[str]:
    """Serve while the block runs; yields the URL. Raises OSError if the port is taken.

    `websockets`: whether it takes WebSockets; it then needs the extra `sandbox`.
    """
    listener = socket.create_server((host, port))
    listener.setsockopt(
        socket.IPPROTO_TCP, socket.TCP_NODELAY, 1
    )  # asyncio doesn't do it for us, and each answer would wait 40 ms
    config = uvicorn.Config(
        app,
        ws="websockets-sansio" if websockets else "none",
        log_config=None,
        access_log=False,
        lifespan="off",
        timeout_graceful_shutdown=LAST_REQUESTS_S,
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
        """Let pending requests finish, and close."""
        self.should_exit = True
        self._ending.set()

    async def main_loop(self) -> None:
        """Wait for the end; uvicorn itself would check ten times a second."""
        while not await self.on_tick(0):
            with suppress(TimeoutError):
                await asyncio.wait_for(self._ending.wait(), DATE_S)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:  # noqa: ARG002 - uvicorn's signature
        """Stop listening and wait for open requests; uvicorn itself would always wait for a tenth of a second."""
        state = self.server_state
        for server in self.servers:
            server.close()
        for connection in list(state.connections):
            connection.shutdown()
        with suppress(TimeoutError):
            async with asyncio.timeout(LAST_REQUESTS_S):
                while state.connections or state.tasks:  # noqa: ASYNC110 - uvicorn tells nobody
                    await asyncio.sleep(LOOK_S)
        for task in state.tasks:
            task.cancel()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@dataclass(frozen=True, slots=True)
class Upload:
    """A file in a request."""

    name: str
    data: bytes


def form_parts(content_type: str, body: bytes) -> list[tuple[str, str | Upload]]:
    """The fields of a multipart form, in order: texts and files.

    Raises ValueError if it can't be parsed.
    """
    form = BytesParser(policy=HTTP).parsebytes(f"Content-Type: {content_type}\r\n\r\n".encode() + body)
    found: list[tuple[str, str | Upload]] = []
    for part in form.iter_parts():
        name = str(part.get_param("name", header="content-disposition"))
        value = part.get_payload(decode=True)
        if not isinstance(value, bytes):
            raise ValueError(f"the sandbox does not read what is in {name}")
        file = part.get_filename()
        found.append((name, value.decode() if file is None else Upload(file, value)))
    return found


class Checkpoint:
    """A point where a request waits until a test releases it."""

    def __init__(self) -> None:
        self._reached = asyncio.Event()
        self._released = asyncio.Event()

    async def reached(self, timeout: float = 5.0) -> None:
        """Wait until a request has arrived; raises TimeoutError after `timeout` seconds."""
        async with asyncio.timeout(timeout):
            await self._reached.wait()

    def release(self) -> None:
        """Let the request continue; may be called before it arrives."""
        self._released.set()

    async def wait_here(self) -> None:
        """Wait here until released."""
        self._reached.set()
        await self._released.wait()
