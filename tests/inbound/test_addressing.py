"""When the bot is meant."""

from typing import Any

import pytest
from telegram import Message

from bot.inbound.addressing import Addressing
from tests.inbound.test_message import ANN, GROUP, NOON

ME = {"id": 99, "is_bot": True, "first_name": "Keepsake", "username": "keepsake_bot"}
CALLED = Addressing(bot_id=99, username="keepsake_bot", name="Keepsake", always=False)


def _in_group(text: str, **fields: Any) -> Message:
    message = Message.de_json({"message_id": 7, "date": NOON, "chat": GROUP, "from": ANN, "text": text, **fields}, None)
    assert message is not None
    return message


def _replied_to(sender: dict[str, Any]) -> dict[str, Any]:
    return {"message_id": 6, "date": NOON, "chat": GROUP, "from": sender, "text": "hi"}


@pytest.mark.parametrize(
    ("message", "meant"),
    [
        (_in_group("hello all"), False),
        (_in_group("hi", entities=[{"type": "bold", "offset": 0, "length": 2}]), False),
        (_in_group("😀 @Keepsake_Bot hi", entities=[{"type": "mention", "offset": 3, "length": 13}]), True),
        (_in_group("@other_bot hi", entities=[{"type": "mention", "offset": 0, "length": 10}]), False),
        (_in_group("you there", entities=[{"type": "text_mention", "offset": 0, "length": 3, "user": ME}]), True),
        (_in_group("Ann there", entities=[{"type": "text_mention", "offset": 0, "length": 3, "user": ANN}]), False),
        (_in_group("and you?", reply_to_message=_replied_to(ME)), True),
        (_in_group("and you?", reply_to_message=_replied_to(ANN)), False),
    ],
)
def test_in_a_group_the_bot_is_meant_when_it_is_called(message: Message, meant: bool) -> None:
    assert CALLED.is_meant(message) is meant


def test_it_can_be_set_to_answer_everything() -> None:
    assert Addressing(99, "keepsake_bot", "Keepsake", always=True).is_meant(_in_group("hello all"))


def test_in_private_it_is_always_meant() -> None:
    assert CALLED.is_meant(_in_group("hello", chat={"id": 5, "type": "private"}))
