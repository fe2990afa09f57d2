"""A proxy between the bot and a real engine that records the engine's counts and writes the memories itself."""

import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from benchmarks.notes import notes
from sandbox.http import serve
from sandbox.model.api import compact_json, event
from sandbox.model.chat_api import DONE
from sandbox.model.prompt_cache import four_bytes

ANSWER_TOKENS = 64
"""The longest answer: such a small model would never stop."""
PATIENCE_S = 900.0
_TIMINGS = re.compile(rb'"timings":\{"cache_n":(\d+),"prompt_n":(\d+)')
_CUT = (b'"finish_reason":"length"', b'"finish_reason":"stop"')
_FORM = re.compile(r"^#+ .+$", re.MULTILINE)
"""A request for a memory contains headings."""
_PASSED = ("content-type", "x-accel-buffering")


@dataclass(frozen=True)
class Read:
    """What the engine read of a prompt, in its own tokens: total and cached. `notes`: it was a request for a memory."""

    total: int
    cached: int
    notes: bool
    prompt: list[dict[str, object]] = field(repr=False)


class Proxy:
    """Recognizes the request of an answer by its last words."""

    def __init__(self) -> None:
        self.words = ""
        self.read: list[Read] = []
        self._engine: httpx.AsyncClient

    @asynccontextmanager
    async def run(self, engine: str, key: str) -> AsyncIterator[str]:
        """Serve while the block runs; yields the URL to use instead of the engine's."""
        routes = [Route("/{path:path}", self._handle, methods=["GET", "POST"])]
        headers = {"authorization": f"Bearer {key}"}
        async with (
            httpx.AsyncClient(base_url=engine, timeout=PATIENCE_S, headers=headers) as self._engine,
            serve(Starlette(routes=routes)) as url,
        ):
            yield url

    async def _handle(self, request: Request) -> Response:
        body = await request.body()
        asked = json.loads(body) if body else {}
        if "messages" not in asked:
            told = await self._engine.request(request.method, request.url.path, content=body)
            return Response(told.content, told.status_code, media_type=told.headers.get("content-type"))
        newest = str(next(one["content"] for one in reversed(asked["messages"]) if one["role"] == "user"))
        if self.words not in newest or _FORM.search(newest):
            return await self._written(asked)
        asked["max_tokens"] = ANSWER_TOKENS
        wanted = self._engine.build_request("POST", request.url.path, json=asked)
        told = await self._engine.send(wanted, stream=True)
        headers = {name: value for name, value in told.headers.items() if name in _PASSED}
        return StreamingResponse(self._stream(told, asked), told.status_code, headers)

    async def _stream(self, told: httpx.Response, asked: dict[str, Any]) -> AsyncIterator[bytes]:
        async for line in told.aiter_lines():
            sent = f"{line}\n".encode().replace(*_CUT)
            self._count(sent, asked, notes=False)
            yield sent
        await told.aclose()

    async def _written(self, asked: dict[str, Any]) -> Response:
        """Let the engine read the prompt, and answer with a memory of our own."""
        alone = {**asked, "stream": False, "max_tokens": 1}
        alone.pop("stream_options", None)
        told = await self._engine.post("/v1/chat/completions", json=alone)
        if told.is_error:
            return Response(told.content, told.status_code, media_type="application/json")
        self._count(told.content, asked, notes=True)
        lines = [line for message in asked["messages"][1:] for line in str(message["content"]).splitlines()]
        text = notes(lines, lambda text: len(four_bytes(text)))
        answer = told.json()
        answer["choices"] = [{"index": 0, "delta": {"content": text}, "finish_reason": "stop"}]
        return Response(event(compact_json(answer)) + DONE, media_type="text/event-stream")

    def _count(self, sent: bytes, asked: dict[str, Any], *, notes: bool) -> None:
        if found := _TIMINGS.search(sent):
            cached, fresh = map(int, found.groups())
            self.read.append(Read(cached + fresh, cached, notes, asked["messages"]))
