"""A Bot API server that does what it is told: it takes everything, or refuses what a test scripts."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email.parser import BytesParser
from email.policy import HTTP
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from telegram import Bot
from telegram.request import HTTPXRequest

from bot.outbound.content import Destination
from bot.outbound.delivery import Deliverer
from bot.outbound.flood_control import FloodControl
from bot.outbound.formatting import ReplyFormat
from bot.outbound.preview import PreviewTiming
from bot.outbound.refusals import Features
from sandbox.http import serve

SPEED = 1000
"""How much faster than ours the pacer's clock runs."""
QUICK = PreviewTiming(draft_gap=0.01, edit_gap=0.01, edit_growth=1.0, keep_alive=0.05, typing=0.03)
PRIVATE = Destination(7, private=True)
GROUP = Destination(-7, private=False, reply_to=3)
RICH = ("sendRichMessage", "sendRichMessageDraft")
BEFORE_DRAFTS = (*RICH, "sendMessageDraft")


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that arrived."""

    name: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Call:
    """A request that arrived."""

    method: str
    fields: dict[str, str]
    files: dict[str, Upload] = field(default_factory=dict)

    @property
    def html(self) -> str:
        return str(json.loads(self.fields["rich_message"])["html"])

    @property
    def text(self) -> str:
        return self.fields["text"]


@dataclass(slots=True)
class BotApi:
    """The server's script and its record."""

    unknown: tuple[str, ...] = ()
    """Methods that this server is too old for."""
    calls: list[Call] = field(default_factory=list)
    slowness: float = 0.0
    _refusals: dict[str, list[tuple[int, dict[str, object]]]] = field(default_factory=dict)

    def refuse(self, method: str, code: int, description: str, times: int = 1, **parameters: int) -> None:
        """Answer the next calls of a method with an error."""
        body = {"ok": False, "error_code": code, "description": description, "parameters": parameters}
        self._refusals.setdefault(method, []).extend([(code, body)] * times)

    def of(self, *methods: str) -> list[Call]:
        return [call for call in self.calls if call.method in methods]

    @property
    def methods(self) -> list[str]:
        return [call.method for call in self.calls]

    async def answer(self, request: Request) -> JSONResponse:
        method = request.path_params["method"]
        fields, files = await _read(request)
        if method == "getMe":
            return _ok({"id": 1, "is_bot": True, "first_name": "Bot", "username": "bot"})
        call = Call(method, fields, files)
        self.calls.append(call)
        number = len(self.calls)
        await asyncio.sleep(self.slowness)
        if method in self.unknown:
            return _error(404, "Not Found: method not found")
        if scripted := self._refusals.get(method):
            code, body = scripted.pop(0)
            return JSONResponse(body, code)
        if method == "editMessageText" and "sendRichMessage" in self.unknown and "text" not in call.fields:
            return _error(400, "Bad Request: message text is empty")
        sent = {"message_id": 100 + number, "date": 0, "chat": {"id": int(call.fields["chat_id"]), "type": "private"}}
        return _ok(True if method.startswith(("delete", "sendChat")) or method.endswith("Draft") else sent)


async def _read(request: Request) -> tuple[dict[str, str], dict[str, Upload]]:
    """The fields and the files of a request; a form with files is built like a mail."""
    body, content_type = await request.body(), request.headers.get("content-type", "")
    if not content_type.startswith("multipart/"):
        return dict(parse_qsl(body.decode(), keep_blank_values=True)), {}
    fields, files = dict[str, str](), dict[str, Upload]()
    form = BytesParser(policy=HTTP).parsebytes(f"Content-Type: {content_type}\r\n\r\n".encode() + body)
    for part in form.iter_parts():
        name, data = str(part.get_param("name", header="content-disposition")), part.get_payload(decode=True)
        assert isinstance(data, bytes)
        if (filename := part.get_filename()) is None:
            fields[name] = data.decode()
        else:
            files[name] = Upload(filename, data)
    return fields, files


def _ok(result: object) -> JSONResponse:
    return JSONResponse({"ok": True, "result": result})


def _error(code: int, description: str) -> JSONResponse:
    return JSONResponse({"ok": False, "error_code": code, "description": description}, code)


class _Told(FloodControl):
    def __init__(self, clock: Callable[[], float], sleep: Callable[[float], Awaitable[None]]) -> None:
        super().__init__(clock, sleep)
        self.halts: list[float] = []

    def halt(self, to: Destination, seconds: float) -> None:
        self.halts.append(seconds)
        super().halt(to, seconds)


@dataclass(frozen=True, slots=True)
class Line:
    """A sender that is connected to the double."""

    api: BotApi
    sender: Deliverer
    features: Features
    flood_control: FloodControl
    halts: list[float]
    """How long the pacer was told to wait each time, in its own seconds."""
    now: Callable[[], float]
    """The pacer's clock."""


@asynccontextmanager
async def connected(*unknown: str, patience: float = 5.0, reply_format: ReplyFormat = "auto") -> AsyncIterator[Line]:
    api, features, loop = BotApi(unknown), Features(), asyncio.get_running_loop()

    async def sleep(seconds: float) -> None:
        await asyncio.sleep(seconds / SPEED)

    def now() -> float:
        return loop.time() * SPEED

    flood_control = _Told(now, sleep)
    app = Starlette(routes=[Route("/bot1:x/{method}", api.answer, methods=["POST"])])
    request = HTTPXRequest(read_timeout=patience)
    async with serve(app) as url, Bot("1:x", base_url=f"{url}/bot", request=request) as bot:
        yield Line(
            api,
            Deliverer(bot, flood_control, features, QUICK, reply_format),
            features,
            flood_control,
            flood_control.halts,
            now,
        )
