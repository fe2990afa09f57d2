"""The update of the button beside a draft.

What one member of a group says to the bot alone is told apart from what everybody sees.

A command whose words are only in a rich message is one.
"""

import json

import pytest
from telegram import Bot, Message, Update

from bot.handlers.notices import answer, edited
from bot.updates.parsing import QueuedUpdate, UpdateKind, parse
from bot.updates.raw_updates import STOPPED, seen_by, stopped_draft
from sandbox.botapi.wire import Json
from storage.inbox import RawUpdate
from storage.records import ChatKey
from tests.corpus.people import ANN, HELPER, SUPERGROUP, in_group, private
from tests.corpus.words import RICH
from tests.updates.samples import NamedBot

CHAT = {"id": 7, "type": "private"}
SHARED = ChatKey(int(str(SUPERGROUP["id"])))
ASIDE = ChatKey.aside(SHARED.telegram_id, 501)
COMMAND = {"type": "bot_command", "text": "/summary", "bot_command": "summary"}


@pytest.mark.parametrize(
    ("told", "stopped"),
    [
        ({"chat": CHAT, "draft_id": 3}, (ChatKey(7), 3)),
        ({"chat": CHAT, "draft_id": 3, "message_thread_id": 5}, (ChatKey(7, 5), 3)),
        ({"chat": {}, "draft_id": 3}, None),
        ({"chat": CHAT, "draft_id": "3"}, None),
        ("nonsense", None),
        (None, None),
    ],
)
def test_a_stopped_draft_is_read_or_passed_over(told: object, stopped: object) -> None:
    raw = json.dumps({"update_id": 1, STOPPED: told})
    update = Update.de_json(json.loads(raw), None)
    assert stopped_draft(update) == stopped
    assert (parse(RawUpdate(1, raw), Bot("1:x")).kind is UpdateKind.STOP) == (stopped is not None)


def _whisper(**fields: object) -> Json:
    return in_group(**fields) | {"message_id": 0, "ephemeral_message_id": 7, "receiver_user": HELPER}


def _arrival(update: Json) -> QueuedUpdate:
    return parse(RawUpdate(1, json.dumps({"update_id": 1, **update})), NamedBot())


def _message(raw: Json) -> Message:
    message = _arrival({"message": raw}).update.message
    assert message is not None
    return message


def _command(text: str, **fields: object) -> Json:
    entity = {"type": "bot_command", "offset": 0, "length": len(text.split()[0])}
    return _whisper(text=text, entities=[entity], **fields)


@pytest.mark.parametrize(
    ("raw", "key"),
    [
        (_whisper(text="hello"), ASIDE),
        (_whisper(rich_message=RICH), ASIDE),
        (_command("/reset"), ASIDE),
        (_command("/ask what is it?"), ASIDE),
        (_command("/memory"), SHARED),
        (_command("/settings@keepsake_bot"), SHARED),
        (in_group(text="hello", receiver_user=HELPER), SHARED),
    ],
)
def test_words_are_apart_and_commands_about_the_group(raw: Json, key: ChatKey) -> None:
    assert _arrival({"message": raw}).key == key


def test_its_number_is_no_other_messages_number() -> None:
    message = _message(_whisper(text="hello", reply_to_message=_whisper(text="before") | {"ephemeral_message_id": 6}))
    assert (message.message_id, seen_by(message)) == (-7, 501)
    assert message.reply_to_message is not None
    assert message.reply_to_message.message_id == -6
    assert seen_by(_message(in_group(text="hello", seen_by=501))) is None


@pytest.mark.parametrize(("data", "key"), [("stop:5", ASIDE), ("set:persona", SHARED)])
@pytest.mark.parametrize("number", [{"ephemeral_message_id": 9}, {}])
def test_a_press_under_one_is_whoever_pressed(data: str, key: ChatKey, number: Json) -> None:
    shown = in_group(text="x") | {"message_id": 0, "from": HELPER, "receiver_user": ANN, **number}
    arrival = _arrival(
        {"callback_query": {"id": "3", "from": ANN, "chat_instance": "1", "data": data, "message": shown}}
    )
    assert arrival.key == key
    query = arrival.update.callback_query
    assert query is not None
    assert isinstance(query.message, Message)
    notice = answer(query.message, "told", press=query)
    assert (notice.receiver, notice.query, notice.reply_to) == (501, "3", -9 if number else None)
    assert (edited(query.message, "told").edits, edited(query.message, "told").receiver) == (-9 if number else 0, 501)


@pytest.mark.parametrize("wrong", [7, [], {"message_id": 0}, {"message_id": 0, "ephemeral_message_id": "x"}])
def test_unexpected_json_is_left_unchanged(wrong: object) -> None:
    with pytest.raises(ValueError, match="parsed"):
        _arrival({"message": wrong})
    assert isinstance(_arrival({"callback_query": None}).update, Update)


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
