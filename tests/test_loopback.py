"""The guard of pages on loopback, before a real server: who gets in, and what the others are told."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from bot.loopback import LoopbackGuard, new_token
from sandbox.http import serve

TOKEN = new_token()
OPENED = {"Sec-Fetch-Dest": "document", "Sec-Fetch-Site": "none"}
BEARER = {"Authorization": f"Bearer {TOKEN}"}


async def _page(request: Request) -> Response:
    return PlainTextResponse(f"{request.method} {request.url.query}")


async def _echo(socket: WebSocket) -> None:
    await socket.accept()
    await socket.send_text(await socket.receive_text())


@dataclass(frozen=True)
class Page:
    """A guarded page, and a browser without cookies."""

    url: str
    browser: httpx.AsyncClient

    @property
    def port(self) -> int:
        return urlsplit(self.url).port or 0

    @property
    def cookie(self) -> dict[str, str]:
        return {"Cookie": f"other=1; keepsake-{self.port}={TOKEN}"}

    async def status(self, path: str = "/", method: str = "GET", **headers: str) -> int:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return (await self.browser.request(method, path, headers=named)).status_code

    async def talk(self, path: str = "/socket", **headers: str) -> str:
        """What a WebSocket says, or why it was refused."""
        origin = headers.pop("Origin", None)
        address = f"ws://127.0.0.1:{self.port}{path}"
        try:
            async with connect(address, additional_headers=headers, origin=origin, proxy=None) as socket:  # type: ignore[arg-type]  # any text
                await socket.send("hello")
                return str(await socket.recv())
        except InvalidStatus as exc:
            return f"{exc.response.status_code}: {bytes(exc.response.body or b'').decode()}"


@pytest.fixture
async def page() -> AsyncIterator[Page]:
    routes = [Route("/{path:path}", _page, methods=["GET", "POST"]), WebSocketRoute("/socket", _echo)]
    app = LoopbackGuard(Starlette(routes=routes), TOKEN, open_paths=["/scripts/"])
    async with serve(app, websockets=True) as url, httpx.AsyncClient(base_url=url, trust_env=False) as browser:
        yield Page(url, browser)


async def test_wrong_or_missing_token_is_refused(page: Page) -> None:
    refused = await page.browser.get("/")
    assert refused.status_code == 403
    assert refused.text.startswith("The token is missing or wrong: open the address as it was printed")
    wrong = ["/?token=", f"/?token={TOKEN}x", "/?token=%ff", f"/?Token={TOKEN}"]
    assert [await page.status(path) for path in wrong] == [403] * len(wrong)
    assert await page.status(Authorization="Bearer no") == 403
    assert await page.status(Authorization=f"Basic {TOKEN}") == 403
    assert await page.status(Cookie=f"keepsake-{page.port}=no") == 403
    assert await page.status(Cookie=f"keepsake-1={TOKEN}") == 403


async def test_token_opens_in_all_three_places(page: Page) -> None:
    assert await page.status(f"/?token={TOKEN}") == 200
    assert await page.status(**BEARER) == 200
    assert await page.status(**page.cookie) == 200
    assert await page.status(method="POST", **BEARER) == 200


async def test_rebound_host_is_refused(page: Page) -> None:
    for host in ("example.com", f"example.com:{page.port}", "127.0.0.1", f"127.0.0.1:{page.port + 1}", ""):
        refused = await page.browser.get("/", headers=BEARER | {"Host": host})
        assert (refused.status_code, refused.text) == (403, f"This address is for {page.url} only.\n")
    assert await page.status(Host=f"LocalHost:{page.port}", **BEARER) == 200


async def test_foreign_origin_is_refused(page: Page) -> None:
    port = page.port
    for origin in ("https://example.com", "null", f"http://localhost:{port}", f"http://127.0.0.1:{port + 1}", ""):
        refused = await page.browser.post("/", headers=BEARER | {"Origin": origin})
        assert (refused.status_code, refused.text) == (403, "A page of another origin can't use this one.\n")
        assert await page.status(Origin=origin, **page.cookie) == 403
    assert await page.status(method="POST", Origin=page.url, **page.cookie) == 200


async def test_cookie_alone_changes_nothing(page: Page) -> None:
    """Without an Origin, a form of another port's page could come with the cookie."""
    assert await page.status(method="POST", **page.cookie) == 403
    assert (await page.talk(**page.cookie)).startswith("403: The browser has not said which page this comes from")


async def test_websockets_are_guarded_as_well(page: Page) -> None:
    assert await page.talk(f"/socket?token={TOKEN}") == "hello"
    assert await page.talk(**BEARER) == "hello"
    assert await page.talk(Origin=page.url, **page.cookie) == "hello"
    assert (await page.talk()).startswith("403: The token is missing")
    assert (await page.talk(Origin=page.url)).startswith("403: The token is missing")
    refused = await page.talk(f"/socket?token={TOKEN}", Origin="http://example.com")
    assert refused.startswith("403: A page of another origin")


async def test_rebound_websocket_is_refused(page: Page) -> None:
    raw = f"GET /socket?token={TOKEN} HTTP/1.1\r\nHost: example.com:{page.port}\r\nUpgrade: websocket\r\n"
    key = "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    reader, writer = await asyncio.open_connection("127.0.0.1", page.port)
    writer.write((raw + key).encode())
    answer = await reader.read()
    assert answer.startswith(b"HTTP/1.1 403")
    assert f"This address is for {page.url} only.".encode() in answer
    writer.close()


async def test_first_visit_sets_the_cookie(page: Page) -> None:
    opened = await page.browser.get(f"/a?chat=1&token={TOKEN}&topic=", headers=OPENED)
    assert (opened.status_code, opened.headers["location"]) == (303, "/a?chat=1&topic=")
    assert "HttpOnly" in opened.headers["set-cookie"]
    assert "SameSite=strict" in opened.headers["set-cookie"]
    again = await page.browser.get("/a?chat=1&topic=")
    assert (again.status_code, again.text) == (200, "GET chat=1&topic=")
    assert "set-cookie" not in again.headers


async def test_redirect_stays_on_this_host(page: Page) -> None:
    opened = await page.browser.get(f"{page.url}//example.com/?token={TOKEN}", headers=OPENED)
    assert opened.headers["location"] == "/example.com/"


@pytest.mark.parametrize(("name", "value"), [("Sec-Fetch-Dest", "iframe"), ("Sec-Fetch-Site", "cross-site")])
async def test_framed_page_keeps_its_token(page: Page, name: str, value: str) -> None:
    framed = await page.browser.get(f"/?token={TOKEN}", headers=OPENED | {name: value})
    assert (framed.status_code, framed.text) == (200, f"GET token={TOKEN}")


async def test_only_named_origin_may_frame(page: Page) -> None:
    assert (await page.browser.get("/", headers=BEARER)).headers["content-security-policy"] == "frame-ancestors 'none'"
    app = LoopbackGuard(_raw_page, TOKEN, frame="http://127.0.0.1:1")
    async with serve(app, websockets=True) as url:
        shown = await page.browser.get(url, headers=BEARER)
    assert shown.headers.get_list("content-security-policy") == [
        "default-src 'self'",
        "frame-ancestors http://127.0.0.1:1",
    ]


async def _raw_page(scope: Scope, receive: Receive, send: Send) -> None:
    await PlainTextResponse("", headers={"Content-Security-Policy": "default-src 'self'"})(scope, receive, send)


async def test_open_paths_need_no_token(page: Page) -> None:
    assert await page.status("/scripts/a.js") == 200
    assert await page.status("/scripts/a.js", Host="example.com") == 403
    assert await page.status("/scripts/a.js", method="POST") == 403
    assert await page.status("/scripts") == 403
