"""Each person who writes to a channel has a conversation of their own there."""

import asyncio
import time

from sandbox.botapi import Chat, Message, User
from sandbox.model import Say
from tests.e2e.conftest import PATIENCE_S, Stage
from tests.e2e.groups import user_messages
from tests.e2e.owners import asked, dump, handled, pressed, query
from tests.e2e.quick import hurry as hurry


async def _say(stage: Stage, who: User, chat: Chat, text: str) -> Message:
    """Write to the channel; returns the answer, which is in the topic of whoever wrote."""
    count = len(chat.replies)
    said = await who.say(chat, text)
    reply = (await chat.wait(count + 1, PATIENCE_S))[-1]
    assert said.direct_topic is not None
    assert (reply.direct_topic, reply.thread) == (said.direct_topic, None)
    return reply


async def test_nobodys_words_are_in_anothers_prompt(stage: Stage, hurry: None) -> None:
    chat, bob = stage.telegram.direct_messages("News"), stage.telegram.user("Bob")
    await stage.start(GROUP_TRIGGER="always")
    said = await stage.ann.say(chat, "my word is crimson")
    await chat.wait(1, PATIENCE_S)
    await _say(stage, bob, chat, "what is my word?")
    await stage.ann.edit(said, "my word is scarlet")
    await chat.wait(lambda chat: "scarlet" in chat.replies[0].text, PATIENCE_S)
    await _say(stage, bob, chat, "and now?")
    of_bob = [request for request in stage.model.requests if b"my word?" in request.body]
    assert len(of_bob) == 2
    assert not any(b"crimson" in request.body or b"scarlet" in request.body for request in of_bob)
    await _say(stage, stage.ann, chat, "say it")
    assert "scarlet" in user_messages(stage.model.requests[-1])[0]
    refused = [call.method for call in stage.telegram.calls if not call.ok]
    assert refused == []


async def test_each_person_resets_and_exports_their_own(stage: Stage, hurry: None) -> None:
    chat, bob = stage.telegram.direct_messages("News"), stage.telegram.user("Bob")
    await stage.start(GROUP_TRIGGER="always")
    await _say(stage, stage.ann, chat, "my word is crimson")
    await _say(stage, bob, chat, "my word is blue")
    reset = await _say(stage, bob, chat, "/reset")
    await _say(stage, bob, chat, "hello")
    assert b"blue" not in stage.model.requests[-1].body
    exported = await _say(stage, stage.ann, chat, "/export json")
    assert exported.document is not None
    assert b"crimson" in exported.document
    assert b"blue" not in exported.document
    assert await pressed(stage, bob, reset, "Undo") == "Undone. I remember everything again."
    await _say(stage, bob, chat, "hello again")
    assert b"blue" in stage.model.requests[-1].body


async def test_channel_direct_messages_admit_persons_not_channel(stage: Stage, hurry: None) -> None:
    """Access to a channel's direct messages is decided per person."""
    chat, bob = stage.telegram.direct_messages("News"), stage.telegram.user("Bob")
    await stage.start(ACCESS="approval", OWNER_IDS=str(stage.ann.id), GROUP_TRIGGER="always")
    assert "asked" in (await _say(stage, bob, chat, "hello")).text
    question = await asked(stage, stage.home)
    assert "Bob" in question.text
    await pressed(stage, stage.ann, question, "Allow")
    await _say(stage, bob, chat, "hello")
    assert len(stage.model.requests) == 1
    cleo = stage.telegram.user("Cleo")
    await _say(stage, cleo, chat, "and me?")
    assert len(stage.model.requests) == 1


async def test_buttons_and_retries_stay_in_their_topic(stage: Stage, hurry: None) -> None:
    chat, bob = stage.telegram.direct_messages("News"), stage.telegram.user("Bob")
    stage.model.script(Say("of Ann"), Say("of Bob"), Say("of Bob anew"))
    await stage.start(GROUP_TRIGGER="always")
    await _say(stage, stage.ann, chat, "hello")
    await _say(stage, bob, chat, "hello")
    await bob.say(chat, "/retry")
    await chat.wait(lambda chat: [one.text for one in chat.replies] == ["of Ann", "of Bob anew"], PATIENCE_S)
    assert [(one.text, one.direct_topic) for one in chat.replies] == [
        ("of Ann", chat.messages[0].direct_topic),
        ("of Bob anew", chat.messages[2].direct_topic),
    ]


async def test_pending_reply_goes_to_topic_after_restart(stage: Stage, hurry: None) -> None:
    chat = stage.telegram.direct_messages("News")
    await stage.start(GROUP_TRIGGER="always")
    await _say(stage, stage.ann, chat, "hello")
    await stage.end()
    query(
        stage,
        "INSERT INTO notices (telegram_id, thread_id, direct, private, text)"
        " SELECT telegram_id, thread_id, direct, 0, 'told late' FROM chats",
    )
    query(stage, "UPDATE turns SET state = 'complete' WHERE role = 'assistant'")
    query(stage, "DELETE FROM turn_messages WHERE delivered_end > 0")
    await stage.start(GROUP_TRIGGER="always")
    replies = await chat.wait(3, PATIENCE_S)
    assert {reply.direct_topic for reply in replies} == {chat.messages[0].direct_topic}


async def test_who_refuses_answers_silences_nobody_else(stage: Stage, hurry: None) -> None:
    chat, bob = stage.telegram.direct_messages("News"), stage.telegram.user("Bob")
    await stage.start(GROUP_TRIGGER="always")
    await _say(stage, stage.ann, chat, "hello")
    refused = "Forbidden: user has blocked the channel"
    stage.telegram.faults.add("sendMessage", 99, code=403, description=refused)
    await bob.say(chat, "hello")
    while query(stage, "SELECT state FROM turns WHERE role = 'assistant'") != [("sent",)] * 2:  # noqa: ASYNC110
        await asyncio.sleep(0.02)
    assert query(stage, "SELECT gone FROM chats") == [(0,), (0,)]


async def test_bot_sends_no_greeting_without_topic(stage: Stage, hurry: None) -> None:
    chat = stage.telegram.direct_messages("News")
    await stage.start()
    bot = {"id": 123456, "is_bot": True, "first_name": "Keepsake", "username": "keepsake_sandbox_bot"}
    change = {
        "chat": {"id": chat.id, "type": "supergroup", "title": "News", "is_direct_messages": True},
        "from": {"id": stage.ann.id, "is_bot": False, "first_name": "Ann"},
        "date": int(time.time()),
        "old_chat_member": {"status": "left", "user": bot},
        "new_chat_member": {"status": "member", "user": bot},
    }
    stage.telegram.push_update({"my_chat_member": change})
    await handled(stage)
    assert [call.method for call in stage.telegram.calls if not call.ok] == []
    assert chat.replies == []


async def test_words_outside_of_any_topic_reach_nobody(stage: Stage, hurry: None) -> None:
    chat = stage.telegram.direct_messages("News")
    await stage.start(GROUP_TRIGGER="always")
    for number, one in enumerate((stage.ann, stage.telegram.user("Bob"))):
        said = {
            "message_id": 900 + number,
            "date": int(time.time()),
            "chat": {"id": chat.id, "type": "supergroup", "title": "News", "is_direct_messages": True},
            "from": {"id": one.id, "is_bot": False, "first_name": one.name},
            "text": f"my word is crimson {number}",
        }
        stage.telegram.push_update({"message": said})
        stage.telegram.push_update({"edited_message": said | {"edit_date": int(time.time()), "text": "crimson"}})
    await handled(stage)
    await _say(stage, stage.ann, chat, "hello")
    assert len(stage.model.requests) == 1
    assert "crimson" not in dump(stage)
