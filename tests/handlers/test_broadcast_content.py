"""What an owner sends to everybody is what they wrote, without the command."""

import datetime as dt

import pytest
from telegram import Chat, LinkPreviewOptions, Message, MessageEntity, PhotoSize, User

from bot.handlers.broadcast_content import content_forms, content_of
from bot.outbound.content import Copied, Text

ANN = User(5, "Ann", False)
HOME = Chat(5, Chat.PRIVATE)


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
