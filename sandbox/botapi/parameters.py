"""The types of parameters: each reads a value as it came (text of a form, or JSON) and refuses what does not fit.

The arguments of one call, checked against the method's parameters.
"""

import json
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from sandbox.botapi.wire import ApiError, Json, bad_request
from sandbox.http import Upload

if TYPE_CHECKING:
    from sandbox.botapi.server_state import ServerState

MOST_UPLOADED = 50 * 1024 * 1024
"""What a bot may upload to Telegram's own server."""
Kind = Callable[[object, str], object]
"""Reads a value for the field of that name."""
VERSIONS = ("9.2", "9.3", "10.0", "10.1", "10.3")
"""The versions that the server can be, oldest first."""


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


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter; a required one may have a sentence of its own for when it is missing."""

    kind: Kind
    required: bool = False
    missing: str | None = None
    since: str = VERSIONS[0]


class Arguments:
    """Typed access to what was given; the kinds have made sure of the types."""

    def __init__(self, values: Mapping[str, object]) -> None:
        self.values = values

    def integer(self, name: str, default: int = 0) -> int:
        """A number."""
        return cast("int", self.values.get(name, default))

    def number_or_none(self, name: str) -> int | None:
        """A number, if given."""
        return cast("int | None", self.values.get(name))

    def string(self, name: str) -> str:
        """A text, empty when not given."""
        return cast("str", self.values.get(name, ""))

    def flag(self, name: str) -> bool:
        """True or false."""
        return bool(self.values.get(name))

    def object(self, name: str) -> Json | None:
        """An object, if given."""
        return cast("Json | None", self.values.get(name))

    def objects(self, name: str) -> list[Json]:
        """A list of objects."""
        return cast("list[Json]", self.values.get(name, []))

    def strings(self, name: str) -> list[str]:
        """A list of texts."""
        return cast("list[str]", self.values.get(name, []))

    def integers(self, name: str) -> list[int]:
        """A list of numbers."""
        return cast("list[int]", self.values.get(name, []))

    def __contains__(self, name: str) -> bool:
        return name in self.values


@dataclass(frozen=True, slots=True)
class Method:
    """A method of the Bot API: what it takes, what it does, and since when there is it."""

    act: "Callable[[ServerState, Arguments], Awaitable[object]]"
    parameters: Mapping[str, Parameter]
    since: str = VERSIONS[0]


def method_not_found() -> ApiError:
    """There is no such method, or not yet."""
    return ApiError(404, "Not Found: method not found")


def knows(version: str, since: str) -> bool:
    """Whether a server of that version has what came with `since`."""
    return VERSIONS.index(version) >= VERSIONS.index(since)


def check(method: Method, given: Mapping[str, object], version: str) -> Arguments:
    """Check what was given. A server ignores what only its successors know; what nobody knows is a mistake."""
    values: Json = {}
    for name, value in given.items():
        parameter = method.parameters.get(name)
        if parameter is None:
            raise bad_request(f'unknown parameter "{name}"')
        if value is not None and knows(version, parameter.since):
            values[name] = parameter.kind(value, name)
    for name, parameter in method.parameters.items():
        if parameter.required and name not in values:
            raise bad_request(parameter.missing or f'parameter "{name}" is required')
    return Arguments(values)
