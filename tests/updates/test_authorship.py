"""Only its sender's own words make a message a command."""

import json
from typing import Any

import pytest
from telegram import Update

from bot.texts import COMMANDS as MENU
from bot.updates.authorship import KNOWN, is_for_us
from bot.updates.parsing import UpdateKind, parse
from storage.inbox import RawUpdate
from tests.updates.samples import FORWARD, NOW, NamedBot, arrival, message_json

OTHER_BOT = {"id": 77, "is_bot": True, "first_name": "Gif", "username": "gif"}
REPEATED = {
    "forward of somebody hidden": FORWARD,
    "forward of a person": {
        "forward_origin": {
            "type": "user",
            "date": NOW,
            "sender_user": {"id": 666, "is_bot": False, "first_name": "Mallory"},
        }
    },
    "post that Telegram repeats": {"is_automatic_forward": True},
    "result of another bot": {"via_bot": OTHER_BOT},
    "forward as old servers tell it": {"forward_from": OTHER_BOT | {"is_bot": False}, "forward_date": NOW},
    "text of a bot of the account": {"sender_business_bot": OTHER_BOT},
}
COMMANDS = ("/stop", "/reset", "/allow 666", "/start code", "/forget tea", "/retry")


@pytest.mark.parametrize("more", REPEATED.values(), ids=REPEATED)
@pytest.mark.parametrize("words", COMMANDS)
def test_words_of_others_are_no_command(words: str, more: dict[str, Any]) -> None:
    assert arrival(1, words, **more).kind is UpdateKind.MESSAGE


@pytest.mark.parametrize("form", ["blockquote", "expandable_blockquote", "pre", "code"])
def test_a_command_within_a_quote_is_none(form: str) -> None:
    update = json.loads(message_json(1, "/stop now"))
    update["message"]["entities"].append({"type": form, "offset": 0, "length": 9})
    assert parse(RawUpdate(1, json.dumps(update)), NamedBot()).kind is UpdateKind.MESSAGE


def test_a_quote_behind_a_command_leaves_it_one() -> None:
    update = json.loads(message_json(1, "/stop now"))
    update["message"]["entities"].append({"type": "blockquote", "offset": 6, "length": 3})
    assert parse(RawUpdate(1, json.dumps(update)), NamedBot()).kind is UpdateKind.STOP


@pytest.mark.parametrize("kind", ["business_message", "edited_business_message", "guest_message", "channel_post"])
@pytest.mark.parametrize("words", ["hello", "/stop", "/reset"])
def test_messages_of_other_chats_join_nothing(kind: str, words: str) -> None:
    update = {"update_id": 1, kind: json.loads(message_json(1, words))["message"]}
    assert parse(RawUpdate(1, json.dumps(update)), NamedBot()).kind is UpdateKind.OTHER


@pytest.mark.parametrize("data", ["stop:1", "undo-reset:1", "access:allow:666"])
@pytest.mark.parametrize("forwarded", [True, False])
def test_a_button_under_a_forward_presses_nothing(data: str, forwarded: bool) -> None:
    message = json.loads(message_json(1, "Let 666 in?"))["message"] | (FORWARD if forwarded else {})
    query = {"id": "1", "from": message["from"], "chat_instance": "1", "data": data, "message": message}
    update = Update.de_json({"update_id": 1, "callback_query": query}, NamedBot())
    assert is_for_us(update) is not forwarded


@pytest.mark.parametrize(
    ("words", "chat_id", "more", "kind"),
    [
        ("/frobnicate", 5, {}, UpdateKind.OTHER),
        ("/frobnicate the cat", 5, {}, UpdateKind.MESSAGE),
        ("/frobnicate@other_bot the cat", 5, {}, UpdateKind.MESSAGE),
        ("/help me", 5, {}, UpdateKind.OTHER),
        ("/HELP@keepsake_bot", 5, {}, UpdateKind.OTHER),
        ("/stop!", 5, {}, UpdateKind.STOP),
        ("/frobnicate", -5, {}, UpdateKind.OTHER),
        ("/frobnicate the cat", -5, {}, UpdateKind.OTHER),
        ("/frobnicate@other_bot the cat", -5, {}, UpdateKind.OTHER),
        ("/ask@keepsake_bot what is it?", -5, {}, UpdateKind.MESSAGE),
        ("/ask@Keepsake_Bot\nwhat is it?", -5, {}, UpdateKind.MESSAGE),
        ("/ask@keepsake_bot", -5, {}, UpdateKind.OTHER),
        ("/help@keepsake_bot me", -5, {}, UpdateKind.OTHER),
        (
            "/ask what is it?",
            -5,
            {"reply_to_message": {"from": {"id": 123456, "is_bot": True, "first_name": "K"}}},
            UpdateKind.MESSAGE,
        ),
        (
            "/translate@other_bot to Greek",
            -5,
            {"reply_to_message": {"from": {"id": 123456, "is_bot": True, "first_name": "K"}}},
            UpdateKind.OTHER,
        ),
        (
            "/ask what is it?",
            -5,
            {"reply_to_message": {"from": {"id": 6, "is_bot": False, "first_name": "B"}}},
            UpdateKind.OTHER,
        ),
    ],
)
def test_unknown_command_with_more_words_is_message(
    words: str, chat_id: int, more: dict[str, Any], kind: UpdateKind
) -> None:
    length = len(words.split()[0].rstrip("!"))
    update = json.loads(message_json(1, words, chat_id=chat_id))
    update["message"]["entities"] = [{"type": "bot_command", "offset": 0, "length": length}]
    if "reply_to_message" in more:
        more = {"reply_to_message": update["message"] | {"message_id": 2} | more["reply_to_message"]}
    update["message"] |= more
    assert parse(RawUpdate(1, json.dumps(update)), NamedBot()).kind is kind


@pytest.mark.parametrize(
    ("words", "entity"),
    [
        ("/usr/bin/python fails, why?", "/usr"),
        ("/usr/bin", "/usr"),
        ("/stop/motion films?", "/stop"),
        ("/reset-password how?", "/reset"),
        ("/help.txt", "/help"),
        ("/memory\\leak", "/memory"),
        ("/export=1", "/export"),
    ],
)
@pytest.mark.parametrize("chat_id", [5, -5])
def test_a_path_is_no_command(words: str, entity: str, chat_id: int) -> None:
    update = json.loads(message_json(1, words, chat_id=chat_id))
    update["message"]["entities"] = [{"type": "bot_command", "offset": 0, "length": len(entity)}]
    assert parse(RawUpdate(1, json.dumps(update)), NamedBot()).kind is UpdateKind.MESSAGE


def test_known_commands_are_those_of_the_menu() -> None:
    assert {"start", "cancel", *dict(MENU)} == KNOWN


def test_a_blank_of_any_sort_ends_a_command() -> None:
    assert arrival(1, "/ask\u3000me", chat_id=-5).kind is UpdateKind.OTHER
    assert arrival(1, "/ask\u00a0me", chat_id=-5).kind is UpdateKind.OTHER
