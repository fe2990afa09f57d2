"""Telegram's messages become what somebody said."""

from datetime import UTC, datetime
from typing import Any

import pytest
from telegram import Message

from bot.conversation.said import Said
from bot.inbound.message import is_unreadable, said

NOON = 1_795_435_200
ANN = {"id": 5, "is_bot": False, "first_name": "Ann", "last_name": "Lee"}
PRIVATE = {"id": 5, "type": "private", "first_name": "Ann"}
GROUP = {"id": -100, "type": "supergroup", "title": "Friends"}


def _message(**fields: Any) -> Message:
    message = Message.de_json({"message_id": 7, "date": NOON, "chat": PRIVATE, "from": ANN, **fields}, None)
    assert message is not None
    return message


def test_words_in_private_have_no_speaker() -> None:
    assert said(_message(text="hello")) == Said(
        message_id=7, sender_id=5, text="hello", at=datetime.fromtimestamp(NOON, UTC), sender="Ann Lee"
    )


def test_words_in_a_group_have_one() -> None:
    words = said(_message(text="hello", chat=GROUP))
    assert words is not None
    assert words.speaker == "Ann Lee"


def test_an_anonymous_administrator_speaks_under_their_title() -> None:
    words = said(_message(text="hello", chat=GROUP, sender_chat=GROUP, author_signature="Host"))
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
    words = said(_message(text="look", forward_origin={"date": NOON, **origin}))
    assert words is not None
    assert words.forwarded_from == name


def test_a_reply_quotes_what_it_answers() -> None:
    original = {"message_id": 6, "date": NOON, "chat": PRIVATE, "text": "the whole text"}
    words = said(_message(text="why?", reply_to_message=original))
    assert words is not None
    assert words.quote == "the whole text"
    words = said(_message(text="why?", reply_to_message=original, quote={"text": "whole", "position": 4}))
    assert words is not None
    assert words.quote == "whole"


def test_a_photo_can_not_be_read_and_a_service_message_is_not_said_by_anybody() -> None:
    photo = _message(photo=[{"file_id": "a", "file_unique_id": "b", "width": 1, "height": 1}], caption="me")
    assert said(photo) is None
    assert is_unreadable(photo)
    joined = _message(chat=GROUP, new_chat_members=[ANN])
    assert said(joined) is None
    assert not is_unreadable(joined)
