"""GET /healthz, /readyz and /metrics.

- ``/healthz`` is for what restarts the bot: it fails when the event loop, the lanes or the database file hang, and not
  when Telegram, the model or PostgreSQL can't be reached, which no restart mends.
- ``/readyz`` is for people and monitors: it fails until the database is migrated, while Telegram can't be reached or
  refuses every poll, while PostgreSQL can't be reached, while no model server answers, and during the shutdown.
- ``/metrics`` is for Prometheus: with a token if there is one, otherwise for this machine only, and with a webhook,
  which has a proxy in front of it, for nobody.

The first two say nothing but the names of what fails. They are served from the start on, also during a migration.
"""

import asyncio
import hmac
from collections.abc import Awaitable, Callable, Sequence
from ipaddress import ip_address

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from bot.metrics import MODEL_REACHED, TELEGRAM_REACHED

CHECK_S = 5.0
"""How long one check may take, in seconds; longer counts as failed."""
FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip", "x-forwarded-host", "via")
"""Headers by which a proxy reveals itself: its requests come from this machine, but not their senders."""

Check = Callable[[], Awaitable[bool]]


async def not_yet() -> bool:
    """The check of a part that hasn't been started."""
    return False


class Health:
    """The bot's HTTP routes; the checks are added as the start proceeds."""

    def __init__(self, token: str | None, *, proxied: bool = False) -> None:
        """`token`: what /metrics requires; None: it is only for requests from this machine.

        `proxied`: requests are passed on by a proxy, as those of a webhook are. They may all seem to come from this
        machine, so without a token /metrics is for nobody.
        """
        self._token = token
        self._proxied = proxied
        self._alive: dict[str, Check] = {}
        self._ready: dict[str, Check] = dict.fromkeys(("migration", "telegram", "model"), not_yet)
        routes = (("/healthz", self._healthz), ("/readyz", self._readyz), ("/metrics", self._metrics))
        ways = [(f"{path}{end}", handler) for path, handler in routes for end in ("", "/")]
        self.app = Starlette(routes=[Route(path, handler, methods=["GET"]) for path, handler in ways])

    def add_routes(self, routes: Sequence[Route]) -> None:
        """Serve these on the same port."""
        router = self.app.router
        router.routes.extend(routes)

    def watch_database(self, answers: Check, *, remote: bool) -> None:
        """The database is migrated and open; `remote`: it is on a server, which no restart of the bot mends."""
        (self._ready if remote else self._alive)["database"] = answers
        self._ready["migration"] = _passed

    def watch_lanes(self, moving: Check) -> None:
        """The lanes are at work."""
        self._alive["lanes"] = moving

    def watch_telegram(self, reached: Check) -> None:
        """Updates are being received."""
        self._ready["telegram"] = reached

    def watch_sharing(self, ready: Check) -> None:
        """The bot receives updates until it shuts down; of several processes, each may be cut off from the others."""
        self._ready["process"] = ready

    def watch_model(self, reached: Check) -> None:
        """The model servers are connected."""
        self._ready["model"] = reached

    async def _healthz(self, _: Request) -> Response:
        failed = await _failed(self._alive)
        return _response("ok" if not failed else f"unwell: {', '.join(failed)}", ok=not failed)

    async def _readyz(self, _: Request) -> Response:
        failed = await _failed(self._ready)
        return _response("ready" if not failed else f"not ready: {', '.join(failed)}", ok=not failed)

    async def _metrics(self, request: Request) -> Response:
        if not self._may_read(request):
            return PlainTextResponse("for this machine only, or with METRICS_TOKEN", status_code=403)
        failed = await _failed(self._ready)
        TELEGRAM_REACHED.set("telegram" not in failed)
        MODEL_REACHED.set("model" not in failed)
        return Response(generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    def _may_read(self, request: Request) -> bool:
        if self._token is not None:
            given = request.headers.get("Authorization", "")
            return hmac.compare_digest(given.encode(), f"Bearer {self._token}".encode())
        return not self._proxied and _is_loopback(request) and not any(name in request.headers for name in FORWARDED)


async def _passed() -> bool:
    return True


async def _failed(checks: dict[str, Check]) -> list[str]:
    """The names of the checks that fail, or take too long."""
    checks = dict(checks)  # some are added as the start proceeds
    passed = await asyncio.gather(*(_in_time(check) for check in checks.values()))
    return [name for name, fine in zip(checks, passed, strict=True) if not fine]


async def _in_time(check: Check) -> bool:
    try:
        async with asyncio.timeout(CHECK_S):
            return await check()
    except TimeoutError:
        return False


def _is_loopback(request: Request) -> bool:
    try:
        address = ip_address(request.client.host if request.client is not None else "")
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return bool((mapped or address).is_loopback)


def _response(text: str, *, ok: bool) -> Response:
    return PlainTextResponse(text, status_code=200 if ok else 503)
