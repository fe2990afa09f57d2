"""The server on PORT: clients that send nothing, or too slowly, take nothing away from others."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from bot import http
from bot.http import serve

SILENT = 300
HEAD = b"GET /healthz HTTP/1.1\r\nHost: here\r\n"


async def _well(_: Request) -> Response:
    return PlainTextResponse("ok")


@asynccontextmanager
async def _server() -> AsyncIterator[int]:
    listener = socket.create_server(("127.0.0.1", 0))
    serving = asyncio.create_task(serve(Starlette(routes=[Route("/healthz", _well)]), listener))
    try:
        yield listener.getsockname()[1]
    finally:
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)


async def _ask(port: int) -> int:
    async with httpx.AsyncClient(trust_env=False) as client:
        return (await client.get(f"http://127.0.0.1:{port}/healthz", timeout=30)).status_code


async def test_silent_connections_mute_nobody() -> None:
    async with _server() as port:
        silent = [await asyncio.open_connection("127.0.0.1", port) for _ in range(SILENT)]
        assert await _ask(port) == 200
        closed = [asyncio.create_task(reader.read()) for reader, _ in silent]
        await asyncio.wait(closed[: SILENT - http.MOST_CONNECTIONS])
        assert sum(not task.done() for task in closed) <= http.MOST_CONNECTIONS
        for _, writer in silent:
            writer.close()
        await asyncio.gather(*closed, return_exceptions=True)


@pytest.mark.parametrize("sent", [b"", HEAD, HEAD + b"Content-Length: 9\r\n\r\n1"])
async def test_unfinished_request_is_cut_off(sent: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "REQUEST_S", 0.2)
    async with _server() as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(sent)
        with suppress(ConnectionError):
            while await reader.read(1000):
                pass
        writer.close()


async def test_connection_serves_several_requests() -> None:
    async with _server() as port, httpx.AsyncClient(trust_env=False) as client:
        answers = [await client.get(f"http://127.0.0.1:{port}/healthz") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 200]


async def test_requests_sent_together_get_one_response() -> None:
    async with _server() as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write((HEAD + b"\r\n") * 1000)
        received = bytearray()
        with suppress(ConnectionError):
            while piece := await reader.read(10_000):
                received += piece
        writer.close()
        assert received.count(b"HTTP/1.1 200") <= 1
        assert await _ask(port) == 200


async def test_malformed_requests_fill_no_log(caplog: pytest.LogCaptureFixture) -> None:
    async with _server() as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"\0\0\0\0\r\n\r\n")
        assert b"400" in await reader.read(100)
        writer.close()
    assert not caplog.records
