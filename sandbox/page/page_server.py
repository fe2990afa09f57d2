"""Serves the page on loopback: NiceGUI's pages, and the files that are sent and shown.

Nothing is loaded from elsewhere, which the Content-Security-Policy enforces. NiceGUI makes functions of what it is sent
('unsafe-eval'); its inline scripts carry a nonce, so that no other inline script and no handler in a message ever runs.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import nicegui
from fastapi import FastAPI
from jinja2 import DictLoader
from nicegui import ui
from nicegui.client import templates
from starlette.middleware.base import RequestResponseEndpoint
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from bot.loopback import LoopbackGuard, new_token
from sandbox.http import serve
from sandbox.page.hub import Hub
from sandbox.page.messenger import Messenger
from sandbox.page.transfers import Transfers
from sandbox.troubles import Troubles
from sandbox.user_api.client import UserClient
from sandbox.world import World

STYLE: Final = Path(__file__).with_name("page.css")
POLICY: Final = (
    "default-src 'self'; script-src 'self' 'unsafe-eval' 'nonce-{nonce}'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; media-src 'self' blob:; font-src 'self' data:; connect-src 'self' {socket}; "
    "frame-src {frames}; object-src 'none'; base-uri 'none'; form-action 'self'"
)


@asynccontextmanager
async def serve_page(world: World, port: int = 0) -> AsyncIterator[str]:
    """Serve while the block runs; yields the address with its token. NiceGUI allows one page in a process.

    Raises OSError if the port is taken.
    """
    client = UserClient(world.telegram_url, world.user_token)
    owners = {int(number) for number in world.environment.get("OWNER_IDS", "").split(",") if number.strip()}
    hub, troubles, token = Hub(client, owners), Troubles(world), new_token()
    app = FastAPI(openapi_url=None)
    transfers, nonce = Transfers(client), _nonce()
    app.add_route("/page.css", lambda _: FileResponse(STYLE), methods=["GET"])
    app.add_route("/files/{file_id}", transfers.download, methods=["GET"])
    app.add_route("/upload", transfers.upload, methods=["POST"])

    @ui.page("/", title="Keepsake sandbox", response_timeout=30)
    async def page(request: Request) -> None:
        query = request.query_params
        await Messenger(hub, world, troubles).start(query.get("chat", ""), query.get("as", ""))

    @app.middleware("http")
    async def restrict(request: Request, call_next: RequestResponseEndpoint) -> Response:
        response = await call_next(request)
        inspector = urlsplit(world.inspector_url)
        frames = f"{inspector.scheme}://{inspector.netloc}" if inspector.netloc else "http://127.0.0.1:*"
        policy = POLICY.format(nonce=nonce, socket=f"ws://{request.url.netloc}", frames=frames)
        response.headers.append("content-security-policy", policy)
        return response

    nicegui.app.config.quasar_config["loadingBar"] = {"skipHijack": True}  # it would run over the page at each upload
    ui.run_with(
        app,
        title="Keepsake sandbox",
        favicon="💬",
        dark=None,
        language="en-US",
        tailwind=False,
        binding_refresh_interval=0.5,
        gzip_middleware_factory=None,
        show_welcome_message=False,
    )
    await hub.load()
    serving = serve(LoopbackGuard(app, token), port=port, websockets=True)
    async with client, app.router.lifespan_context(app), serving as url:
        following = asyncio.create_task(hub.run(), name="page events")
        try:
            yield f"{url}/?token={token}"
        finally:
            following.cancel()
            with suppress(asyncio.CancelledError):
                await following


def _nonce() -> str:
    """A nonce that NiceGUI's own inline scripts carry from now on."""
    nonce = secrets.token_urlsafe()
    source = (Path(nicegui.__file__).parent / "templates" / "index.html").read_text(encoding="utf-8")
    templates.env.loader = DictLoader({"index.html": source.replace("<script", f'<script nonce="{nonce}"')})
    return nonce
