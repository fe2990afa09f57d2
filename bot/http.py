"""HTTP: the certificates that all clients share, and the bot's own server for health checks and webhooks."""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

LAST_REQUESTS_S = 5
"""How long requests in progress may take on shutdown."""


@cache
def trust() -> ssl.SSLContext:
    """The trusted certificates, loaded once: each client would load its own, for 20 ms and 0.8 MB."""
    return httpx.create_ssl_context()


def health_route(healthy: Callable[[], Awaitable[bool]]) -> Route:
    """GET /healthz: 200 while the database answers, else 503. A bot that can't receive updates isn't running at all."""

    async def health(_: Request) -> Response:
        return PlainTextResponse("ok") if await healthy() else PlainTextResponse("unwell", status_code=503)

    return Route("/healthz", health, methods=["GET"])


async def serve(routes: Sequence[Route], listener: socket.socket) -> None:
    """Serve the routes on an open socket until cancelled."""
    config = uvicorn.Config(
        Starlette(routes=routes),
        log_config=None,
        access_log=False,
        lifespan="off",
        timeout_graceful_shutdown=LAST_REQUESTS_S,
    )
    server = _Server(config)
    serving = asyncio.create_task(server.serve([listener]), name="uvicorn")
    try:
        await asyncio.shield(serving)
    finally:
        server.should_exit = True
        await serving


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers: the application has its own."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals alone."""
        yield
