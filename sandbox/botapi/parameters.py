"""The parameters of methods: each type parses a value (form text or JSON) and refuses anything else.

Of reply markup, inline keyboards are checked button by button, the other kinds by their fields.
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
"""The most that a bot may upload to Telegram's servers."""
Kind = Callable[[object, str], object]
"""Parses a value for the named field."""
MAX_DATA_BYTES = 64
BUTTON_ACTIONS = ("url", "callback_data", "switch_inline_query", "switch_inline_query_current_chat", "copy_text")
"""The button actions that the sandbox knows; Telegram has a few more."""
LONGEST_PLACEHOLDER = 64
VERSIONS = ("9.2", "9.3", "10.0", "10.1", "10.3")
"""The versions that the server can simulate, oldest first."""


def integer(value: object, name: str) -> int:
    """An integer of at most 64 bits, or its digits."""
    if isinstance(value, str) and re.fullmatch(r"-?\d{1,19}", value):
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63:
        return value
    raise _wrong(name, "Integer")


def string(value: object, name: str) -> str:
    """A text that is valid UTF-8."""
    if not isinstance(value, str):
        raise _wrong(name, "String")
    if any("\ud800" <= char <= "\udfff" for char in value):
        raise bad_request("strings must be encoded in UTF-8")
    return value


def boolean(value: object, name: str) -> bool:
    if isinstance(value, str) and value.lower() in ("true", "false", "1", "0"):
        return value.lower() in ("true", "1")
    if isinstance(value, bool):
        return value
    raise _wrong(name, "Boolean")


def upload(value: object, name: str) -> Upload:
    """An uploaded file."""
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
    """A chat id; no chat in the sandbox has a public @name."""
    if isinstance(value, str) and value.startswith("@"):
        raise bad_request("chat not found")
    return integer(value, name)


def anything(value: object, _: str) -> object:
    """A value that is passed on unchanged."""
    return value


def unsupported(_: object, name: str) -> object:
    """A parameter that Telegram has but the sandbox doesn't support."""
    raise bad_request(f"the sandbox does not support {name}")


def array(kind: Kind) -> Kind:
    """A list of one type."""

    def read(value: object, name: str) -> list[object]:
        found = decoded(value, name)
        if not isinstance(found, list):
            raise _wrong(name, "Array")
        return [kind(item, name) for item in found]

    return read


def record(required: Mapping[str, Kind], optional: Mapping[str, Kind] | None = None) -> Kind:
    """An object with exactly these fields."""
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
    """Parse nested values of a form, which are JSON text."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError as exc:
        raise bad_request(f"can't parse {name} JSON object") from exc


def _wrong(name: str, kind: str) -> Exception:
    return bad_request(f'field "{name}" must be of type {kind}')


_button = record(
    {"text": string},
    {
        **dict.fromkeys(BUTTON_ACTIONS[:-1], string),
        "copy_text": record({"text": string}),
        "icon_custom_emoji_id": string,
        "style": string,
    },
)
_inline_keyboard = record({"inline_keyboard": array(array(_button))})
_keyboard_removal = record({"remove_keyboard": boolean}, {"selective": boolean})
_forced_reply = record({"force_reply": boolean}, {"input_field_placeholder": string, "selective": boolean})


def inline_keyboard(value: object, name: str) -> Json:
    """An inline keyboard; each button has exactly one action."""
    found = _inline_keyboard(value, name)
    assert isinstance(found, dict)
    rows = [row for row in found["inline_keyboard"] if row]
    for row in rows:
        for button in row:
            _check_button(button)
    return {"inline_keyboard": rows}


def reply_markup(value: object, name: str) -> Json:
    """An inline keyboard, a keyboard removal, or a forced reply."""
    found = decoded(value, name)
    fields = found if isinstance(found, dict) else {}
    other = _keyboard_removal if "remove_keyboard" in fields else _forced_reply if "force_reply" in fields else None
    if other is None:
        return inline_keyboard(found, name)
    checked = other(found, name)
    assert isinstance(checked, dict)
    if checked.get("remove_keyboard", checked.get("force_reply")) is not True:
        raise bad_request("can't parse reply keyboard markup JSON object: the field must be True")
    if "input_field_placeholder" in checked:
        length = len(str(checked["input_field_placeholder"]))
        if not 1 <= length <= LONGEST_PLACEHOLDER:
            raise bad_request(f"input field placeholder has {length} characters, and must have 1 to 64")
    return checked


def _check_button(button: Json) -> None:
    if not str(button["text"]).strip():
        raise bad_request("inline keyboard button text is empty")
    if sum(action in button for action in BUTTON_ACTIONS) != 1:
        raise bad_request("text buttons are unallowed in the inline keyboard")
    data = button.get("callback_data")
    if isinstance(data, str) and not 1 <= len(data.encode()) <= MAX_DATA_BYTES:
        raise bad_request("BUTTON_DATA_INVALID")


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter; a required one may have its own error message."""

    kind: Kind
    required: bool = False
    missing: str | None = None
    since: str = VERSIONS[0]


class Arguments:
    """Typed access to the arguments, whose types have been checked."""

    def __init__(self, values: Mapping[str, object]) -> None:
        self.values = values

    def integer(self, name: str, default: int = 0) -> int:
        return cast("int", self.values.get(name, default))

    def number_or_none(self, name: str) -> int | None:
        return cast("int | None", self.values.get(name))

    def string(self, name: str) -> str:
        """A text, "" if missing."""
        return cast("str", self.values.get(name, ""))

    def flag(self, name: str) -> bool:
        return bool(self.values.get(name))

    def object(self, name: str) -> Json | None:
        return cast("Json | None", self.values.get(name))

    def objects(self, name: str) -> list[Json]:
        return cast("list[Json]", self.values.get(name, []))

    def strings(self, name: str) -> list[str]:
        return cast("list[str]", self.values.get(name, []))

    def integers(self, name: str) -> list[int]:
        return cast("list[int]", self.values.get(name, []))

    def __contains__(self, name: str) -> bool:
        return name in self.values


@dataclass(frozen=True, slots=True)
class Method:
    """A method of the Bot API: its parameters, its action, and the version that introduced it."""

    act: "Callable[[ServerState, Arguments], Awaitable[object]]"
    parameters: Mapping[str, Parameter]
    since: str = VERSIONS[0]


def method_not_found() -> ApiError:
    """The refusal of an unknown method."""
    return ApiError(404, "Not Found: method not found")


def knows(version: str, since: str) -> bool:
    """Whether a server of this version has what came with `since`."""
    return VERSIONS.index(version) >= VERSIONS.index(since)


def check(method: Method, given: Mapping[str, object], version: str) -> Arguments:
    """Check the arguments. A server ignores parameters of later versions; unknown ones are errors."""
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
