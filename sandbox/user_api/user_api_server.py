"""The routes below /user: JSON in, JSON out, a refusal is one sentence. docs/sandbox.md describes them."""

import json
import mimetypes
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import PurePath
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.types import ASGIApp

from bot.loopback import LoopbackGuard
from sandbox import http
from sandbox.botapi.directory import Page
from sandbox.botapi.parameters import Arguments, array, integer, record, string
from sandbox.botapi.people import Chat, User
from sandbox.botapi.server_state import ServerState
from sandbox.botapi.wire import ApiError
from sandbox.http import Upload
from sandbox.user_api.acting import Acting, Refused
from sandbox.user_api.event_stream import EventStream
from sandbox.user_api.views import Views

if TYPE_CHECKING:
    from sandbox.botapi import BotApi

MOST_MESSAGES = 200
MOST_JSON = 1024 * 1024
MOST_FILES = 64 * 1024 * 1024
"""The most of a request with files, in bytes."""
SHOWN = ("image/png", "image/jpeg", "image/gif", "image/webp", "audio/ogg", "audio/mpeg", "video/mp4")
"""What a browser may show; anything else it saves, since a page among the files could do what this page can."""
Handler = Callable[[Request], Awaitable[object]]

_chat = record({"type": string}, {"title": string, "people": array(string)})
_topic = record({"name": string}, {"as": string})
_said = record({"as": string, "text": string}, {"reply_to": integer, "quote": string, "topic": integer})
_edited = record({"as": string, "text": string})
_pressed = record({"as": string, "button": integer})
_reacted = record({"as": string, "emoji": string})
_stopped = record({"as": string})
_membership = record({"as": string, "status": string})
_files = record({"as": string, "kind": string}, {"caption": string, "reply_to": integer, "topic": integer})


def guarded(api: "BotApi", state: ServerState, token: str) -> ASGIApp:
    """The API, for those who have the token."""
    return LoopbackGuard(Starlette(routes=_UserApi(api, state).routes()), token)


class _UserApi:
    def __init__(self, api: "BotApi", state: ServerState) -> None:
        self._api = api
        self._state = state
        self._views = Views(state)
        self._acting = Acting(api, state, self._views)
        self._events = EventStream(state, self._views)

    def routes(self) -> Sequence[BaseRoute]:
        chat, message = "/chats/{chat}", "/chats/{chat}/messages/{message}"
        return [
            _route("/state", "GET", self._read_state),
            _route("/chats", "POST", self._add_chat),
            _route(f"{chat}/topics", "POST", self._add_topic),
            _route(f"{chat}/messages", "GET", self._messages),
            _route(f"{chat}/messages", "POST", self._say),
            _route(f"{chat}/files", "POST", self._send_files),
            _route(message, "PATCH", self._edit),
            _route(message, "DELETE", self._delete),
            _route(f"{message}/press", "POST", self._press),
            _route(f"{message}/reaction", "POST", self._react),
            _route(f"{chat}/stop", "POST", self._stop),
            _route(f"{chat}/membership", "POST", self._set_membership),
            _route(f"{chat}/commands", "GET", self._commands),
            _route("/files/{file}", "GET", self._file),
            WebSocketRoute("/events", self._events.serve),
        ]

    async def _read_state(self, _: Request) -> object:
        return self._views.state()

    async def _add_chat(self, request: Request) -> object:
        args = await _json(request, _chat)
        return self._acting.add_chat(args.string("type"), args.string("title").strip(), args.strings("people"))

    async def _add_topic(self, request: Request) -> object:
        args = await _json(request, _topic)
        return self._acting.add_topic(self._chat(request), args.string("name").strip())

    async def _messages(self, request: Request) -> object:
        before, after, topic = (_number(request, name) for name in ("before", "after", "topic"))
        limit = _number(request, "limit")
        page = Page(MOST_MESSAGES if limit is None else max(1, min(limit, MOST_MESSAGES)), before, after, topic)
        return self._views.page(self._chat(request).id, page)

    async def _say(self, request: Request) -> object:
        args = await _json(request, _said)
        reply_to, topic = args.number_or_none("reply_to"), args.number_or_none("topic")
        chat, user = self._chat(request), self._user(args)
        return await self._acting.say(chat, user, args.string("text"), reply_to, args.string("quote"), topic)

    async def _send_files(self, request: Request) -> object:
        try:
            form = http.form_parts(request.headers.get("content-type", ""), await _body(request, MOST_FILES))
        except UnicodeDecodeError as exc:
            raise ValueError("The text is not UTF-8.") from exc
        uploads = [value for _, value in form if isinstance(value, Upload)]
        args = _read(_files, {name: value for name, value in form if not isinstance(value, Upload)})
        place = {"reply_to": args.number_or_none("reply_to"), "topic": args.number_or_none("topic")}
        chat, user = self._chat(request), self._user(args)
        kind, caption = args.string("kind"), args.string("caption")
        return {"messages": await self._acting.send_files(chat, user, kind, uploads, caption, **place)}

    async def _edit(self, request: Request) -> object:
        args = await _json(request, _edited)
        return await self._acting.edit(
            self._chat(request), self._user(args), _path_number(request, "message"), args.string("text")
        )

    async def _delete(self, request: Request) -> object:
        user = self._acting.person(request.query_params.get("as", ""))
        await self._acting.delete(self._chat(request), user, _path_number(request, "message"))
        return {}

    async def _press(self, request: Request) -> object:
        args = await _json(request, _pressed)
        chat, user = self._chat(request), self._user(args)
        return self._acting.press(chat, user, _path_number(request, "message"), args.integer("button"))

    async def _react(self, request: Request) -> object:
        args = await _json(request, _reacted)
        chat, user = self._chat(request), self._user(args)
        await self._acting.react(chat, user, _path_number(request, "message"), args.string("emoji"))
        return {}

    async def _stop(self, request: Request) -> object:
        args = await _json(request, _stopped)
        await self._acting.stop(self._chat(request), self._user(args))
        return {}

    async def _set_membership(self, request: Request) -> object:
        args = await _json(request, _membership)
        return await self._acting.set_membership(self._chat(request), self._user(args), args.string("status"))

    async def _commands(self, request: Request) -> object:
        user = self._acting.person(request.query_params.get("as", ""))
        return self._views.commands(self._chat(request).id, user.id)

    async def _file(self, request: Request) -> object:
        number = request.path_params["file"]
        found = self._state.files.file(number)
        content = self._state.files.content(str(found["file_path"])) if found else None
        if found is None or content is None:
            raise LookupError(f"there is no file {number}")
        name = request.query_params.get("name") or PurePath(str(found["file_path"])).name
        return _file_response(content, name)

    def _chat(self, request: Request) -> Chat:
        return self._api.chat(_path_number(request, "chat"))

    def _user(self, args: Arguments) -> User:
        return self._acting.person(args.string("as"))


def _file_response(content: bytes, name: str) -> Response:
    mime = mimetypes.guess_type(name)[0] or "application/octet-stream"
    headers = {"Content-Security-Policy": "sandbox; default-src 'none'", "Cache-Control": "private, max-age=86400"}
    if mime not in SHOWN:
        headers["Content-Disposition"] = "attachment"
    return Response(content, media_type=mime, headers=headers)


def _route(path: str, method: str, handler: Handler) -> Route:
    """A route whose result is sent as JSON, and whose refusals are sentences."""

    async def handle(request: Request) -> Response:
        try:
            result = await handler(request)
        except ApiError as exc:
            return _json_response({"error": exc.description}, exc.code)
        except ValueError as exc:
            return _json_response({"error": str(exc)}, 400)
        except LookupError as exc:
            return _json_response({"error": str(exc.args[0] if exc.args else "not found")}, 404)
        except Refused as exc:
            return _json_response({"error": str(exc)}, 409)
        except ClientDisconnect:
            return Response(status_code=400)
        return result if isinstance(result, Response) else _json_response(result)

    return Route(path, handle, methods=[method])


def _json_response(value: object, code: int = 200) -> Response:
    return Response(json.dumps(value), code, media_type="application/json")


async def _json(request: Request, fields: Callable[[object, str], object]) -> Arguments:
    try:
        found = json.loads(await _body(request, MOST_JSON))
    except (ValueError, RecursionError) as exc:
        raise ValueError("The body must be JSON.") from exc
    return _read(fields, found)


def _read(fields: Callable[[object, str], object], given: Mapping[str, object]) -> Arguments:
    found = fields(given, "the body")
    assert isinstance(found, dict)
    return Arguments(found)


async def _body(request: Request, most: int) -> bytes:
    parts, size = [], 0
    async for part in request.stream():
        parts.append(part)
        size += len(part)
        if size > most:
            raise ApiError(413, f"A request has at most {most // 1024 // 1024} MB.")
    return b"".join(parts)


def _number(request: Request, name: str) -> int | None:
    given = request.query_params.get(name, "")
    return integer(given, name) if given else None


def _path_number(request: Request, name: str) -> int:
    """A number in the path, which may be negative."""
    return integer(request.path_params[name], name)
