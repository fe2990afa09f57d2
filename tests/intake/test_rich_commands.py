"""A command whose words are only in a rich message is one."""

import json

import pytest

from bot.updates.parsing import UpdateKind, parse
from storage.inbox import RawUpdate
from tests.corpus.people import in_group, private
from tests.intake.updates import NamedBot

COMMAND = {"type": "bot_command", "text": "/summary", "bot_command": "summary"}


def _kind(*blocks: object, **more: object) -> tuple[UpdateKind, str | None]:
    raw = in_group(rich_message={"blocks": list(blocks)}, **more)
    update = json.dumps({"update_id": 1, "message": raw})
    arrival = parse(RawUpdate(1, update), NamedBot())
    assert arrival.update.message is not None
    return arrival.kind, arrival.update.message.text


@pytest.mark.parametrize(
    "text", [COMMAND, [COMMAND, " 3h"], "/summary 3h", {"type": "bold", "text": [COMMAND]}, ["/sum", "mary"]]
)
def test_rich_message_starting_with_command_is_command(text: object) -> None:
    kind, words = _kind({"type": "paragraph", "text": text}, {"type": "paragraph", "text": "more"})
    assert kind is UpdateKind.OTHER
    assert (words or "").startswith("/summary")
    assert (words or "").endswith("\nmore")


def test_stop_in_a_rich_message_overtakes_the_queue() -> None:
    assert _kind({"type": "paragraph", "text": "/stop"})[0] is UpdateKind.STOP


@pytest.mark.parametrize(
    "block",
    [
        {"type": "paragraph", "text": ["see ", COMMAND]},
        {"type": "paragraph", "text": {"type": "code", "text": "/summary"}},
        {"type": "paragraph", "text": "/usr/bin/python fails"},
        {"type": "pre", "text": "/summary"},
        {"type": "blockquote", "blocks": [{"type": "paragraph", "text": COMMAND}]},
        {"type": "list", "items": [{"label": "1.", "blocks": [{"type": "paragraph", "text": COMMAND}]}]},
        {"type": "paragraph", "text": [COMMAND, "/x"]},
        {"type": "paragraph"},
        7,
    ],
)
def test_what_only_shows_a_command_is_words(block: object) -> None:
    assert _kind(block)[0] is UpdateKind.MESSAGE


def test_a_forwarded_rich_command_is_words() -> None:
    origin = {"type": "hidden_user", "date": 1, "sender_user_name": "Eve"}
    assert _kind({"type": "paragraph", "text": COMMAND}, forward_origin=origin)[0] is UpdateKind.MESSAGE


def test_foreign_command_naming_bot_is_message() -> None:
    asked = {"type": "bot_command", "text": "/ask@keepsake_bot", "bot_command": "ask@keepsake_bot"}
    assert _kind({"type": "paragraph", "text": [asked, " what is it?"]})[0] is UpdateKind.MESSAGE
    raw = private(text="/start", rich_message={"blocks": []})
    assert parse(RawUpdate(1, json.dumps({"update_id": 1, "message": raw})), NamedBot()).kind is UpdateKind.MESSAGE
