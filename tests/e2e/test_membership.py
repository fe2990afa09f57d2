"""Coming and going, administrators, and groups that move."""

import asyncio
import time
from collections.abc import Mapping
from typing import Any

import pytest

from sandbox.botapi import Chat, User
from sandbox.model import Fail, Say
from tests.e2e import tables
from tests.e2e.conftest import PATIENCE_S, Stage
from tests.e2e.groups import anonymously, group, user_messages
from tests.e2e.owners import dump, handled
from tests.e2e.quick import hurry as hurry
from tests.selection import first

BOT = {"id": 123456, "is_bot": True, "first_name": "Keepsake", "username": "keepsake_sandbox_bot"}


def _member(status: str) -> Mapping[str, Any]:
    more: dict[str, Any] = {"kicked": {"until_date": 0}}.get(status, {})
    return {"status": status, "user": BOT, **more}


def _moved(stage: Stage, chat: Chat, before: str, after: str, kind: str = "supergroup") -> None:
    """The bot was ``before`` in the chat, and is ``after`` now."""
    user = {"id": stage.ann.id, "is_bot": False, "first_name": "Ann", "language_code": "en"}
    change = {
        "chat": {"id": chat.id, "type": kind, "title": chat.title},
        "from": user,
        "date": int(time.time()),
        "old_chat_member": _member(before),
        "new_chat_member": _member(after),
    }
    stage.telegram.push_update({"my_chat_member": change})


async def test_group_is_greeted_once_with_instructions(stage: Stage, hurry: None) -> None:
    await stage.start()
    friends, [ann] = group(stage)
    _moved(stage, friends, "left", "member")
    [greeting] = await friends.wait(1, PATIENCE_S)
    assert "@keepsake_sandbox_bot" in greeting.text
    assert "remember what's said in between" in greeting.text
    _moved(stage, friends, "member", "left")
    _moved(stage, friends, "left", "member")
    await ann.say(friends, "Keepsake, hello")
    assert len(await friends.wait(2, PATIENCE_S)) == 2


async def test_blocked_bot_stays_silent_until_it_returns(stage: Stage, hurry: None) -> None:
    await stage.start()
    await stage.ann.say(stage.home, "my name is Ann")
    await stage.replies(1)
    await stage.ann.block()
    await stage.fetched()
    sent = len(stage.telegram.calls)
    await stage.end()
    await stage.start()
    await stage.ready()
    assert not [call for call in stage.telegram.calls[sent:] if call.method.startswith("send")]
    await stage.ann.unblock()
    await stage.ann.say(stage.home, "who am I?")
    await stage.replies(2)
    assert any("my name is Ann" in words for words in user_messages(stage.model.requests[1]))


async def test_answer_is_abandoned_where_bot_was_removed(stage: Stage, hurry: None) -> None:
    stage.model.script(Say("word " * 40, delay=0.02))
    await stage.start()
    await stage.ann.say(stage.home, "hello")
    await stage.model.wait_requests(1, PATIENCE_S)
    await stage.ann.block()
    await stage.fetched()
    await stage.telegram.wait_call("sendMessage", lambda call: not call.ok, PATIENCE_S)
    refused = len([call for call in stage.telegram.calls if call.method == "sendMessage"])
    await stage.end()
    await stage.start()
    await stage.ready()
    assert len([call for call in stage.telegram.calls if call.method == "sendMessage"]) == refused


@pytest.mark.parametrize("command", first(["/reset", "/forget boat", "/settings"]))
async def test_only_group_administrators_reset_and_change_settings(stage: Stage, hurry: None, command: str) -> None:
    await stage.start()
    friends, [ann, bob] = group(stage, "Bob")
    await ann.say(friends, "Keepsake, my boat is green")
    await friends.wait(1, PATIENCE_S)
    await bob.say(friends, command)
    refused = (await friends.wait(2, PATIENCE_S))[1]
    assert "Only an administrator" in refused.text
    await ann.say(friends, command)
    allowed = (await friends.wait(3, PATIENCE_S))[2]
    assert "Only an administrator" not in allowed.text
    await bob.press(allowed, allowed.buttons[0].text)
    answered = await stage.telegram.wait_call("answerCallbackQuery", timeout=PATIENCE_S)
    assert "Only an administrator" in str(answered.params["text"])


async def test_unheard_talk_is_kept_nowhere(stage: Stage, hurry: None) -> None:
    """Neither in the transcript nor as the update's JSON, also when it is edited."""
    await stage.start(GROUP_LISTEN="off")
    friends, [ann, bob] = group(stage, "Bob")
    said = await bob.say(friends, "the password is zyxqwvut")
    await bob.edit(said, "the password is zyxqwvutsr")
    await ann.say(friends, "Keepsake, hello")
    await friends.wait(1, PATIENCE_S)
    await stage.end()
    kept = tables.read(stage, "SELECT raw FROM inbox UNION ALL SELECT content FROM turns")
    assert [row for row in kept if "zyxqwvut" in str(row)] == []


async def test_buttons_stop_for_who_left(stage: Stage, hurry: None) -> None:
    stage.model.script(Fail(401, "no"), Say("green"))
    await stage.start()
    friends, [_, bob] = group(stage, "Bob")
    await bob.say(friends, "Keepsake, which colour?")
    [failed] = await friends.wait(lambda chat: bool(chat.replies and chat.replies[0].buttons), PATIENCE_S)
    asked = len(stage.model.requests)
    stage.telegram.leave(friends, bob)
    await bob.press(failed, failed.buttons[0].text)
    answered = await stage.telegram.wait_call("answerCallbackQuery", timeout=PATIENCE_S)
    assert "no longer works" in str(answered.params["text"])
    assert len(stage.model.requests) == asked


async def test_demoted_administrator_deletes_nothing(stage: Stage, hurry: None) -> None:
    await stage.start()
    friends, [ann, bob] = group(stage, "Bob")
    await bob.say(friends, "Keepsake, my boat is green")
    await friends.wait(1, PATIENCE_S)
    await ann.say(friends, "/forget boat")
    shown = (await friends.wait(2, PATIENCE_S))[1]
    stage.telegram.demote(friends, ann)
    await ann.press(shown, "Forget it")
    answered = await stage.telegram.wait_call("answerCallbackQuery", timeout=PATIENCE_S)
    assert "Only an administrator" in str(answered.params["text"])


async def test_member_forgets_only_their_own_words(stage: Stage, hurry: None) -> None:
    await stage.start()
    friends, [ann, bob] = group(stage, "Bob")
    await ann.say(friends, "Keepsake, the boat is green")
    await friends.wait(1, PATIENCE_S)
    said = await bob.say(friends, "Keepsake, the boat is mine")
    await friends.wait(2, PATIENCE_S)
    await bob.say(friends, "/forget boat")
    shown = (await friends.wait(3, PATIENCE_S))[2]
    assert "the boat is mine" in shown.text
    assert "the boat is green" not in shown.text
    await bob.press(shown, "Keep it")
    await friends.wait(lambda chat: chat.message(shown.id).text != shown.text, PATIENCE_S)
    await bob.say(friends, "/forget", reply_to=said)
    shown = (await friends.wait(4, PATIENCE_S))[3]
    await bob.press(shown, "Forget it")
    await friends.wait(lambda chat: chat.message(shown.id).text != shown.text, PATIENCE_S)
    assert "Forgotten" in friends.message(shown.id).text
    await ann.say(friends, "Keepsake, and now?")
    await friends.wait(5, PATIENCE_S)
    sent = stage.model.requests[-1].body.decode()
    assert "the boat is green" in sent
    assert "the boat is mine" not in sent


async def test_an_anonymous_administrator_is_one(stage: Stage, hurry: None) -> None:
    await stage.start()
    friends, [ann] = group(stage)
    await ann.say(friends, "Keepsake, hello")
    await friends.wait(1, PATIENCE_S)
    anonymously(stage, friends, "/reset")
    assert "afresh" in (await friends.wait(2, PATIENCE_S))[1].text


@pytest.mark.parametrize("first", first(["migrate_to_chat_id", "migrate_from_chat_id"]))
async def test_supergroup_keeps_the_memory_of_its_group(stage: Stage, hurry: None, first: str) -> None:
    await stage.start()
    old, [ann, bob] = group(stage, "Bob")
    await ann.say(old, "Keepsake, my boat is green")
    await old.wait(lambda chat: bool(chat.replies) and not chat.replies[0].buttons, PATIENCE_S)
    new = stage.telegram.group("Friends above", [ann, bob])
    await bob.say(new, "we are a supergroup now")
    await stage.fetched()
    orders = {"migrate_to_chat_id": (old, new.id), "migrate_from_chat_id": (new, old.id)}
    for name in (first, *(orders.keys() - {first})):
        where, other = orders[name]
        stage.telegram.push_update({"message": _service(ann, where, name, other)})
        await stage.fetched()
    while _chats(stage) != [new.id]:  # noqa: ASYNC110 - the move shows in the database only
        await asyncio.sleep(0.02)
    await ann.say(new, "Keepsake, which colour?")
    await stage.model.wait_requests(2, PATIENCE_S)
    words = " ".join(user_messages(stage.model.requests[1]))
    assert "my boat is green" in words
    assert "we are a supergroup now" in words
    await ann.say(new, "/search supergroup")
    await new.wait(lambda chat: any("we are a supergroup" in one.text for one in chat.replies[1:]), PATIENCE_S)
    assert len(stage.model.requests) == 2


def _chats(stage: Stage) -> list[int]:
    return [number for (number,) in tables.read(stage, "SELECT telegram_id FROM chats")]


def _service(user: User, chat: Chat, name: str, other: int) -> dict[str, Any]:
    return {
        "message_id": 800,
        "date": int(time.time()),
        "chat": {"id": chat.id, "type": "supergroup", "title": chat.title},
        "from": {"id": user.id, "is_bot": False, "first_name": user.name},
        name: other,
    }


async def test_other_bots_are_answered_a_limited_time(stage: Stage, hurry: None) -> None:
    """They are answered when they call, but two bots never talk for ever."""
    await stage.start(GROUP_TRIGGER="always")
    friends, [ann] = group(stage)

    def robot(number: int, text: str) -> None:
        sender = {"id": 777, "is_bot": True, "first_name": "Robot", "username": "robot_bot"}
        chat = {"id": friends.id, "type": "supergroup", "title": "Friends"}
        message = {"message_id": 500 + number, "date": int(time.time()), "chat": chat, "from": sender, "text": text}
        stage.telegram.push_update({"message": message})

    robot(0, "weather: fine")
    await handled(stage)  # alone: together with the next one it would be a question of two messages
    for number in range(1, 6):
        robot(number, f"Keepsake, round {number}")
        await stage.fetched()
        if number <= 3:
            await friends.wait(number, PATIENCE_S)
    await ann.say(friends, "/memory")
    await friends.wait(4, PATIENCE_S)
    assert len(stage.model.requests) == 3


async def test_privacy_says_whether_the_group_is_listened_to(stage: Stage, hurry: None) -> None:
    await stage.start()
    friends, [ann] = group(stage)
    await ann.say(friends, "/privacy")
    await ann.say(stage.home, "/privacy")
    assert "between messages to me" in (await friends.wait(1, PATIENCE_S))[0].text
    private = (await stage.replies(1))[0]
    assert "In this group" not in private
    assert "these servers receive" in private
    assert "127.0.0.1." in private
    assert "backed up" not in private
    assert "log may contain" not in private


async def test_privacy_is_true_of_this_installation(stage: Stage, hurry: None) -> None:
    await stage.start(
        BACKUP_DIR=str(stage.folder / "backups"),
        BACKUP_KEEP="5",
        LOG_WORDS="on",
        RETENTION_DAYS="90",
        EMBEDDING_MODEL="vectors",
        EMBEDDING_BASE_URL="http://embeddings.example/v1",
        TRANSCRIPTION_MODEL="ears",
        TRANSCRIPTION_BASE_URL="http://voices.example/v1",
    )
    await stage.ann.say(stage.home, "/privacy")
    [said] = await stage.replies(1)
    assert "gone from the backups after 5 days" in said
    assert "deleted for good after 90 days" in said
    assert "log may contain what is said" in said
    assert "embeddings.example, voices.example" in said


async def test_reset_during_migration_keeps_older_turns(stage: Stage, hurry: None) -> None:
    await stage.start()
    old, [ann] = group(stage)
    await ann.say(old, "Keepsake, my boat is green")
    await old.wait(lambda chat: bool(chat.replies) and not chat.replies[0].buttons, PATIENCE_S)
    new = stage.telegram.group("Friends above", [ann])
    await ann.say(new, "Keepsake, my house is red")
    await new.wait(lambda chat: bool(chat.replies) and not chat.replies[0].buttons, PATIENCE_S)
    await ann.say(new, "/reset")
    told = (await new.wait(2, PATIENCE_S))[1]
    stage.telegram.push_update({"message": _service(ann, old, "migrate_to_chat_id", new.id)})
    await stage.fetched()
    while old.id in _chats(stage):  # noqa: ASYNC110 - the move shows in the database only
        await asyncio.sleep(0.02)
    await stage.end()
    await stage.start()
    await ann.say(new, "Keepsake, what do you know?")
    await stage.model.wait_requests(3, PATIENCE_S)
    words = " ".join(user_messages(stage.model.requests[2]))
    assert "boat is green" in words
    assert "house is red" not in words
    await ann.press(told, "Undo")
    await new.wait(lambda chat: "remember everything" in chat.replies[1].text, PATIENCE_S)
    await ann.say(new, "Keepsake, and now?")
    await stage.model.wait_requests(4, PATIENCE_S)
    words = " ".join(user_messages(stage.model.requests[3]))
    assert words.index("boat is green") < words.index("house is red")


async def test_forget_after_migration_leaves_no_copy(stage: Stage, hurry: None) -> None:
    await stage.start()
    old, [ann] = group(stage)
    await ann.say(old, "Keepsake, my boat is called Zanzibar")
    await old.wait(lambda chat: bool(chat.replies) and not chat.replies[0].buttons, PATIENCE_S)
    new = stage.telegram.group("Friends above", [ann])
    stage.telegram.push_update({"message": _service(ann, old, "migrate_to_chat_id", new.id)})
    await handled(stage)
    await ann.say(new, "/forget Zanzibar")
    question = (await new.wait(1, PATIENCE_S))[0]
    await ann.press(question, "Forget it")
    await new.wait(lambda chat: chat.replies[0].text.startswith("Done"), PATIENCE_S)
    async with asyncio.timeout(PATIENCE_S):
        while "Zanzibar" in dump(stage):  # noqa: ASYNC110 - it is erased in the background, which wakes nobody
            await asyncio.sleep(0.1)


@pytest.mark.parametrize("command", first(["/search boat", "/memory", "/why", "/usage", "/summary", "/retry"]))
async def test_who_left_is_shown_nothing_more(stage: Stage, hurry: None, command: str) -> None:
    await stage.start()
    friends, [ann, bob] = group(stage, "Bob")
    await bob.say(friends, "Keepsake, my boat is green")
    await friends.wait(1, PATIENCE_S)
    stage.telegram.leave(friends, bob)
    asked = len(stage.model.requests)
    await bob.say(friends, command)
    await ann.say(friends, "/search boat")
    (_, shown) = await friends.wait(2, PATIENCE_S)
    assert "boat is green" in shown.text  # what they said stays
    assert len(stage.model.requests) == asked


async def test_question_ends_when_its_person_leaves(stage: Stage, hurry: None) -> None:
    await stage.start()
    friends, [ann, _] = group(stage, "Bob")
    await ann.say(friends, "Keepsake, my boat is green")
    await friends.wait(1, PATIENCE_S)
    await ann.say(friends, "/memory")
    (_, panel) = await friends.wait(2, PATIENCE_S)
    await ann.press(panel, "Forget something")
    (*_, question) = await friends.wait(3, PATIENCE_S)
    gone = {"id": ann.id, "is_bot": False, "first_name": "Ann"}
    await ann.say(friends, None, left_chat_member=gone)
    await ann.say(friends, "boat", reply_to=question)
    answered = (await friends.wait(4, PATIENCE_S))[3]
    assert "boat is green" not in answered.text
    assert not answered.buttons
