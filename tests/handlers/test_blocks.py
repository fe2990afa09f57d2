"""A rich message is sent on as it came, without the command that it began with."""

import datetime as dt
import json
from typing import Any

import pytest
from telegram import Chat, Message, User

from bot.handlers.broadcast_content import content_forms, content_of
from bot.outbound.content import Blocks, Text
from bot.updates.raw_updates import worded

BOLD = {"type": "bold", "text": "Tea"}


def _message(blocks: list[dict[str, Any]]) -> Message:
    given = {"message": {"rich_message": {"blocks": blocks}}}
    more = worded(given)["message"]
    return Message(
        *(9, dt.datetime(2026, 11, 1, tzinfo=dt.UTC), Chat(5, Chat.PRIVATE), User(5, "Ann", False)),
        text=more["text"],
        api_kwargs={"rich_message": more["rich_message"]},
    )


def _sent(*blocks: dict[str, Any]) -> list[dict[str, Any]]:
    told = content_of(_message(list(blocks)))
    assert told is not None
    first, *others = content_forms(5, told)
    assert isinstance(first, Blocks)
    assert all(isinstance(one, Text) for one in others)
    found: list[dict[str, Any]] = json.loads(first.json)["blocks"]
    return found


def _paragraph(text: object) -> dict[str, Any]:
    return {"type": "paragraph", "text": text}


@pytest.mark.parametrize(
    ("text", "left"),
    [
        (["/broadcast ", BOLD, " at five"], [BOLD, " at five"]),
        ("/broadcast  Tea", "Tea"),
        (["/broad", {"type": "bold", "text": "cast Tea"}], [BOLD]),
        ([{"type": "bot_command", "bot_command": "/broadcast", "text": "/broadcast"}, " ", BOLD], [BOLD]),
        ({"type": "bold", "text": "/broadcast Tea"}, BOLD),
        (
            ["/broadcast", {"type": "custom_emoji", "custom_emoji_id": "7", "alternative_text": "🍵"}, " Tea"],
            [{"type": "custom_emoji", "custom_emoji_id": "7", "alternative_text": "🍵"}, "Tea"],
        ),
    ],
)
def test_the_command_is_cut_off_the_first_block(text: object, left: object) -> None:
    assert _sent(_paragraph(text), _paragraph("More")) == [_paragraph(left), _paragraph("More")]


def test_a_block_of_the_command_alone_goes() -> None:
    heading = {"type": "heading", "size": 2, "text": "Tea"}
    assert _sent(_paragraph("/broadcast "), heading) == [heading]
    assert content_of(_message([_paragraph("/broadcast")])) is None


def test_what_only_telegram_says_is_not_sent() -> None:
    items = [{"label": "3.", "blocks": [_paragraph("Tea")]}, {"label": "•", "blocks": [_paragraph("Cake")]}]
    sizes = [{"file_id": "small", "width": 1}, {"file_id": "large", "width": 2}]
    shown = _sent(
        _paragraph("/broadcast Tea"),
        {"type": "list", "items": items},
        {"type": "photo", "photo": sizes, "has_spoiler": True, "caption": {"text": "Cup"}},
        {"type": "buttons", "buttons": [{"text": "Press", "callback_data": "access:allow:1"}]},
        {"type": "blockquote", "blocks": [_paragraph([{"type": "button", "button": {"text": "Go", "url": "u"}}])]},
    )
    assert shown[1]["items"] == [
        {"blocks": [_paragraph("Tea")], "type": "1", "value": 3},
        {"blocks": [_paragraph("Cake")]},
    ]
    photo = {"type": "photo", "media": "large", "has_spoiler": True}
    assert shown[2] == {"type": "photo", "photo": photo, "caption": {"text": "Cup"}}
    assert shown[3] == {"type": "blockquote", "blocks": [_paragraph(["Go"])]}


def test_its_words_are_the_second_form() -> None:
    told = content_of(_message([_paragraph(["/broadcast ", BOLD]), _paragraph("More")]))
    assert told is not None
    assert [form.text for form in content_forms(5, told) if isinstance(form, Text)] == ["Tea\nMore"]
