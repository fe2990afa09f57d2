"""A load balancer: it passes each request to the next process in turn, and tries another one if that refuses."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from itertools import count

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.http import serve

TIMEOUT_S = 10.0
ROUNDS = 2
"""How often each process is tried, before the client is told to come again."""


@asynccontextmanager
async def balanced(ports: Sequence[int]) -> AsyncIterator[str]:
    """Serve while the block runs, for the processes at these ports of 127.0.0.1; yields the URL."""
    numbers = count()
    async with httpx.AsyncClient(timeout=TIMEOUT_S, trust_env=False) as client:

        async def forward(request: Request) -> Response:
            body = await request.body()
            headers = {name: value for name, value in request.headers.items() if name != "host"}
            for _ in range(ROUNDS * len(ports)):
                port = ports[next(numbers) % len(ports)]
                try:
                    answer = await client.post(
                        f"http://127.0.0.1:{port}{request.url.path}", content=body, headers=headers
                    )
                except httpx.HTTPError:
                    continue
                if not answer.is_server_error:
                    return Response(answer.content, status_code=answer.status_code)
            return Response(status_code=502)

        async with serve(Starlette(routes=[Route("/{path:path}", forward, methods=["POST"])])) as url:
            yield url
