"""TCP servers for tests: any handler's, and a proxy that can hold back what passes through it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def served(handler: Handler) -> AsyncIterator[int]:
    """Serve on 127.0.0.1 while the block runs, and end all connections with it; yields the port."""
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with suppress(OSError, asyncio.IncompleteReadError):
                await handler(reader, writer)
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.add(asyncio.create_task(serve(reader, writer)))

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    try:
        yield int(server.sockets[0].getsockname()[1])
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class Proxy:
    """Forwards connections. What it holds back stays with it: both ends believe that the connection is fine."""

    def __init__(self, port: int) -> None:
        """`port`: where it leads, on 127.0.0.1."""
        self._to = port
        self.holds_requests = asyncio.Event()
        self.holds_answers = asyncio.Event()
        self._is_cut = asyncio.Event()
        self._refuses = False
        self._to_server: set[asyncio.StreamWriter] = set()
        self.seen: Callable[[bytes], None] = lambda _: None
        """Called with what clients send, before it is forwarded or held back."""

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Forward one connection."""
        if self._refuses:
            return
        try:
            server_reader, server_writer = await asyncio.open_connection("127.0.0.1", self._to)
        except OSError:
            return
        self._to_server.add(server_writer)
        is_cut = self._is_cut
        try:
            ways = [
                asyncio.create_task(self._forward(reader, server_writer, self.holds_requests, self.seen_by_all)),
                asyncio.create_task(self._forward(server_reader, writer, self.holds_answers, lambda _: None)),
            ]
            try:
                await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
                if is_cut.is_set():  # neither end learns that the other has closed
                    await asyncio.Event().wait()
            finally:
                for way in ways:
                    way.cancel()
                await asyncio.gather(*ways, return_exceptions=True)
        finally:
            self._to_server.discard(server_writer)
            server_writer.close()
            with suppress(OSError):
                await server_writer.wait_closed()

    def seen_by_all(self, data: bytes) -> None:
        self.seen(data)

    def hold(self) -> None:
        """Forward nothing more, in either direction."""
        self.holds_requests.set()
        self.holds_answers.set()

    def cut(self) -> None:
        """Forward nothing more, and not even that one end has closed, as if the network were gone."""
        self.hold()
        self._is_cut.set()

    def drop(self) -> None:
        """End all connections at the server, which has noticed that its clients are gone; they don't learn of it."""
        for writer in self._to_server:
            writer.transport.abort()

    def refuse(self) -> None:
        """End all connections, at both ends, and each new one at once."""
        self._refuses = True
        self.drop()

    def release(self) -> None:
        """Forward again what new connections send; those that were held back or cut stay so."""
        self._refuses = False
        self.holds_requests, self.holds_answers, self._is_cut = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def _forward(
        self,
        source: asyncio.StreamReader,
        target: asyncio.StreamWriter,
        held: asyncio.Event,
        seen: Callable[[bytes], None],
    ) -> None:
        while data := await source.read(65_536):
            seen(data)
            if not held.is_set():
                target.write(data)
                await target.drain()
