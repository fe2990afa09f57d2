"""Reply markup: inline keyboards checked button by button, the other kinds by their fields."""

from typing import cast

from sandbox.botapi import kinds
from sandbox.botapi.errors import bad_request
from sandbox.botapi.wire import Json

MAX_DATA_BYTES = 64
ACTIONS = ("url", "callback_data", "switch_inline_query", "switch_inline_query_current_chat", "copy_text")
"""The actions of a button that the sandbox knows; Telegram has a few more."""

_button = kinds.record(
    {"text": kinds.string},
    {
        **dict.fromkeys(ACTIONS[:-1], kinds.string),
        "copy_text": kinds.record({"text": kinds.string}),
        "icon_custom_emoji_id": kinds.string,
        "style": kinds.string,
    },
)
_inline = kinds.record({"inline_keyboard": kinds.array(kinds.array(_button))})
_remove = kinds.record({"remove_keyboard": kinds.boolean}, {"selective": kinds.boolean})
LONGEST_PLACEHOLDER = 64
_force = kinds.record(
    {"force_reply": kinds.boolean}, {"input_field_placeholder": kinds.string, "selective": kinds.boolean}
)


def inline(value: object, name: str) -> Json:
    """An inline keyboard; each button does exactly one thing."""
    found = _inline(value, name)
    assert isinstance(found, dict)
    rows = [row for row in found["inline_keyboard"] if row]
    for row in rows:
        for button in row:
            _check(button)
    return {"inline_keyboard": rows}


def markup(value: object, name: str) -> Json:
    """An inline keyboard, or the removal of a keyboard, or a forced reply."""
    found = kinds.decoded(value, name)
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
    """Whose reply a forced reply opens; None: everybody's. A selective one needs a mention, or to be a reply."""
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
