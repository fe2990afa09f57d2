"""Failures that a server tells of inside of a stream that it began with 200, or in a body in the place of one.

And what a failure means for a prompt with pictures or sounds in it.
"""

import json

from bot import errors
from bot.llm.characters import whole
from bot.llm.failures import of_told
from bot.llm.interface import Image, Sound
from bot.llm.loose import Object, mapping

_ANSWER = ("choices", "usage", "response", "output", "delta", "item", "part")
"""What has one of these is no bare failure, whatever else is in it."""
_CODES = ("code", "status_code", "error_code", "status")


def failure_in(told: Object, name: str = "", host: str = "") -> errors.ModelError | None:
    """The failure that an event tells of; `name` is the event's."""
    error = told.get("error")
    if error and not isinstance(error, bool):
        return failure(told, host)
    if "error" in (name, told.get("type"), told.get("object")):
        return failure(told, host)
    base = mapping(told.get("base_resp"))  # MiniMax
    if base.get("status_code"):
        return failure(base, host)
    if any(told.get(key) for key in _ANSWER):
        return None
    if told.get("detail") or told.get("errors") or told.get("error_msg"):
        return failure(told, host)
    if (told.get("message") or told.get("msg")) and any(code in told for code in _CODES):
        return failure(told, host)
    return None


def failure(error: object, host: str = "") -> errors.ModelError:
    """The failure for an error, which is an object or whatever else stands in its place."""
    return of_told(json.loads(whole(json.dumps(error, ensure_ascii=False))), host=host)


def of_what_was_sent(error: errors.ModelError, sent: set[type]) -> errors.ModelError:
    """The error; a server that takes only words may say the same of a picture and of a sound."""
    if isinstance(error, errors.CannotSee) and Image not in sent and Sound in sent:
        return changed(error, errors.CannotHear)
    if isinstance(error, errors.CannotHear) and Sound not in sent and Image in sent:
        return changed(error, errors.CannotSee)
    return error


def changed(error: errors.ModelError, kind: type[errors.ModelError]) -> errors.ModelError:
    """The error as one of another kind."""
    made = kind(*error.args)
    made.__dict__.update(error.__dict__)
    return made
