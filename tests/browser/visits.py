"""What a test opens in the browser, watched for what no page of ours may do.

These are faults: an error on the console, an exception that nothing catches, and a request to anything but 127.0.0.1.
"""

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Error, Page, Request, WebError, WebSocket

HERE = "127.0.0.1"
INSIDE = frozenset({"about", "blob", "data"})
"""Schemes of what isn't requested from any server."""
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True, "device_scale_factor": 2}
PATIENCE_MS = 15_000
"""How long a test waits for what must come; a bot takes some seconds to start on a busy machine."""


def is_outside(url: str) -> bool:
    """Whether this is an address of another machine."""
    parts = urlsplit(url)
    return parts.scheme not in INSIDE and parts.hostname != HERE


class Visits:
    """Browser contexts, and the faults of their pages and frames; a test that provokes a fault clears them."""

    def __init__(self, browser: Browser) -> None:
        self.faults: list[str] = []
        self._browser = browser
        self._contexts: list[BrowserContext] = []

    def context(self, **options: Any) -> BrowserContext:
        """A new context, such as a private window; by default, on a large screen, in English and light colors."""
        settings = {"viewport": {"width": 1280, "height": 800}, "locale": "en-US", "color_scheme": "light"} | options
        context = self._browser.new_context(permissions=["microphone"], **settings)
        context.set_default_timeout(PATIENCE_MS)
        context.on("console", self._hear)
        context.on("weberror", self._catch)
        context.on("request", self._see)
        context.on("page", self._open)
        self._contexts.append(context)
        return context

    def page(self, **options: Any) -> Page:
        """A page of a new context."""
        return self.context(**options).new_page()

    def take_pictures(self, path: Path) -> None:
        """PNG files of all pages, whose names begin with the path."""
        pages = [page for context in self._contexts for page in context.pages]
        for number, page in enumerate(pages):
            try:
                page.screenshot(path=f"{path}-{number}.png")
            except Error as exc:  # it has crashed, or is closed
                print(f"no picture of {page.url}: {exc}")

    def close(self) -> None:
        for context in self._contexts:
            context.close()

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.faults.append(f"console: {message.text} ({message.location.get('url', '')})")

    def _catch(self, error: WebError) -> None:
        self.faults.append(f"exception: {error.error}")

    def _see(self, request: Request) -> None:
        if is_outside(request.url):
            self.faults.append(f"request: {request.url}")

    def _open(self, page: Page) -> None:
        page.on("websocket", self._connect)

    def _connect(self, socket: WebSocket) -> None:
        if is_outside(socket.url):
            self.faults.append(f"socket: {socket.url}")
