"""Files on their way through the page: up, and down again."""

import io
from collections.abc import AsyncIterator
from functools import partial

import av
import httpx
import numpy as np
import pytest
import pytest_asyncio
from PIL import Image
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from sandbox.botapi import BotApi
from sandbox.http import serve
from sandbox.page.transfers import Transfers
from sandbox.user_api.client import UserClient
from sandbox.user_api.user_api_server import MOST_FILES

TOKEN = "token-of-a-test"
RATE = 48_000


def recorded() -> bytes:
    """A second of a tone, as a browser records it."""
    file = io.BytesIO()
    with av.open(file, "w", format="webm") as target:
        stream = target.add_stream("libopus", rate=RATE, layout="mono")
        assert isinstance(stream, av.AudioStream)
        tone = (np.sin(np.arange(RATE) / 20) * 9000).astype(np.int16).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(tone, format="s16", layout="mono")
        frame.sample_rate = RATE
        target.mux(stream.encode(frame))
        target.mux(stream.encode(None))
    return file.getvalue()


def picture() -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (64, 48), "red").save(file, "PNG")
    return file.getvalue()


@pytest_asyncio.fixture
async def telegram() -> BotApi:
    return BotApi(user_token=TOKEN)


@pytest_asyncio.fixture
async def page(telegram: BotApi) -> AsyncIterator[httpx.AsyncClient]:
    """The page's routes for files, before a Bot API server with one private chat."""
    telegram.private(telegram.user("You"))
    async with telegram.run() as url, UserClient(url, TOKEN) as client:
        files = Transfers(client)
        routes = [Route("/files/{file_id}", files.download), Route("/upload", files.upload, methods=["POST"])]
        routes.append(Route("/last", partial(_last, client, telegram.user("You").id)))
        async with serve(Starlette(routes=routes)) as address, httpx.AsyncClient(base_url=address) as browser:
            yield browser


async def _last(client: UserClient, chat: int, _: Request) -> Response:
    found = (await client.messages(chat))["messages"][-1]
    file = found["voice"] or found["document"]
    return PlainTextResponse(found["photo"] or (file["file"] if file else ""))


async def _send(page: httpx.AsyncClient, telegram: BotApi, kind: str, content: bytes, name: str) -> httpx.Response:
    fields = {"chat": str(telegram.user("You").id), "as": "You", "kind": kind, "caption": "words"}
    return await page.post("/upload", data=fields, files=[("files", (name, content))])


async def _file(page: httpx.AsyncClient) -> str:
    """The file of the last message, as the page gets it."""
    return (await page.get("/last")).text


async def test_voice_reaches_the_bot_as_ogg(page: httpx.AsyncClient, telegram: BotApi) -> None:
    answer = await _send(page, telegram, "voice", recorded(), "voice")
    assert (answer.status_code, answer.text) == (200, "")
    shown = await page.get(f"/files/{await _file(page)}")
    assert shown.headers["content-type"] == "audio/ogg"
    assert shown.content.startswith(b"OggS")


async def test_photo_is_shown_as_it_is(page: httpx.AsyncClient, telegram: BotApi) -> None:
    assert (await _send(page, telegram, "photo", picture(), "red.png")).status_code == 200
    answer = await page.get(f"/files/{await _file(page)}")
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["content-disposition"] == "inline"


async def test_page_among_files_is_saved_only(page: httpx.AsyncClient, telegram: BotApi) -> None:
    await _send(page, telegram, "document", b"<script>alert(1)</script>", "x.html")
    answer = await page.get(f"/files/{await _file(page)}?name=%C3%A4.html")
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"] == "attachment; filename*=utf-8''%C3%A4.html"
    assert "sandbox" in answer.headers["content-security-policy"]


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({}, "who sends"),
        ({"chat": "x", "as": "You", "kind": "photo"}, ""),
        ({"chat": "1", "as": "You", "kind": "x"}, ""),
    ],
)
async def test_wrong_upload_is_refused(page: httpx.AsyncClient, fields: dict[str, str], sentence: str) -> None:
    answer = await page.post("/upload", data=fields, files=[("files", ("a", b"b"))])
    assert answer.status_code == 400
    assert sentence in answer.text
    assert answer.text


async def test_too_large_upload_is_refused_unread(page: httpx.AsyncClient, telegram: BotApi) -> None:
    answer = await _send(page, telegram, "document", b"x" * (MOST_FILES + 1), "large")
    assert (answer.status_code, answer.text) == (400, "At most 64 MB can be sent at once.")


async def test_unknown_file_is_not_found(page: httpx.AsyncClient) -> None:
    assert (await page.get("/files/none")).status_code == 404
