"""Who is blocked is not heard in the name of a channel either."""

import time

import pytest

from bot.updates import lane_queue
from sandbox.botapi import Chat, User
from sandbox.botapi.wire import Json
from sandbox.model import HoldStream, Say
from tests.e2e.conftest import PATIENCE_S, Stage
from tests.e2e.groups import anonymously, group
from tests.e2e.owners import dump, handled, query
from tests.e2e.quick import hurry as hurry
from tests.selection import first

CHANNEL = {"id": -1_001_234, "type": "channel", "title": "Mallory's"}
FAKE = {"id": 136817688, "is_bot": True, "first_name": "Channel", "username": "Channel_Bot"}


def _as_channel(stage: Stage, chat: Chat, text: str, number: int, **more: object) -> Json:
    message: Json = {
        "message_id": number,
        "date": int(time.time()),
        "chat": {"id": chat.id, "type": "supergroup", "title": chat.title},
        "from": FAKE,
        "sender_chat": CHANNEL,
        "text": text,
        **more,
    }
    stage.telegram.push_update({"message": message})
    return message


async def _told(stage: Stage, words: str) -> str:
    before = len(stage.home.replies)
    await stage.ann.say(stage.home, words)
    return (await stage.replies(before + 1))[before]


async def test_no_channel_speaks_for_who_is_blocked(stage: Stage, hurry: None) -> None:
    chat, [_, mallory] = group(stage, "Mallory")
    stage.model.always(Say("fine"))
    await stage.start(OWNER_IDS=str(stage.ann.id), GROUP_TRIGGER="always")
    _as_channel(stage, chat, "hello", 800)
    await chat.wait(1, PATIENCE_S)
    await _told(stage, f"/block {mallory.id}")
    unheard = _as_channel(stage, chat, "still mallory here", 801)
    stage.telegram.push_update({"edited_message": unheard | {"text": "still mallory", "edit_date": int(time.time())}})
    await handled(stage)
    await stage.ann.say(chat, "who was that?", reply_to=None, reply_to_message=unheard)
    await chat.wait(2, PATIENCE_S)
    anonymously(stage, chat, "an administrator")
    await chat.wait(3, PATIENCE_S)
    assert not any(b"still mallory" in request.body for request in stage.model.requests)
    assert "has access" in await _told(stage, f"/allow {CHANNEL['id']}")
    _as_channel(stage, chat, "a friendly channel", 802)
    await chat.wait(4, PATIENCE_S)


async def test_linked_channel_posts_are_recorded_in_group(stage: Stage, hurry: None) -> None:
    """Blocking a person who writes as the channel does not silence the automatic posts of that channel."""
    chat, [_, mallory] = group(stage, "Mallory")
    await stage.start(OWNER_IDS=str(stage.ann.id), GROUP_TRIGGER="always")
    await _told(stage, f"/block {mallory.id}")
    origin = {"type": "channel", "date": 1, "chat": CHANNEL, "message_id": 5}
    _as_channel(stage, chat, "the news", 800, is_automatic_forward=True, forward_origin=origin)
    await chat.wait(1, PATIENCE_S)
    assert "the news" in stage.model.requests[-1].last_words


async def test_a_channel_is_blocked_by_its_forward(stage: Stage, hurry: None) -> None:
    chat, _ = group(stage, "Bob")
    stage.model.always(Say("fine"))
    await stage.start(OWNER_IDS=str(stage.ann.id), GROUP_TRIGGER="always")
    origin = {"type": "channel", "date": 1, "chat": CHANNEL, "message_id": 5}
    forwarded = await stage.ann.say(stage.home, "the news", forward_origin=origin)
    await stage.replies(1)
    await stage.ann.say(stage.home, "/block", reply_to=forwarded)
    assert "is blocked now" in (await stage.replies(2))[1]
    _as_channel(stage, chat, "more news", 800)
    _as_channel(stage, chat, "its own news", 801, is_automatic_forward=True, forward_origin=origin)
    await handled(stage)
    assert chat.replies == []


@pytest.mark.parametrize("number", first([1087968824, 136817688, 777000]))
async def test_a_number_of_many_is_not_blocked(stage: Stage, hurry: None, number: int) -> None:
    chat, _ = group(stage)
    stage.model.always(Say("fine"))
    await stage.start(OWNER_IDS=str(stage.ann.id), GROUP_TRIGGER="always")
    assert "isn't one person" in await _told(stage, f"/block {number}")
    anonymously(stage, chat, "an administrator")
    await chat.wait(1, PATIENCE_S)


async def test_forwards_of_the_blocked_say_nothing(stage: Stage, hurry: None) -> None:
    mallory = stage.telegram.user("Mallory")
    stage.model.always(Say("fine"))
    await stage.start(OWNER_IDS=str(stage.ann.id))
    await _told(stage, f"/block {mallory.id}")
    sender = {"id": mallory.id, "is_bot": False, "first_name": "Mallory of crimson"}
    origin = {"type": "user", "date": 1, "sender_user": sender}
    forwarded = await stage.ann.say(stage.home, "my crimson words", forward_origin=origin)
    await stage.replies(2)
    await stage.ann.say(stage.home, "what is this?", reply_to=forwarded)
    await stage.replies(3)
    external = {"origin": origin}
    await stage.ann.say(stage.home, "and this?", external_reply=external, quote={"text": "crimson", "position": 0})
    await stage.replies(4)
    assert not any(b"crimson" in request.body for request in stage.model.requests)
    assert b"whom I do not hear" in stage.model.requests[0].body


async def test_who_is_blocked_is_told_of_no_queue(stage: Stage, hurry: None, monkeypatch: pytest.MonkeyPatch) -> None:
    chat, [_, mallory] = group(stage, "Mallory")
    hold = HoldStream("headers")
    stage.model.script(Say("fine", hold=hold))
    await stage.start(OWNER_IDS=str(stage.ann.id), GROUP_TRIGGER="always")
    await _told(stage, f"/block {mallory.id}")
    await stage.ann.say(chat, "hello")
    await hold.reached(PATIENCE_S)
    monkeypatch.setattr(lane_queue, "MOST_WAITING", 0)
    await mallory.say(chat, "crimson")
    await stage.fetched()
    hold.release()
    await chat.wait(1, PATIENCE_S)
    await handled(stage)
    assert "crimson" not in dump(stage)
    monkeypatch.setattr(lane_queue, "MOST_WAITING", 1000)
    stage.model.script(Say("once more"))
    await stage.ann.say(chat, "hello again")
    await chat.wait(lambda chat: chat.replies[-1].text == "once more", PATIENCE_S)
    assert [reply.text for reply in chat.replies] == ["fine", "once more"]


async def test_block_by_reply_blocks_the_author(stage: Stage, hurry: None) -> None:
    """The author is whoever sent the message: a person, or a channel somebody writes as."""
    chat, [ann, bob] = group(stage, "Bob")
    stage.model.always(Say("fine"))
    await stage.start(OWNER_IDS=str(ann.id))
    said = await bob.say(chat, "hello all, and one thing more")
    forwarded = await bob.forward(chat, "their words", "Mallory")
    quote = {"text": "one thing", "position": 15, "is_manual": True}
    masked = _as_channel(stage, chat, "as a channel", 800)
    origin = {"type": "channel", "date": 1, "chat": CHANNEL, "message_id": 5}
    linked = _as_channel(stage, chat, "the news", 801, is_automatic_forward=True, forward_origin=origin)
    anonymous = masked | {"sender_chat": {"id": chat.id, "type": "supergroup", "title": chat.title}}

    async def told(by: User, command: str, **reply: object) -> str:
        before = len(chat.replies)
        await by.say(chat, command, **reply)  # type: ignore[arg-type]  # fields of the message
        return (await chat.wait(before + 1, PATIENCE_S))[before].text

    for target in (said, forwarded):
        assert await told(ann, "/block", reply_to=target, quote=quote) == f"“Bob” ({bob.id}) is blocked now."
        assert "has access now" in await told(ann, "/allow", reply_to=target)
    assert await told(ann, "/block", reply_to_message=masked) == f"“Mallory's” ({CHANNEL['id']}) is blocked now."
    assert "/allow" not in await told(ann, "/allow", reply_to_message=masked)
    mine = chat.replies[-1]
    nobodys = "I can't tell who wrote that"
    assert (await told(ann, "/block", reply_to_message=linked)).startswith(nobodys)
    assert (await told(ann, "/block", reply_to_message=anonymous)).startswith(nobodys)
    assert (await told(ann, "/block", reply_to=mine)).startswith(nobodys)
    own = await ann.say(chat, "mine")
    assert "is an owner" in await told(ann, "/block", reply_to=own)
    await bob.say(chat, "/block", reply_to=own)
    await handled(stage)
    assert query(stage, "SELECT standing FROM access ORDER BY telegram_id") == [("allowed",), ("allowed",)]


async def test_a_reply_to_another_chat_blocks_its_author(stage: Stage, hurry: None) -> None:
    await stage.start(OWNER_IDS=str(stage.ann.id))
    user = {"id": 666, "is_bot": False, "first_name": "Mallory"}
    news = {"type": "channel", "date": 1, "chat": CHANNEL, "message_id": 5}
    friends = {"id": -1_007, "type": "supergroup", "title": "Friends"}
    outside = [
        ({"origin": {"type": "user", "date": 1, "sender_user": user}, "chat": friends}, "(666) is blocked"),
        ({"origin": news, "chat": CHANNEL}, f"({CHANNEL['id']}) is blocked"),
        ({"origin": news, "chat": friends}, "can't tell who wrote"),
        ({"origin": {"type": "chat", "date": 1, "sender_chat": friends}, "chat": friends}, "can't tell who wrote"),
        (
            {"origin": {"type": "hidden_user", "date": 1, "sender_user_name": "M"}, "chat": friends},
            "can't tell who wrote",
        ),
    ]
    for reply, words in outside:
        before = len(stage.home.replies)
        await stage.ann.say(stage.home, "/block", external_reply=reply)
        assert words in (await stage.replies(before + 1))[-1]
