"""The types of parameters: each reads a value as it came (text of a form, or JSON) and refuses what does not fit."""

import json
import re
from collections.abc import Callable, Mapping

from sandbox.botapi.errors import ApiError, bad_request
from sandbox.forms import Upload

MOST_UPLOADED = 50 * 1024 * 1024
"""What a bot may upload to Telegram's own server."""
Kind = Callable[[object, str], object]
"""Reads a value for the field of that name."""


def integer(value: object, name: str) -> int:
    """A whole number of at most 64 bits, or its digits."""
    if isinstance(value, str) and re.fullmatch(r"-?\d{1,19}", value):
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63:
        return value
    raise _wrong(name, "Integer")


def string(value: object, name: str) -> str:
    """A text that UTF-8 can carry."""
    if not isinstance(value, str):
        raise _wrong(name, "String")
    if any("\ud800" <= char <= "\udfff" for char in value):
        raise bad_request("strings must be encoded in UTF-8")
    return value


def boolean(value: object, name: str) -> bool:
    """True or false."""
    if isinstance(value, str) and value.lower() in ("true", "false", "1", "0"):
        return value.lower() in ("true", "1")
    if isinstance(value, bool):
        return value
    raise _wrong(name, "Boolean")


def upload(value: object, name: str) -> Upload:
    """A file that comes with the call."""
    if not isinstance(value, Upload):
        raise bad_request(f"the sandbox takes {name} as an upload only")
    if not value.data:
        raise bad_request("file must be non-empty")
    if len(value.data) > MOST_UPLOADED:
        raise ApiError(413, "Request Entity Too Large")
    return value


def picture(value: object, name: str) -> Upload:
    """An uploaded PNG or JPEG."""
    found = upload(value, name)
    if not found.data.startswith((b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff")):
        raise bad_request("IMAGE_PROCESS_FAILED")
    return found


def chat(value: object, name: str) -> int:
    """A chat's number; nobody in the sandbox has a public @name to be found by."""
    if isinstance(value, str) and value.startswith("@"):
        raise bad_request("chat not found")
    return integer(value, name)


def anything(value: object, _: str) -> object:
    """What is passed on as it came."""
    return value


def unsupported(_: object, name: str) -> object:
    """A parameter that Telegram has and the sandbox has not."""
    raise bad_request(f"the sandbox does not support {name}")


def array(kind: Kind) -> Kind:
    """A list of one kind."""

    def read(value: object, name: str) -> list[object]:
        found = decoded(value, name)
        if not isinstance(found, list):
            raise _wrong(name, "Array")
        return [kind(item, name) for item in found]

    return read


def record(required: Mapping[str, Kind], optional: Mapping[str, Kind] | None = None) -> Kind:
    """An object with these fields and no others."""
    fields = {**required, **(optional or {})}

    def read(value: object, name: str) -> dict[str, object]:
        found = decoded(value, name)
        if not isinstance(found, dict):
            raise _wrong(name, "Object")
        present = {key: item for key, item in found.items() if item is not None}
        if unknown := present.keys() - fields.keys():
            raise bad_request(f'unknown field "{min(unknown)}" in {name}')
        if missing := required.keys() - present.keys():
            raise bad_request(f'field "{min(missing)}" is missing in {name}')
        return {key: fields[key](item, f"{name}.{key}") for key, item in present.items()}

    return read


def decoded(value: object, name: str) -> object:
    """Nested values of a form are JSON text."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError as exc:
        raise bad_request(f"can't parse {name} JSON object") from exc


def _wrong(name: str, kind: str) -> Exception:
    return bad_request(f'field "{name}" must be of type {kind}')
