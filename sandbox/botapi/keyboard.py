"""Reply markup: inline keyboards are checked button by button, other kinds by their fields."""

from typing import cast

from sandbox.botapi import parameters
from sandbox.botapi.wire import Json, bad_request

MAX_DATA_BYTES = 64
ACTIONS = ("url", "callback_data", "switch_inline_query", "switch_inline_query_current_chat", "copy_text")
"""The button actions that the sandbox knows; Telegram has a few more."""

_button = parameters.record(
    {"text": parameters.string},
    {
        **dict.fromkeys(ACTIONS[:-1], parameters.string),
        "copy_text": parameters.record({"text": parameters.string}),
        "icon_custom_emoji_id": parameters.string,
        "style": parameters.string,
    },
)
_inline = parameters.record({"inline_keyboard": parameters.array(parameters.array(_button))})
_remove = parameters.record({"remove_keyboard": parameters.boolean}, {"selective": parameters.boolean})
LONGEST_PLACEHOLDER = 64
_force = parameters.record(
    {"force_reply": parameters.boolean}, {"input_field_placeholder": parameters.string, "selective": parameters.boolean}
)


def inline(value: object, name: str) -> Json:
    """An inline keyboard; each button has exactly one action."""
    found = _inline(value, name)
    assert isinstance(found, dict)
    rows = [row for row in found["inline_keyboard"] if row]
    for row in rows:
        for button in row:
            _check(button)
    return {"inline_keyboard": rows}


def markup(value: object, name: str) -> Json:
    """An inline keyboard, a keyboard removal, or a forced reply."""
    found = parameters.decoded(value, name)
    fields = found if isinstance(found, dict) else {}
    other = _remove if "remove_keyboard" in fields else _force if "force_reply" in fields else None
    if other is None:
        return inline(found, name)
    checked = other(found, name)
    assert isinstance(checked, dict)
    if checked.get("remove_keyboard", checked.get("force_reply")) is not True:
        raise bad_request("can't parse reply keyboard markup JSON object: the field must be True")
    if "input_field_placeholder" in checked:
        length = len(str(checked["input_field_placeholder"]))
        if not 1 <= length <= LONGEST_PLACEHOLDER:
            raise bad_request(f"input field placeholder has {length} characters, and must have 1 to 64")
    return checked


def opened_for(markup: Json, chat: Json, content: Json, reply_to: Json | None) -> list[int] | None:
    """Whose reply a forced reply opens; None: everyone's. A selective one needs a mention or must be a reply."""
    if not markup.get("selective") or chat["type"] == "private":
        return None
    entities = cast("list[Json]", content.get("entities", []))
    opened = [cast("int", cast("Json", one["user"])["id"]) for one in entities if one["type"] == "text_mention"]
    if reply_to is not None and "from" in reply_to:
        opened.append(cast("int", cast("Json", reply_to["from"])["id"]))
    return opened


def _check(button: Json) -> None:
    if not str(button["text"]).strip():
        raise bad_request("inline keyboard button text is empty")
    if sum(action in button for action in ACTIONS) != 1:
        raise bad_request("text buttons are unallowed in the inline keyboard")
    data = button.get("callback_data")
    if isinstance(data, str) and not 1 <= len(data.encode()) <= MAX_DATA_BYTES:
        raise bad_request("BUTTON_DATA_INVALID")
