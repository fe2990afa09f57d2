"""A refusal whose body breaks off, never ends or can't be read is told as one all the same, by every interface."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest

from bot import errors
from bot.llm import client, dashscope
from bot.llm.chat_completions import ChatCompletions
from bot.llm.dashscope import DashScopeServer
from bot.llm.interface import Message
from bot.llm.openai_server import OpenAIServer
from bot.llm.responses import Responses
from bot.llm.server import Server

WORDS = b'{"error": {"message": "This model\'s maximum context length is 4096 tokens'
HEAD = b"HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\n"
ENDLESS = b"Transfer-Encoding: chunked\r\n\r\n" + b"%x\r\n" % len(WORDS) + WORDS + b"\r\n"
PICTURE = json.dumps({"detail": [{"input": "iVBOR" * 100_000, "msg": "image input is not supported"}]}).encode()
CASES = {
    "cut": (b"Content-Length: 999\r\n\r\n" + WORDS, errors.ContextTooLong, False),
    "endless": (ENDLESS, errors.ContextTooLong, True),
    "no gzip": (b"Content-Encoding: gzip\r\nContent-Length: 4\r\n\r\noops", errors.ModelError, False),
    "with what was sent": (b"Content-Length: %d\r\n\r\n" % len(PICTURE) + PICTURE, errors.CannotSee, False),
}
APIS = ("chat", "responses", "dashscope")


@asynccontextmanager
async def _refusing(sent: bytes, *, stays: bool) -> AsyncIterator[str]:
    done = asyncio.Event()

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(sent)
        await writer.drain()
        if stays:
            await reader.read()
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()
        done.set()

    async with await asyncio.start_server(refuse, "127.0.0.1", 0) as listening:
        yield f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
        await done.wait()


def _server(api: str, url: str) -> Server:
    if api == "dashscope":
        return DashScopeServer(base_url=url, api_key="any", extra_body={}, timeout=5.0)
    model = ChatCompletions if api == "chat" else Responses
    return OpenAIServer(model, base_url=url, api_key="any", extra_body={}, timeout=5.0)


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize("case", CASES)
async def test_a_refusal_that_breaks_is_one(case: str, api: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "ERROR_TIMEOUT_S", 0.2)
    monkeypatch.setattr(dashscope, "ERROR_TIMEOUT_S", 0.2)
    body, kind, stays = CASES[case]
    async with _refusing(HEAD + body, stays=stays) as url:
        server = _server(api, url)
        with pytest.raises(kind):
            [_ async for _ in server.of("qwen-vl-plus").stream([Message("user", "hello")])]
        await server.close()
