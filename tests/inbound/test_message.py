"""Telegram's messages become what somebody said."""

from datetime import UTC, datetime
from typing import Any

import pytest
from telegram import Message

from bot.conversation.incoming_message import IncomingMessage, Quote
from bot.inbound.quotes import replied_to
from bot.inbound.reading import said

NOON = 1_795_435_200
ANN = {"id": 5, "is_bot": False, "first_name": "Ann", "last_name": "Lee"}
PRIVATE = {"id": 5, "type": "private", "first_name": "Ann"}
GROUP = {"id": -100, "type": "supergroup", "title": "Friends"}


def _message(**fields: Any) -> Message:
    message = Message.de_json({"message_id": 7, "date": NOON, "chat": PRIVATE, "from": ANN, **fields}, None)
    assert message is not None
    return message


def test_words_in_private_have_no_speaker() -> None:
    assert said(_message(text="hello"), 99) == IncomingMessage(
        message_id=7, sender_id=5, text="hello", at=datetime.fromtimestamp(NOON, UTC), sender="Ann Lee"
    )


def test_words_in_a_group_have_one() -> None:
    words = said(_message(text="hello", chat=GROUP), 99)
    assert words is not None
    assert words.speaker == "Ann Lee"


def test_an_anonymous_administrator_speaks_under_their_title() -> None:
    words = said(_message(text="hello", chat=GROUP, sender_chat=GROUP, author_signature="Host"), 99)
    assert words is not None
    assert words.speaker == "Host"


@pytest.mark.parametrize(
    ("origin", "name"),
    [
        ({"type": "user", "sender_user": ANN}, "Ann Lee"),
        ({"type": "hidden_user", "sender_user_name": "Bob"}, "Bob"),
        ({"type": "chat", "sender_chat": GROUP}, "Friends"),
        ({"type": "channel", "chat": {"id": -7, "type": "channel", "title": "News"}, "message_id": 1}, "News"),
    ],
)
def test_a_forward_names_its_origin(origin: dict[str, Any], name: str) -> None:
    words = said(_message(text="look", forward_origin={"date": NOON, **origin}), 99)
    assert words is not None
    assert words.forwarded_from == name


def test_a_reply_quotes_what_it_answers() -> None:
    original = {"message_id": 6, "date": NOON, "chat": PRIVATE, "from": ANN, "text": "the whole text"}
    words = said(_message(text="why?", reply_to_message=original), 99)
    assert words is not None
    assert words.quote == Quote("the whole text", "Ann Lee", 6)
    words = said(_message(text="why?", reply_to_message=original, quote={"text": "whole", "position": 4}), 99)
    assert words is not None
    assert words.quote == Quote("whole", "Ann Lee", 6, whole=False)


def test_photo_has_note_and_service_message_none() -> None:
    """Nobody says a service message."""
    photo = _message(photo=[{"file_id": "a", "file_unique_id": "b", "width": 1, "height": 1}], caption="me")
    words = said(photo, 99)
    assert words is not None
    assert (words.notes, words.text) == (("[photo]",), "me")
    assert said(_message(chat=GROUP, new_chat_members=[ANN]), 99) is None


def test_opening_of_topic_is_not_replied_to() -> None:
    """Telegram gives it as what the first messages of the topic reply to."""
    opening = {
        "message_id": 6,
        "date": NOON,
        "chat": GROUP,
        "forum_topic_created": {"name": "Trips", "icon_color": 7322096},
    }
    assert replied_to(_message(chat=GROUP, text="hello", reply_to_message=opening)) is None
