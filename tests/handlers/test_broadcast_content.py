"""A rich message is sent on as it came, without the command that it began with.

What an owner sends to everybody is what they wrote, without the command.
"""

import datetime as dt
import json
from typing import Any

import pytest
from telegram import Chat, LinkPreviewOptions, Message, MessageEntity, PhotoSize, User

from bot.handlers.broadcast_content import content_forms, content_of
from bot.outbound.content import Blocks, Copied, Text
from bot.updates.raw_updates import with_command_text

BOLD = {"type": "bold", "text": "Tea"}
ANN = User(5, "Ann", False)
HOME = Chat(5, Chat.PRIVATE)


def _rich_message(blocks: list[dict[str, Any]]) -> Message:
    given = {"message": {"rich_message": {"blocks": blocks}}}
    more = with_command_text(given)["message"]
    return Message(
        *(9, dt.datetime(2026, 11, 1, tzinfo=dt.UTC), Chat(5, Chat.PRIVATE), User(5, "Ann", False)),
        text=more["text"],
        api_kwargs={"rich_message": more["rich_message"]},
    )


def _sent(*blocks: dict[str, Any]) -> list[dict[str, Any]]:
    told = content_of(_rich_message(list(blocks)))
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
    assert content_of(_rich_message([_paragraph("/broadcast")])) is None


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
    told = content_of(_rich_message([_paragraph(["/broadcast ", BOLD]), _paragraph("More")]))
    assert told is not None
    assert [form.text for form in content_forms(5, told) if isinstance(form, Text)] == ["Tea\nMore"]


def _message(text: str | None, *entities: MessageEntity, **more: object) -> Message:
    return Message(9, dt.datetime(2026, 11, 1, tzinfo=dt.UTC), HOME, ANN, text=text, entities=entities, **more)  # type: ignore[arg-type]


def _first(message: Message) -> Text | Copied:
    content = content_of(message)
    assert content is not None
    form = content_forms(5, content)[0]
    assert isinstance(form, Text | Copied)
    return form


@pytest.mark.parametrize(
    "command", ["/broadcast ", "/broadcast@keepsake_bot\n\n", "  /broadcast   ", "/broadcast\u00a0"]
)
def test_formatting_is_shifted_in_utf16_units(command: str) -> None:
    text = f"{command}😀 Tea at 𝟱 here  "
    at = len(command.encode("utf-16-le")) // 2
    entities = (
        MessageEntity("bot_command", 0, len(command.strip())),
        MessageEntity("bold", at + 3, 3),
        MessageEntity("text_link", at + 13, 4, url="https://a.example/x"),
        MessageEntity("custom_emoji", at, 2, custom_emoji_id="77"),
    )
    form = _first(_message(text, *entities))
    assert isinstance(form, Text)
    assert form.text == "😀 Tea at 𝟱 here"
    assert [(one.type, one.offset, one.length) for one in form.entities] == [
        ("bold", 3, 3),
        ("text_link", 13, 4),
        ("custom_emoji", 0, 2),
    ]
    assert form.entities[1].url == "https://a.example/x"
    assert form.entities[2].custom_emoji_id == "77"


def test_what_covers_the_command_covers_the_rest() -> None:
    form = _first(_message("/broadcast Tea!  ", MessageEntity("bot_command", 0, 10), MessageEntity("bold", 0, 17)))
    assert isinstance(form, Text)
    assert form.entities == (MessageEntity("bold", 0, 4),)


def test_unknown_fields_of_an_entity_stay() -> None:
    entity = MessageEntity("date_time", 11, 3, api_kwargs={"unix_time": 7})
    form = _first(_message("/broadcast Tea", entity))
    assert isinstance(form, Text)
    assert form.entities[0].to_dict()["unix_time"] == 7


@pytest.mark.parametrize(
    "shown", [None, LinkPreviewOptions(is_disabled=True), LinkPreviewOptions(show_above_text=True)]
)
def test_links_keep_their_preview(shown: LinkPreviewOptions | None) -> None:
    form = _first(_message("/broadcast https://a.example", link_preview_options=shown))
    assert isinstance(form, Text)
    assert form.preview == (shown or LinkPreviewOptions())


def test_a_reply_without_words_copies_the_message() -> None:
    target = _message(None, caption="Tea", caption_entities=(MessageEntity("bold", 0, 3),))
    content = content_of(_message("/broadcast", reply_to_message=target))
    assert content is not None
    assert content_forms(5, content)[0] == Copied(5, 9)
    assert content_forms(5, content)[1] == Text("Tea", (MessageEntity("bold", 0, 3),), LinkPreviewOptions())
    assert _first(_message("/broadcast Tea", reply_to_message=target)) != Copied(5, 9)
    assert content_of(_message("/broadcast")) is None


def test_forbidden_formatting_is_dropped_first() -> None:
    """A bot may not send every custom emoji: the second attempt goes without, the last one without any formatting."""
    bold, emoji = MessageEntity("bold", 11, 3), MessageEntity("custom_emoji", 15, 2, custom_emoji_id="7")
    content = content_of(_message("/broadcast Tea 😀", bold, emoji))
    assert content is not None
    shown = [[one.type for one in form.entities] for form in content_forms(5, content) if isinstance(form, Text)]
    assert shown == [["bold", "custom_emoji"], ["bold"], []]


def test_a_file_is_copied_under_other_words() -> None:
    entities = (MessageEntity("bot_command", 0, 10), MessageEntity("bold", 11, 3))
    photo = (PhotoSize("a", "b", 1, 1),)
    file = _message(
        None, caption="/broadcast Tea", caption_entities=entities, photo=photo, show_caption_above_media=True
    )
    told = content_of(file)
    assert told is not None
    bold = (MessageEntity("bold", 0, 3),)
    assert list(content_forms(5, told)) == [
        Copied(5, 9, "Tea", bold, above=True),
        Copied(5, 9, "Tea", above=True),
        Text("Tea", bold, LinkPreviewOptions()),
        Text("Tea", (), LinkPreviewOptions()),
    ]
    alone = content_of(_message(None, caption="/broadcast", photo=photo))
    assert alone is not None
    assert list(content_forms(5, alone)) == [Copied(5, 9, "")]
