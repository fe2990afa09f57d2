"""Passing a request on to another model server, and its answer back, byte for byte."""

from collections.abc import AsyncIterator, Callable

import httpx
from starlette.types import Message

from sandbox.model.behaviour import Forward
from sandbox.model.request import ChatRequest

PATHS = {"chat": "/chat/completions", "responses": "/responses"}
"""The paths of the APIs that other servers have too."""
UNAVAILABLE = 503
TIMEOUT = httpx.Timeout(10, read=None)
"""A model may read for minutes before its first word; the client decides how long it waits."""


async def forwarded(
    forward: Forward, request: ChatRequest, otherwise: Callable[[], AsyncIterator[Message]]
) -> AsyncIterator[Message]:
    """The other server's answer, or `otherwise` if there is none at all.

    If it dies in the middle of an answer, the connection drops.
    """
    upstream = await forward.upstream()
    path = PATHS.get(request.api)
    if upstream is None or path is None:
        async for message in otherwise():  # only now, because a prompt that is answered is counted and cached
            yield message
        return
    headers = {"authorization": f"Bearer {upstream.key}", "content-type": "application/json"}
    started = False
    try:
        async with (
            httpx.AsyncClient(timeout=TIMEOUT, trust_env=False) as client,
            client.stream("POST", upstream.url + path, content=request.body, headers=headers) as answer,
        ):
            kind = answer.headers.get("content-type", "application/json").encode()
            yield {"type": "http.response.start", "status": answer.status_code, "headers": [(b"content-type", kind)]}
            started = True
            async for piece in answer.aiter_bytes():
                yield {"type": "http.response.body", "body": piece, "more_body": True}
    except httpx.HTTPError:
        if started:
            return
        yield {"type": "http.response.start", "status": UNAVAILABLE, "headers": []}
    yield {"type": "http.response.body", "body": b"", "more_body": False}
