"""The client of a model server.

Left alone, openai's client completes what it was given from the environment, which may be meant for other programs: a
key, an organisation, a project, headers of any kind. They are OpenAI's, so only OpenAI's own hosts are sent them.
"""

import os
from urllib.parse import urlsplit

import httpx2
import openai

from bot.trust import trust

_OPENAI = "api.openai.com"
_NONE = "none"
_AMBIENT = "OPENAI_CUSTOM_HEADERS"
"""Lines of "name: value" that the client adds to every request."""


def client(base_url: str, api_key: str | None, *, retries: int, silence: float, connect: float) -> openai.AsyncOpenAI:
    """A client that waits so long for the server to say something, and to take a connection, in seconds.

    Without a key it sends none.
    """
    timeout = openai.Timeout(silence, connect=connect)
    hooks = {} if api_key else {"request": [_without_key]}
    http = openai.DefaultAsyncHttpxClient(verify=trust(), timeout=timeout, event_hooks=hooks)
    headers = {} if _is_openais(base_url) else dict.fromkeys(_from_environment(), openai.Omit())
    return openai.AsyncOpenAI(
        base_url=base_url,
        api_key=api_key or _NONE,
        admin_api_key="",
        max_retries=retries,
        timeout=timeout,
        http_client=http,
        default_headers={**headers, "Authorization": f"Bearer {api_key or _NONE}"},  # type: ignore[dict-item]  # Omit is taken too
    )


async def _without_key(request: httpx2.Request) -> None:
    """Take off what the client insists on."""
    request.headers.pop("Authorization", None)


def _is_openais(base_url: str) -> bool:
    host = urlsplit(base_url).hostname or ""
    return host == _OPENAI or host.endswith(f".{_OPENAI}")


def _from_environment() -> list[str]:
    """The names of the headers that the client would take from there."""
    lines = os.environ.get(_AMBIENT, "").split("\n")
    return ["OpenAI-Organization", "OpenAI-Project", *(line.partition(":")[0].strip() for line in lines if ":" in line)]
