"""What one member of a group says to the bot alone is told apart from what everybody sees."""

import json

import pytest
from telegram import Message, Update

from bot.handlers.context import answer, edited
from bot.updates.parsing import QueuedUpdate, parse
from bot.updates.raw_updates import seen_by
from sandbox.botapi.wire import Json
from storage.inbox import RawUpdate
from storage.records import ChatKey
from tests.corpus.people import ANN, HELPER, SUPERGROUP, in_group
from tests.corpus.words import RICH
from tests.intake.updates import NamedBot

SHARED = ChatKey(int(str(SUPERGROUP["id"])))
ASIDE = ChatKey.aside(SHARED.telegram_id, 501)


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
    ("raw", "place"),
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
def test_words_are_apart_and_commands_about_the_group(raw: Json, place: ChatKey) -> None:
    assert _arrival({"message": raw}).place == place


def test_its_number_is_no_other_messages_number() -> None:
    message = _message(_whisper(text="hello", reply_to_message=_whisper(text="before") | {"ephemeral_message_id": 6}))
    assert (message.message_id, seen_by(message)) == (-7, 501)
    assert message.reply_to_message is not None
    assert message.reply_to_message.message_id == -6
    assert seen_by(_message(in_group(text="hello", seen_by=501))) is None


@pytest.mark.parametrize(("data", "place"), [("stop:5", ASIDE), ("set:persona", SHARED)])
@pytest.mark.parametrize("number", [{"ephemeral_message_id": 9}, {}])
def test_a_press_under_one_is_whoever_pressed(data: str, place: ChatKey, number: Json) -> None:
    shown = in_group(text="x") | {"message_id": 0, "from": HELPER, "receiver_user": ANN, **number}
    arrival = _arrival(
        {"callback_query": {"id": "3", "from": ANN, "chat_instance": "1", "data": data, "message": shown}}
    )
    assert arrival.place == place
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
