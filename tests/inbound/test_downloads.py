"""Files on their way: never more bytes at a time than there is room for, whatever their senders say of them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing, suppress
from typing import Any

import pytest
from telegram import Bot, File

from bot.concurrency import Capacity
from bot.inbound import downloads
from bot.inbound.downloads import Downloads
from bot.media.media_errors import TooLargeError


class Endless:
    """A server whose files have as many bytes as anybody reads."""

    def __init__(self, most: int) -> None:
        self.most, self.sent, self.asked = most, 0, 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        self.asked += 1
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
        left = self.most
        with closing(writer), suppress(ConnectionError):  # whoever has read enough hangs up
            while left:
                writer.write(b"x" * min(left, 1000))
                await writer.drain()
                left -= min(left, 1000)
                self.sent += 1000


class Told(Bot):
    """A bot whose files are all at one address and say one size."""

    def __init__(self, url: str, size: int | None) -> None:
        super().__init__("1:token")
        self._file = File("id", "unique", size, url)

    async def get_file(self, *_: Any, **__: Any) -> File:
        return self._file


@asynccontextmanager
async def fetching(server: Endless, told: int | None) -> AsyncIterator[Downloads]:
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    made = Downloads(Told(f"http://127.0.0.1:{port}/file", told))
    try:
        yield made
    finally:
        await made.close()
        listening.close()


@pytest.mark.parametrize("told", [None, 0, 10])
async def test_what_has_no_end_is_cut_off(told: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(downloads, "MOST_BYTES", 50_000)
    server = Endless(100_000_000)
    async with fetching(server, None) as made:
        with pytest.raises(TooLargeError):
            async with made.file("id", told):
                pass
    assert server.sent < 50_000_000


@pytest.mark.parametrize("told", [None, 10, 3000])
async def test_file_that_says_too_little_comes_whole(told: int | None) -> None:
    async with fetching(Endless(3000), told) as made, made.file("id", told) as data:
        assert len(data) == 3000


async def test_files_wait_for_those_being_converted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(downloads, "ROOM", 5000)
    monkeypatch.setattr(downloads, "SMALL", 10)
    server, held, most = Endless(2000), 0, 0

    async def one(made: Downloads) -> None:
        nonlocal held, most
        async with made.file("id", 2000) as data:
            held += len(data)
            most = max(most, held)
            await asyncio.sleep(0.01)
            held -= len(data)

    async with fetching(server, 2000) as made:
        await asyncio.gather(*(one(made) for _ in range(7)))
    assert (server.asked, most) == (7, 4000)


async def test_small_file_waits_for_no_large_one() -> None:
    most = downloads.MOST_BYTES
    async with fetching(Endless(500), 500) as made, made.file("1", most), made.file("2", most):
        small = made.file("3", 500)
        data = await asyncio.wait_for(small.__aenter__(), 5)
        assert len(data) == 500
        await small.__aexit__(None, None, None)


async def test_places_are_given_in_order() -> None:
    room, order = Capacity(10), list[int]()

    async def take(size: int) -> None:
        async with room.reserve(size):
            order.append(size)
            await asyncio.sleep(0)

    await asyncio.gather(*(take(size) for size in (6, 7, 3, 10, 1)))
    assert order == [6, 7, 3, 10, 1]


async def test_who_gives_up_waiting_holds_nobody_up() -> None:
    room = Capacity(10)
    async with room.reserve(6):
        waits = asyncio.create_task(_pass(room, 8))
        await asyncio.sleep(0)
        small = asyncio.create_task(_pass(room, 4))
        await asyncio.sleep(0)
        waits.cancel()
        async with asyncio.timeout(5):
            await small


async def _pass(room: Capacity, size: int) -> None:
    async with room.reserve(size):
        pass
