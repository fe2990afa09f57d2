"""The HTTP client for OpenAI-compatible servers.

openai's client fills in missing settings from environment variables that may be meant for other programs: a key, an
organization, a project, any headers. Those belong to OpenAI, so only OpenAI's own hosts receive them.

Large requests are serialized in a thread: base64 and JSON of 24 MB of pictures blocked the event loop for a third of a
second.
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
"""Bytes or characters above which serializing takes more than a few milliseconds."""
_JSON = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)
T = TypeVar("T")
_OPENAI = "api.openai.com"
_AZURE_DEPLOYMENT = re.compile(r"^https?://[^/]*\.azure\.com(?::\d+)?/openai/deployments/", re.IGNORECASE)
_NONE = "none"
ERROR_TIMEOUT_S = 10.0
"""How long to read the body of an error response."""
_AMBIENT = "OPENAI_CUSTOM_HEADERS"
"""Lines of ``name: value`` that openai's client adds to every request."""


async def run_in_thread_if_large(messages: Sequence[Message], make: Callable[[], T]) -> T:
    """Run `make`, in a thread if the messages carry many bytes of media."""
    held = sum(0 if isinstance(part, str) else len(part.data) for message in messages for part in message.parts)
    return await asyncio.to_thread(make) if held > MUCH else make()


def to_json(body: Mapping[str, object], errors: str = "strict") -> bytes:
    """Serialize to JSON in small steps if the body is large: one long step would hold the GIL even in a thread."""
    pieces = _JSON.iterencode(body) if is_large(body) else [_JSON.encode(body)]
    return b"".join(piece.encode(errors=errors) for piece in pieces)


def is_large(value: object) -> bool:
    """Whether the strings in a value add up to more than MUCH characters."""
    return _characters(value) > MUCH


def _characters(value: object) -> int:
    if isinstance(value, str):
        return len(value)
    if isinstance(value, Mapping):
        return sum(map(_characters, value.values()))
    return sum(map(_characters, value)) if isinstance(value, list | tuple) else 0


def make_client(base_url: str, api_key: str | None, *, silence: float, connect: float) -> openai.AsyncOpenAI:
    """Create a client; `silence` is the read timeout and `connect` the connect timeout, in seconds.

    It doesn't retry: that is the caller's job (see ``retrying``). Without a key no Authorization header is sent. A
    query string in the base URL is added to every request.
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
        """Serialize large bodies in a thread before openai builds the request on the event loop."""
        options = await super()._prepare_options(options)
        if isinstance(options.json_data, dict) and is_large((options.json_data, options.extra_json)):
            body = {**options.json_data, **(options.extra_json or {})}
            fields = {name: value for name, value in body.items() if not isinstance(value, openai.Omit)}
            options.json_data, options.extra_json = await asyncio.to_thread(to_json, fields), None
        return options


class _AzureKey:
    """Adds the ``api-key`` header that Azure's older endpoints expect, to its host only: redirects would leak it."""

    def __init__(self, host: str, key: str) -> None:
        self._host, self._key = host, key

    async def add(self, request: httpx2.Request) -> None:
        request.headers.pop("api-key", None)
        if request.url.host == self._host:
            request.headers["api-key"] = self._key


async def _without_key(request: httpx2.Request) -> None:
    """Remove the Authorization header that openai's client insists on."""
    request.headers.pop("Authorization", None)


async def _bounded(response: httpx2.Response) -> None:
    """Limit how much of an error body is read, in bytes and time, and treat a broken one as complete."""
    if response.is_error and isinstance(response.stream, httpx2.AsyncByteStream):
        response.stream = _Beginning(response.stream)


class _Beginning(httpx2.AsyncByteStream):
    """The beginning of a body: up to MOST_BYTES, ERROR_TIMEOUT_S or the first connection error."""

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
    """The names of the headers that openai's client would take from the environment."""
    lines = os.environ.get(_AMBIENT, "").split("\n")
    return ["OpenAI-Organization", "OpenAI-Project", *(line.partition(":")[0].strip() for line in lines if ":" in line)]
