"""Failures that a server tells of inside of a stream that it began with 200, or in a body in the place of one."""

import json

from bot import errors
from bot.llm.characters import whole
from bot.llm.failures import of_event, of_response
from bot.llm.loose import Object, mapping, text

_ANSWER = ("choices", "usage", "response", "output", "delta", "item", "part")
"""What has one of these is no bare failure, whatever else is in it."""
_CODES = ("code", "status_code", "error_code", "status")
_EXCERPT = 2000


def failure_in(told: Object, name: str = "") -> errors.ModelError | None:
    """The failure that an event tells of; `name` is the event's."""
    error = told.get("error")
    if error and not isinstance(error, bool):
        return failure(error)
    if "error" in (name, told.get("type"), told.get("object")):
        return failure(told)
    base = mapping(told.get("base_resp"))  # MiniMax
    if base.get("status_code"):
        return of_event(str(base["status_code"]), _words(base))
    if any(told.get(key) for key in _ANSWER):
        return None
    if told.get("detail") or (told.get("message") and any(code in told for code in _CODES)):
        return failure(told)
    return None


def failure(error: object) -> errors.ModelError:
    """The failure for an error, which is an object or whatever else stands in its place.

    A code that is a number is a status. From 500 on it says no more than that the answer broke off.
    """
    found = mapping(error)
    code = next((value for name in _CODES if (value := found.get(name)) and not isinstance(value, bool)), None)
    words = _words(error)
    number = int(code) if isinstance(code, int) or (isinstance(code, str) and code.isdecimal()) else 0
    if 400 <= number < 500:
        return of_response(number, text(found.get("type")), words, streaming=False, host="")
    return of_event(None if code is None else str(code)[:100], words)


def _words(error: object) -> str:
    """All that it says: where the reason stands differs."""
    message = error if isinstance(error, str) else mapping(error).get("message")
    alone = isinstance(message, str) and not mapping(error).keys() - {"message", "type", "code", "param"}
    return whole(text(message) if alone else json.dumps(error, ensure_ascii=False))[:_EXCERPT]
