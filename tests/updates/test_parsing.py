"""What belongs together is seen from the updates alone."""

import json

import pytest

from bot.updates.parsing import UpdateKind, parse
from storage.inbox import RawUpdate
from storage.records import ChatKey
from tests.updates.samples import FORWARD, NOW, NamedBot, arrival


def test_chat_and_its_topics_have_separate_keys() -> None:
    assert arrival(1, "hi").key == ChatKey(5)
    topic = arrival(2, "hi", chat_id=-100, message_thread_id=7, is_topic_message=True)
    assert topic.key == ChatKey(-100, 7)
    reply_thread_only = arrival(3, "hi", chat_id=-100, message_thread_id=7)
    assert reply_thread_only.key == ChatKey(-100)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("hello", UpdateKind.MESSAGE),
        ("/reset", UpdateKind.OTHER),
        ("/stop", UpdateKind.STOP),
        ("/stop@keepsake_bot please", UpdateKind.STOP),
        ("/stop@other_bot", UpdateKind.OTHER),
        ("/stopwatch", UpdateKind.OTHER),
    ],
)
def test_commands_are_told_from_words(text: str, kind: UpdateKind) -> None:
    assert arrival(1, text).kind is kind


def test_button_belongs_to_chat_of_its_message() -> None:
    query = {"id": "9", "from": {"id": 5, "is_bot": False, "first_name": "Ann"}, "chat_instance": "1", "data": "x"}
    message = {"message_id": 3, "date": NOW, "chat": {"id": 5, "type": "private"}, "text": "press"}
    raw = RawUpdate(1, json.dumps({"update_id": 1, "callback_query": {**query, "message": message}}))
    pressed = parse(raw, NamedBot())
    assert (pressed.key, pressed.kind) == (ChatKey(5), UpdateKind.OTHER)


@pytest.mark.parametrize("raw", ["{}", "not json", '{"update_id": 1, "message": {"message_id": 1}}', "[]"])
def test_unparseable_update_raises_value_error(raw: str) -> None:
    with pytest.raises(ValueError, match="update 1 can't be parsed"):
        parse(RawUpdate(1, raw), NamedBot())


@pytest.mark.parametrize("number", [str(2**63), str(-(2**63) - 1), "9" * 10_000])
@pytest.mark.parametrize("name", ["message_id", "chat"])
def test_number_too_large_to_store_is_unparseable(name: str, number: str) -> None:
    fields = {"message_id": "3", "chat": "5"} | {name: number}
    message = '{"message_id": %s, "date": 1, "text": "hi", "chat": {"id": %s, "type": "private"}}'
    raw = '{"update_id": 1, "message": ' + message % (fields["message_id"], fields["chat"]) + "}"
    with pytest.raises(ValueError, match="update 1 can't be parsed"):
        parse(RawUpdate(1, raw), NamedBot())


def test_messages_in_private_join_and_commands_do_not() -> None:
    assert arrival(2, "b").joins(arrival(1, "a"))
    assert not arrival(2, "/reset").joins(arrival(1, "a"))
    assert not arrival(2, "b").joins(arrival(1, "/reset"))


def test_in_a_group_only_one_senders_messages_join() -> None:
    assert arrival(2, "b", chat_id=-1, sender=5).joins(arrival(1, "a", chat_id=-1, sender=5))
    assert not arrival(2, "b", chat_id=-1, sender=6).joins(arrival(1, "a", chat_id=-1, sender=5))


def test_parts_of_one_action_belong_together() -> None:
    """The parts of one paste; a comment and the forward that comes with it."""
    cut = arrival(1, "x" * 4090)
    assert cut.may_continue
    assert arrival(2, "rest").continues(cut)
    comment, forward = arrival(1, "look at this"), arrival(2, "the news", **FORWARD)
    assert not comment.may_continue
    assert forward.continues(comment)
    assert forward.may_continue


def test_later_or_unrelated_message_is_separate_action() -> None:
    assert not arrival(2, "b").continues(arrival(1, "a"))
    assert not arrival(2, "rest", date=NOW + 5).continues(arrival(1, "x" * 4090))
