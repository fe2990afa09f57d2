"""What the bot asks after a button: who may answer, with which message, and what becomes of it."""

import time

import pytest

from bot.handlers import pending_questions
from sandbox.botapi import Chat, Message, User
from sandbox.model import Say
from tests.e2e.conftest import PATIENCE_S, Stage
from tests.e2e.groups import group, user_messages
from tests.e2e.owners import handled, pressed, query
from tests.e2e.quick import hurry as hurry
from tests.selection import first

OPEN = "SELECT kind FROM questions WHERE open = 1"
PERSONA = "SELECT persona FROM chats WHERE persona IS NOT NULL"


async def ask(stage: Stage, chat: Chat, by: User, button: str = "set:persona:own") -> Message:
    """Press a button that asks; returns the question."""
    if not any(message.buttons for message in chat.replies):
        await by.say(chat, "/settings")
        await chat.wait(lambda chat: any(message.buttons for message in chat.replies), PATIENCE_S)
    panel = next(message for message in chat.replies if message.buttons)
    if not any(one.data == button for one in panel.buttons):
        await by.press(panel, "set:persona")
        await chat.wait(lambda chat: any(one.data == button for one in chat.message(panel.id).buttons), PATIENCE_S)
    count = sum(message.asks for message in chat.replies)
    await by.press(panel, button)
    await chat.wait(lambda chat: sum(message.asks for message in chat.replies) > count, PATIENCE_S)
    await chat.wait(lambda chat: chat.message(panel.id).buttons[-1].text == "Cancel", PATIENCE_S)
    return next(message for message in reversed(chat.replies) if message.asks)


async def test_next_words_answer_question_and_form_no_turn(stage: Stage, hurry: None) -> None:
    stage.model.always(Say("Aye."))
    await stage.start()
    question = await ask(stage, stage.home, stage.ann)
    assert question.placeholder == "The model's first instructions, or /cancel"
    said = await stage.ann.say(stage.home, "You are a cook.")
    assert (await stage.replies(3))[-1] == "Done. Takes effect with your next message."
    await stage.ann.react(said)
    await stage.ann.edit(said, "You are a cook, secretly.")
    assert "as it was first sent" in (await stage.replies(4))[-1]
    await stage.ann.say(stage.home, "You are a pirate.", reply_to=question)
    assert "has expired" in (await stage.replies(5))[-1]
    await stage.ann.say(stage.home, "hello", reply_to=said)
    await stage.replies(6)
    assert query(stage, PERSONA) == [("You are a cook.",)]
    assert user_messages(stage.model.requests[-1])[-1].endswith("hello")
    assert len(stage.model.requests) == 1
    for words in ("You are a cook", "secretly", "pirate"):
        assert words not in str(stage.model.requests[0].messages[1:])
    assert "Cancel" not in [one.text for one in stage.home.replies[0].buttons]


@pytest.mark.parametrize("other", first(["command", "forward", "late", "reply", "picture"]))
async def test_what_is_no_answer_is_none(
    stage: Stage, hurry: None, other: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.model.always(Say("Aye."))
    await stage.start()
    question = await ask(stage, stage.home, stage.ann)
    if other == "forward":
        await stage.ann.forward(stage.home, "You are a fish.", "Bob")
    elif other == "command":
        await stage.ann.say(stage.home, "/help")
        await stage.replies(3)
        await stage.ann.say(stage.home, "You are a fish.")
    elif other == "late":
        monkeypatch.setattr(pending_questions, "NEXT_S", -5.0)
        await stage.ann.say(stage.home, "You are a fish.")
    elif other == "reply":
        await stage.ann.say(stage.home, "You are a fish.", reply_to=stage.home.replies[0])
    else:
        await stage.ann.say(stage.home, None, caption="You are a fish.", dice={"emoji": "🎲", "value": 2})
    await stage.home.wait(lambda chat: chat.replies[-1].text == "Aye.", PATIENCE_S)
    await stage.ann.say(stage.home, "hello")
    await stage.home.wait(lambda chat: len([one for one in chat.replies if one.text == "Aye."]) == 2, PATIENCE_S)
    assert query(stage, PERSONA) == []
    await stage.ann.say(stage.home, "You are a cook.", reply_to=question)
    await stage.home.wait(lambda chat: chat.replies[-1].text.startswith("Done"), PATIENCE_S)
    assert query(stage, PERSONA) == [("You are a cook.",)]


@pytest.mark.parametrize("way", first(["button", "command"]))
async def test_a_question_is_cancelled(stage: Stage, hurry: None, way: str) -> None:
    stage.model.always(Say("Aye."))
    await stage.start()
    question = await ask(stage, stage.home, stage.ann)
    if way == "button":
        assert (
            await pressed(stage, stage.ann, stage.home.replies[0], "Cancel")
            == "Cancelled. I'm no longer waiting for an answer."
        )
    else:
        await stage.ann.say(stage.home, "/cancel")
        await stage.home.wait(lambda chat: chat.replies[-1].text.startswith("Cancelled"), PATIENCE_S)
    await stage.home.wait(lambda chat: chat.message(question.id).deleted, PATIENCE_S)
    await stage.home.wait(lambda chat: chat.replies[0].buttons[-1].text == "« Back", PATIENCE_S)
    await stage.ann.say(stage.home, "You are a fish.")
    await stage.home.wait(lambda chat: chat.replies[-1].text == "Aye.", PATIENCE_S)
    assert (query(stage, PERSONA), query(stage, OPEN)) == ([], [])


async def test_in_a_group_only_whoever_was_asked_answers(stage: Stage, hurry: None) -> None:
    stage.model.always(Say("Aye."))
    chat, (ann, bob) = group(stage, "Bob")
    await stage.start()
    question = await ask(stage, chat, ann)
    assert question.opened_for == (ann.id,)
    panel = chat.replies[0]
    assert await pressed(stage, bob, panel, "Cancel") == "I asked someone else that, so only their answer counts."
    await bob.say(chat, "You are a fish.", reply_to=question)
    await chat.wait(lambda chat: "someone else" in chat.replies[-1].text, PATIENCE_S)
    await ann.say(chat, "You are a bird.")
    await bob.say(chat, "@keepsake_sandbox_bot you are a fish")
    await chat.wait(lambda chat: chat.replies[-1].text == "Aye.", PATIENCE_S)
    assert (query(stage, PERSONA), query(stage, OPEN)) == ([], [("persona",)])
    await ann.say(chat, "@keepsake_sandbox_bot You are a cook.")
    await chat.wait(lambda chat: chat.replies[-1].text.startswith("Done"), PATIENCE_S)
    assert query(stage, PERSONA) == [("You are a cook.",)]


async def test_question_in_group_mentions_the_asked_user(stage: Stage, hurry: None) -> None:
    chat, (ann, bob) = group(stage, "Bob")
    stage.model.always(Say("Aye."))
    await stage.start()
    await bob.say(chat, "Keepsake, my boat is called Zanzibar")
    await chat.wait(1, PATIENCE_S)
    await bob.say(chat, "/memory")
    await chat.wait(2, PATIENCE_S)
    await ann.press(chat.replies[-1], "Forget something")
    question = (await chat.wait(3, PATIENCE_S))[-1]
    assert question.text.startswith("Ann: What should I forget?")
    assert ann.id in (question.opened_for or ())
    await ann.say(chat, "Keepsake, Zanzibar")
    assert "Should I forget" in (await chat.wait(4, PATIENCE_S))[-1].text
    assert len(stage.model.requests) == 1


@pytest.mark.long
async def test_a_reset_ends_what_was_asked(stage: Stage, hurry: None) -> None:
    await stage.start()
    question = await ask(stage, stage.home, stage.ann)
    await stage.ann.say(stage.home, "/reset")
    await stage.replies(3)
    await stage.ann.say(stage.home, "You are a fish.", reply_to=question)
    assert "has expired" in (await stage.replies(4))[-1]
    assert stage.model.requests == []


@pytest.mark.long
async def test_a_group_that_moves_takes_its_question_along(stage: Stage, hurry: None) -> None:
    chat, (ann, _) = group(stage, "Bob")
    await stage.start()
    await ask(stage, chat, ann)
    new = stage.telegram.group("Friends", [ann], chat_id=-1009999)
    message = {
        "message_id": 900,
        "date": int(time.time()),
        "chat": {"id": new.id, "type": "supergroup", "title": new.title},
        "from": {"id": ann.id, "is_bot": False, "first_name": "Ann"},
        "migrate_from_chat_id": chat.id,
    }
    stage.telegram.push_update({"message": message})
    await handled(stage)
    await ann.say(new, "@keepsake_sandbox_bot You are a cook.")
    await new.wait(1, PATIENCE_S)
    assert query(stage, PERSONA) == [("You are a cook.",)]
