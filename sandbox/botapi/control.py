"""HTTP routes with which another process plays the users: a thin layer over the same actions."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import asdict
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.botapi.parameters import Arguments, integer, record, string
from sandbox.botapi.people import Chat, User
from sandbox.botapi.wire import ApiError, parameters

if TYPE_CHECKING:
    from sandbox.botapi.botapi_server import BotApi

Handler = Callable[[Request], Awaitable[Response]]

_said = record({"user": string, "text": string}, {"chat_id": integer, "reply_to": integer, "thread": integer})
_pressed = record({"user": string, "message_id": integer, "data": string}, {"chat_id": integer})


def routes(api: "BotApi") -> list[Route]:
    """The routes under /sandbox."""
    control = _Control(api)
    return [
        Route("/sandbox/messages", _plain(control.say), methods=["POST"]),
        Route("/sandbox/press", _plain(control.press), methods=["POST"]),
        Route("/sandbox/chats/{chat_id:int}/messages", _plain(control.messages), methods=["GET"]),
        Route("/sandbox/calls", _plain(control.calls), methods=["GET"]),
    ]


class _Control:
    def __init__(self, api: "BotApi") -> None:
        self._api = api

    async def say(self, request: Request) -> Response:
        """Let a user write, to the bot directly if no chat is named."""
        args = await _body(request, _said)
        user, chat = self._who_and_where(args)
        message = await user.say(
            chat, args.string("text"), args.number_or_none("reply_to"), args.number_or_none("thread")
        )
        return JSONResponse(asdict(message))

    async def press(self, request: Request) -> Response:
        """Let a user press a button."""
        args = await _body(request, _pressed)
        user, chat = self._who_and_where(args)
        query = await user.press(chat.message(args.integer("message_id")), args.string("data"))
        return JSONResponse({"callback_query_id": query})

    async def messages(self, request: Request) -> Response:
        """The chat's messages with larger ids and its draft; optionally waits for the first message."""
        chat = self._api.chat(request.path_params["chat_id"])
        after, wait = (_number(request, name) for name in ("after", "wait"))
        with suppress(TimeoutError):  # then there is none, and that is the answer
            await self._api.changed(lambda: bool(chat.after(after)), wait)
        draft = asdict(chat.draft) if chat.draft else None
        return JSONResponse({"messages": [asdict(message) for message in chat.after(after)], "draft": draft})

    async def calls(self, request: Request) -> Response:
        """The bot's calls from a position on."""
        after = _number(request, "after")
        return JSONResponse({"calls": [asdict(call) for call in self._api.calls[after:]]})

    def _who_and_where(self, args: Arguments) -> tuple[User, Chat]:
        user = self._api.user(args.string("user"))
        number = args.number_or_none("chat_id")
        return user, self._api.private(user) if number in (None, user.id) else self._api.chat(number or 0)


async def _body(request: Request, fields: Callable[[object, str], object]) -> Arguments:
    found = fields(await parameters(request), "the body")
    assert isinstance(found, dict)
    return Arguments(found)


def _number(request: Request, name: str) -> int:
    return integer(request.query_params.get(name, "0"), name)


def _plain(handler: Handler) -> Handler:
    """Wrap a handler so that refusals are a single sentence."""

    async def handle(request: Request) -> Response:
        try:
            return await handler(request)
        except ApiError as exc:
            return JSONResponse({"error": exc.description}, status_code=exc.code)
        except LookupError as exc:
            return JSONResponse({"error": str(exc)}, status_code=404)

    return handle
