"""Large requests are made beside the event loop: pictures of 24 MB, in base64 and JSON, took it a third of a second.

The client of a model server.

Left alone, openai's client completes what it was given from the environment, which may be meant for other programs: a
key, an organisation, a project, headers of any kind. They are OpenAI's, so only OpenAI's own hosts are sent them.
"""

import asyncio
import json
import os
import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import parse_qsl, urlsplit

import httpx2
import openai

from bot.http import trust
from bot.llm.error_bodies import MOST_BYTES
from bot.llm.interface import Message

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable

    from openai._models import FinalRequestOptions

MUCH = 2**19
"""Bytes or characters, which take some milliseconds."""
_JSON = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)
T = TypeVar("T")
_OPENAI = "api.openai.com"
_AZURE_DEPLOYMENT = re.compile(r"^https?://[^/]*\.azure\.com(?::\d+)?/openai/deployments/", re.IGNORECASE)
_NONE = "none"
ERROR_TIMEOUT_S = 10.0
"""For the body of a refusal."""
_AMBIENT = "OPENAI_CUSTOM_HEADERS"
"""Lines of "name: value" that the client adds to every request."""


async def made(messages: Sequence[Message], make: Callable[[], T]) -> T:
    """What is made of messages, in a thread if they hold many pictures or sounds."""
    held = sum(0 if isinstance(part, str) else len(part.data) for message in messages for part in message.parts)
    return await asyncio.to_thread(make) if held > MUCH else make()


def dumped(body: Mapping[str, object], errors: str = "strict") -> bytes:
    """As JSON; what is large piece by piece, since nothing else runs while one is made, in a thread or not."""
    pieces = _JSON.iterencode(body) if is_large(body) else [_JSON.encode(body)]
    return b"".join(piece.encode(errors=errors) for piece in pieces)


def is_large(value: object) -> bool:
    """Whether so many characters are in it."""
    return _characters(value) > MUCH


def _characters(value: object) -> int:
    if isinstance(value, str):
        return len(value)
    if isinstance(value, Mapping):
        return sum(map(_characters, value.values()))
    return sum(map(_characters, value)) if isinstance(value, list | tuple) else 0


def client(base_url: str, api_key: str | None, *, silence: float, connect: float) -> openai.AsyncOpenAI:
    """A client that waits so long for the server to say something, and to take a connection, in seconds.

    It tries nothing again: who asks does (``retrying``).
    Without a key it sends none. What stands behind a ``?`` in the address goes out with every request.
    """
    parts = urlsplit(base_url)
    query: dict[str, object] = dict(parse_qsl(parts.query, keep_blank_values=True))
    timeout = openai.Timeout(silence, connect=connect)
    hooks: dict[str, list[Callable[..., Awaitable[None]]]] = {"response": [_bounded]}
    if not api_key:
        hooks["request"] = [_without_key]
    elif _AZURE_DEPLOYMENT.search(base_url):
        hooks["request"] = [_AzureKey(parts.hostname or "", api_key).add]
    http = openai.DefaultAsyncHttpxClient(verify=trust(), timeout=timeout, event_hooks=hooks)
    headers = {} if _is_openais(base_url) else dict.fromkeys(_from_environment(), openai.Omit())
    return _Client(
        base_url=parts._replace(query="").geturl(),
        default_query=query,
        api_key=api_key or _NONE,
        admin_api_key="",
        max_retries=0,
        timeout=timeout,
        http_client=http,
        default_headers={**headers, "Authorization": f"Bearer {api_key or _NONE}"},  # type: ignore[dict-item]  # Omit is taken too
    )


class _Client(openai.AsyncOpenAI):
    async def _prepare_options(self, options: "FinalRequestOptions") -> "FinalRequestOptions":
        """The hook before a request is built, on the loop: what is large is written by then."""
        options = await super()._prepare_options(options)
        if isinstance(options.json_data, dict) and is_large((options.json_data, options.extra_json)):
            body = {**options.json_data, **(options.extra_json or {})}
            kept = {name: value for name, value in body.items() if not isinstance(value, openai.Omit)}
            options.json_data, options.extra_json = await asyncio.to_thread(dumped, kept), None
        return options


class _AzureKey:
    """A key as Azure's older addresses want it, for its own host alone: a redirect would take the header along."""

    def __init__(self, host: str, key: str) -> None:
        self._host, self._key = host, key

    async def add(self, request: httpx2.Request) -> None:
        """Put it into a request."""
        request.headers.pop("api-key", None)
        if request.url.host == self._host:
            request.headers["api-key"] = self._key


async def _without_key(request: httpx2.Request) -> None:
    """Take off what the client insists on."""
    request.headers.pop("Authorization", None)


async def _bounded(response: httpx2.Response) -> None:
    """Read no more of a refusal than tells what it is; one that breaks off says what came of it."""
    if response.is_error and isinstance(response.stream, httpx2.AsyncByteStream):
        response.stream = _Beginning(response.stream)


class _Beginning(httpx2.AsyncByteStream):
    """What comes of a body in time, up to its first break."""

    def __init__(self, body: httpx2.AsyncByteStream) -> None:
        self._body = body

    async def __aiter__(self) -> "AsyncIterator[bytes]":
        pieces, left = aiter(self._body), MOST_BYTES
        until = asyncio.get_running_loop().time() + ERROR_TIMEOUT_S
        while left > 0:
            try:
                async with asyncio.timeout_at(until):
                    piece = await anext(pieces, None)
            except (TimeoutError, httpx2.HTTPError):
                return
            if piece is None:
                return
            left -= len(piece)
            yield piece

    async def aclose(self) -> None:
        await self._body.aclose()


def _is_openais(base_url: str) -> bool:
    host = urlsplit(base_url).hostname or ""
    return host == _OPENAI or host.endswith(f".{_OPENAI}")


def _from_environment() -> list[str]:
    """The names of the headers that the client would take from there."""
    lines = os.environ.get(_AMBIENT, "").split("\n")
    return ["OpenAI-Organization", "OpenAI-Project", *(line.partition(":")[0].strip() for line in lines if ":" in line)]
