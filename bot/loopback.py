"""Guards a page or an API on loopback, which every website and every program on this machine can reach.

A request must name this host (a website whose name was rebound to 127.0.0.1 names its own), come from this origin if
the browser states one, and have the token: in the address (`?token=...`), in a cookie that the first visit sets, or as
`Authorization: Bearer ...`. WebSockets are held to the same, and so must a cookie alone not change anything without an
Origin: pages of other ports are of the same site, so their requests carry the cookie.
"""

import secrets
from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HOSTS = ("127.0.0.1", "localhost")
READING = frozenset({"GET", "HEAD"})
NO_FRAME = "'none'"
TOKEN_BYTES = 24
WRONG_HOST = "This address is for http://{host} only."
WRONG_ORIGIN = "A page of another origin can't use this one."
NO_ORIGIN = "The browser has not said which page this comes from; send the token as Authorization: Bearer."
WRONG_TOKEN = "The token is missing or wrong: open the address as it was printed at the start, with ?token=..."  # noqa: S105 - a sentence


def new_token() -> str:
    """A random token, for one start of a program."""
    return secrets.token_urlsafe(TOKEN_BYTES)


@dataclass(frozen=True, slots=True)
class _Tokens:
    """Where a request has the right token."""

    address: bool
    cookie: bool
    header: bool


class LoopbackGuard:
    """The ASGI application `app`, for those who have the token.

    Requests below `open_paths` (scripts and styles that are the same for everyone) need no token. `frame` is the origin
    whose pages may show this one in a frame.
    """

    def __init__(self, app: ASGIApp, token: str, *, open_paths: Collection[str] = (), frame: str = NO_FRAME) -> None:
        self._app = app
        self._token = token.encode()
        self._open_paths = tuple(open_paths)
        self._policy = f"frame-ancestors {frame}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or answer it with 403 and a sentence."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        tokens = self._tokens(scope, headers)
        if refusal := self._refusal(scope, headers, tokens):
            await PlainTextResponse(refusal + "\n", status_code=403)(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._app(scope, receive, send)
        elif tokens.address and _is_navigation(scope, headers):
            response = RedirectResponse(_without_token(scope), status_code=303)
            await response(scope, receive, self._marked(scope, send, tokens))
        else:
            await self._app(scope, receive, self._marked(scope, send, tokens))

    def _refusal(self, scope: Scope, headers: Headers, tokens: _Tokens) -> str:
        """Why a request is refused; "" if it isn't."""
        port = scope["server"][1]
        hosts = [f"{host}:{port}" for host in HOSTS]
        named = headers.getlist("host")
        if len(named) != 1 or named[0].lower() not in hosts:
            return WRONG_HOST.format(host=hosts[0])
        origins = headers.getlist("origin")
        if any(origin.lower() != f"http://{named[0].lower()}" for origin in origins):
            return WRONG_ORIGIN
        reading = scope["type"] == "http" and scope["method"] in READING
        if reading and scope["path"].startswith(self._open_paths):
            return ""
        if not (tokens.address or tokens.cookie or tokens.header):
            return WRONG_TOKEN
        only_cookie = not (tokens.address or tokens.header)
        return NO_ORIGIN if only_cookie and not origins and not reading else ""

    def _tokens(self, scope: Scope, headers: Headers) -> _Tokens:
        kind, _, bearer = headers.get("authorization", "").partition(" ")
        cookies = cookie_parser("; ".join(headers.getlist("cookie")))
        return _Tokens(
            address=any(name == "token" and self._is_right(value) for name, value in _query(scope)),
            cookie=self._is_right(cookies.get(_cookie_name(scope), "")),
            header=kind.lower() == "bearer" and self._is_right(bearer.strip()),
        )

    def _is_right(self, token: str) -> bool:
        return secrets.compare_digest(token.encode(errors="replace"), self._token)

    def _marked(self, scope: Scope, send: Send, tokens: _Tokens) -> Send:
        """Adds headers to the response: who may frame it, and the cookie, after a first visit."""

        async def marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.append("content-security-policy", self._policy)
                headers.setdefault("referrer-policy", "same-origin")  # addresses have the token
                headers.setdefault("x-content-type-options", "nosniff")
                if tokens.address and not tokens.cookie:
                    headers.append("set-cookie", self._cookie(scope))
            await send(message)

        return marked

    def _cookie(self, scope: Scope) -> str:
        response = Response()
        response.set_cookie(_cookie_name(scope), self._token.decode(), httponly=True, samesite="strict")
        return response.headers["set-cookie"]


def _is_navigation(scope: Scope, headers: Headers) -> bool:
    """Whether the browser opens a page of its own, whose address can do without the token from now on.

    In a frame, the browser may withhold the cookie; and so it does once, if another site's page led here.
    """
    own = headers.get("sec-fetch-site") in ("none", "same-origin")
    return scope["method"] == "GET" and own and headers.get("sec-fetch-dest") == "document"


def _query(scope: Scope) -> list[tuple[str, str]]:
    return parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)


def _without_token(scope: Scope) -> str:
    rest = urlencode([(name, value) for name, value in _query(scope) if name != "token"])
    path = scope["raw_path"].decode("latin-1").lstrip("/")  # two slashes would name a host
    return f"/{path}" + (f"?{rest}" if rest else "")


def _cookie_name(scope: Scope) -> str:
    """Cookies are shared by all ports of a host."""
    return f"keepsake-{scope['server'][1]}"
