"""When the bot is meant."""

from typing import Any

import pytest
from telegram import Message

from bot.inbound.addressing import Addressing
from tests.inbound.test_reading import ANN, GROUP, NOON

ME = {"id": 99, "is_bot": True, "first_name": "Keepsake", "username": "keepsake_bot"}
CALLED = Addressing(bot_id=99, username="keepsake_bot", name="Keepsake", always=False)


def _in_group(text: str | None = None, **fields: Any) -> Message:
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
def test_bot_in_group_is_addressed_when_called(message: Message, meant: bool) -> None:
    assert CALLED.is_meant(message) is meant


def test_it_can_be_set_to_answer_everything() -> None:
    assert Addressing(99, "keepsake_bot", "Keepsake", always=True).is_meant(_in_group("hello all"))


def test_in_private_it_is_always_meant() -> None:
    assert CALLED.is_meant(_in_group("hello", chat={"id": 5, "type": "private"}))


def _rich(*blocks: Any) -> dict[str, Any]:
    return {"text": None, "rich_message": {"blocks": list(blocks)}}


def _words(*text: Any) -> dict[str, Any]:
    return {"type": "paragraph", "text": list(text)}


MENTION = {"type": "mention", "text": "@Keepsake_Bot", "username": "keepsake_bot"}
TEXT_MENTION = {"type": "text_mention", "text": "you", "user": ME}
LIST = {"type": "list", "items": [{"label": "1.", "blocks": [_words("and ", {"type": "bold", "text": MENTION})]}]}
TABLE = {"type": "table", "cells": [[{"text": "who"}, {"text": [TEXT_MENTION]}]]}


@pytest.mark.parametrize(
    ("fields", "meant"),
    [
        (_rich(_words("hello all")), False),
        (_rich(_words("hi ", MENTION)), True),
        (_rich(_words({"type": "bold", "text": [TEXT_MENTION, " there"]})), True),
        (_rich({"type": "heading", "size": 1, "text": "Plans"}, LIST), True),
        (_rich(TABLE), True),
        (_rich({"type": "details", "summary": MENTION, "blocks": []}), True),
        (_rich({"type": "photo", "photo": [{}], "caption": {"text": ["see ", MENTION]}}), True),
        (_rich({"type": "heading", "size": 1, "text": "Keepsake, look"}), True),
        (_rich({"type": "photo", "photo": [{}], "caption": {"text": "Keepsake, what is it?"}}), True),
        (_rich(_words({"type": "bot_command", "text": "/ask@keepsake_bot", "bot_command": "/ask@keepsake_bot"})), True),
        (_rich(_words({"type": "bot_command", "text": "/ask@other_bot", "bot_command": "/ask@other_bot"})), False),
        (_rich(_words({"type": "mention", "text": "@other_bot", "username": "other_bot"})), False),
        (_rich(_words({"type": "text_mention", "text": "Ann", "user": ANN})), False),
        (_rich({"type": "list", "items": [{"label": "iv.", "blocks": [_words("Keepsake, four?")]}]}), True),
        (_rich({"type": "list", "items": [{"has_checkbox": True, "blocks": [_words("Keepsake, do it")]}]}), True),
        (_rich(_words("I like Keepsake")), False),
        (_rich(_words("Hi. Keepsake is nice.")), False),
        (_rich("no block", {"type": "mention"}, {"type": "text_mention", "user": "?"}, 7), False),
    ],
)
def test_a_rich_message_calls_the_bot_likewise(fields: dict[str, Any], meant: bool) -> None:
    assert CALLED.is_meant(_in_group(**fields)) is meant


@pytest.mark.parametrize(
    ("command", "meant"), [("/ask@Keepsake_bot", True), ("/ask@other_bot", False), ("/ask", False)]
)
def test_a_command_that_names_the_bot_calls_it(command: str, meant: bool) -> None:
    entity = {"type": "bot_command", "offset": 0, "length": len(command)}
    assert CALLED.is_meant(_in_group(f"{command} what is this?", entities=[entity])) is meant
    captioned = _in_group(None, photo=[], caption=f"{command} what is this?", caption_entities=[entity])
    assert CALLED.is_meant(captioned) is meant
