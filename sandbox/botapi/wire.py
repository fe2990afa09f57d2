"""Requests and responses of the Bot API over HTTP, with Telegram's own error codes and messages."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from sandbox import http

Json = dict[str, object]
"""A Telegram object in JSON."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call, answered `at` a time; `code` is 200 for success and 0 if it was dropped without an answer."""

    method: str
    params: Mapping[str, object]
    code: int
    at: float
    description: str = ""

    @property
    def ok(self) -> bool:
        """Whether the bot got a success response."""
        return self.code == 200


class ApiError(Exception):
    """The call is refused."""

    def __init__(
        self, code: int, description: str, retry_after: int | None = None, moved_to: int | None = None
    ) -> None:
        super().__init__(description)
        self.code = code
        self.description = description
        self.retry_after = retry_after
        self.moved_to = moved_to


def bad_request(reason: str) -> ApiError:
    """The call is wrong."""
    return ApiError(400, f"Bad Request: {reason}")


def forbidden(reason: str) -> ApiError:
    """The call isn't allowed here."""
    return ApiError(403, f"Forbidden: {reason}")


def conflict(reason: str) -> ApiError:
    """Another way of receiving updates is in use."""
    return ApiError(409, f"Conflict: {reason}")


def too_many_requests(retry_after: int) -> ApiError:
    """A flood limit was reached."""
    return ApiError(429, f"Too Many Requests: retry after {retry_after}", retry_after)


async def parameters(request: Request) -> Json:
    """The unchecked parameters of a call, from the query and a body in form or JSON encoding."""
    found: Json = dict(request.query_params)
    body = await request.body()
    content_type = request.headers.get("content-type", "")
    return found | _fields(content_type, body) if body else found


def _fields(content_type: str, body: bytes) -> Json:
    media_type = content_type.partition(";")[0].strip()
    if media_type == "application/json":
        return _json_object(body)
    try:
        if media_type == "application/x-www-form-urlencoded":
            return dict(parse_qsl(body.decode(), keep_blank_values=True))
        if media_type == "multipart/form-data":
            return dict(http.form_parts(content_type, body))
    except UnicodeDecodeError as exc:
        raise bad_request("strings must be encoded in UTF-8") from exc
    except ValueError as exc:
        raise bad_request(str(exc)) from exc
    raise bad_request(f"the sandbox does not read a body of type {media_type!r}")


def result(value: object) -> Response:
    """A successful response."""
    return JSONResponse({"ok": True, "result": value})


def refusal(error: ApiError) -> Response:
    """An error response."""
    body: Json = {"ok": False, "error_code": error.code, "description": error.description}
    parameters = {"retry_after": error.retry_after, "migrate_to_chat_id": error.moved_to}
    if given := {name: value for name, value in parameters.items() if value is not None}:
        body["parameters"] = given
    return JSONResponse(body, status_code=error.code)


class Dropped(Response):
    """Closes the connection before the answer: it announces one byte and never sends it."""

    async def __call__(self, _: Scope, __: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"1")]})


def _json_object(body: bytes) -> Json:
    try:
        found = json.loads(body)
    except ValueError as exc:
        raise bad_request("can't parse JSON object") from exc
    if not isinstance(found, dict):
        raise bad_request("the body must be a JSON object")
    return found
