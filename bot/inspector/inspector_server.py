"""Serves the inspector on loopback until Ctrl-C. It only reads the database, which a running bot may be using."""

import asyncio
import signal
import socket
import webbrowser
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from importlib import resources
from pathlib import Path

import nicegui
import uvicorn
from fastapi import FastAPI
from jinja2 import DictLoader
from nicegui import ui
from nicegui.client import templates
from starlette.middleware.base import RequestResponseEndpoint
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from bot.conversation.past_prompt import PastPrompts
from bot.conversation.tokens import make_counter
from bot.errors import StartError
from bot.inspector.answer_reader import AnswerReader
from bot.inspector.page import InspectorPage, PageServices
from bot.loopback import NO_FRAME, LoopbackGuard, new_token
from bot.pricing import Amount
from bot.settings import Settings
from bot.wiring.limits import Prices, known_profiles
from bot.wiring.persistence import open_to_read
from storage import Storage
from storage.records import Usage
from storage.storage_errors import StorageError

HOST = "127.0.0.1"
SHARED = "/_nicegui/"
"""Scripts and styles, which are the same for everyone."""
POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-eval' 'nonce-{nonce}'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; font-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'none'"
)
"""Nothing is loaded from elsewhere, or sent there."""
ADDRESS = """<script nonce="%s">
function keepsakeAddress(query) {
  const wanted = new URLSearchParams(query), token = new URLSearchParams(location.search).get("token");
  if (token) wanted.set("token", token);
  history.replaceState(history.state, "", "?" + wanted);
}
</script>"""
"""The address names what is shown, and keeps the token where it has one."""


async def inspect(
    settings: Settings, port: int, frame: str | None, announce: Callable[[str], None], *, opens: bool
) -> None:
    """Serve until the process ends; `announce` is given the address. Raises StartError.

    `port` 0: any that is free. `frame`: the origin whose pages may show this one in a frame.
    """
    async with AsyncExitStack() as stack:
        storage = await open_to_read(settings, stack)
        listener = stack.enter_context(_listener(port))
        token = new_token()
        services = await _services(settings, storage)
        app = LoopbackGuard(_app(services), token, open_paths=(SHARED,), frame=frame or NO_FRAME)
        config = uvicorn.Config(app, log_config=None, access_log=False, timeout_graceful_shutdown=1)
        address = f"http://{HOST}:{listener.getsockname()[1]}/?token={token}"
        announce(f"{address}\n")
        if opens:
            await asyncio.to_thread(webbrowser.open, address)
        await _PageServer(config).serve([listener])


class _PageServer(uvicorn.Server):
    """Ends on a signal. uvicorn would raise it again afterwards, which cancels what is still to be closed."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Shut down on the first signal, without waiting for open requests on the second."""
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, self.handle_exit, number, None)
        yield


def _listener(port: int) -> socket.socket:
    try:
        return socket.create_server((HOST, port))
    except (OSError, OverflowError) as exc:
        raise StartError(f"--port: the inspector can't listen on {HOST}:{port}: {exc}") from exc


async def _services(settings: Settings, storage: Storage) -> PageServices:
    count_tokens = await asyncio.to_thread(make_counter, settings.openai_model)
    prompts = PastPrompts(storage, settings.system_prompt, count_tokens, settings.zone)
    prices = Prices(known_profiles(settings), settings, (), settings.cache_markers == "on")

    def priced(model: str, usage: Usage) -> Amount | None:
        price = prices.of(model)
        if price is None:
            return None
        fresh = max(0, usage.input - usage.cached - usage.written)
        return Amount(price.of(fresh, usage.cached, usage.written, usage.output, usage.audio), price.currency)

    return PageServices(storage, AnswerReader(storage, prompts, count_tokens), priced, settings.zone)


def _app(services: PageServices) -> FastAPI:
    app, nonce = FastAPI(openapi_url=None), _nonce()
    style = resources.files("bot.inspector").joinpath("style.css").read_text(encoding="utf-8")

    @ui.page("/", response_timeout=30)
    async def page(chat: str = "", topic: str = "", message: str = "") -> None:
        ui.add_head_html(f"<style>{style}</style>{ADDRESS % nonce}")
        try:
            await InspectorPage(services).start(chat, topic, message)
        except StorageError as exc:
            ui.label(f"The database can't be read: {exc}").classes("hint").props("role=alert data-testid=unreadable")

    async def medium(request: Request) -> Response:
        found = await services.storage.media.described(request.path_params["hash"])
        if found is None:
            return PlainTextResponse("It was forgotten.", 404)
        kind, data = found
        headers = {"content-security-policy": "sandbox; default-src 'none'", "cache-control": "no-store"}
        return Response(data, media_type=kind, headers=headers)

    @app.middleware("http")
    async def restrict(request: Request, call_next: RequestResponseEndpoint) -> Response:
        response = await call_next(request)
        response.headers.append("content-security-policy", POLICY.format(nonce=nonce))
        return response

    app.add_route("/media/{hash}", medium, methods=["GET"])
    ui.run_with(
        app,
        title="Keepsake inspector",
        favicon="🔍",
        dark=None,
        language="en-US",
        tailwind=False,
        show_welcome_message=False,
    )
    return app


def _nonce() -> str:
    """A nonce that NiceGUI's own inline scripts carry from now on, so that no other inline script ever runs."""
    nonce = new_token()
    source = (Path(nicegui.__file__).parent / "templates" / "index.html").read_text(encoding="utf-8")
    templates.env.loader = DictLoader({"index.html": source.replace("<script", f'<script nonce="{nonce}"')})
    return nonce
