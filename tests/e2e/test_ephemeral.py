"""What one member of a group and the bot say there that nobody else sees."""

import pytest

from sandbox.botapi import Chat, Message
from sandbox.model import Say
from tests.e2e.conftest import PATIENCE_S, Stage
from tests.e2e.groups import group
from tests.e2e.quick import hurry as hurry


@pytest.fixture
def telegram_version() -> str:
    return "10.3"


async def _seen(chat: Chat, count: int) -> list[Message]:
    """What members are shown alone, once it is so much."""
    await chat.wait(lambda chat: len(chat.ephemeral) >= count, PATIENCE_S)
    return list(chat.ephemeral)


def _sent(stage: Stage, *methods: str) -> list[int]:
    return [call.code for call in stage.telegram.calls if call.method in (methods or ("sendMessage",))]


async def test_ephemeral_command_is_answered_to_sender_alone(stage: Stage, hurry: None) -> None:
    chat, (_, bob) = group(stage, "Bob")
    await stage.start()
    for command in ("/help", "/memory", "/why", "/settings", "/usage@keepsake_sandbox_bot", "/nonsense"):
        await bob.send_ephemeral(chat, command)
    told = await _seen(chat, 6)
    assert {one.receiver for one in told} == {bob.id}
    assert any("Only an administrator" in one.text for one in told)
    assert list(chat.replies) == []
    assert _sent(stage) == [200] * 6


async def test_ephemeral_words_stay_out_of_others_prompts(stage: Stage, hurry: None) -> None:
    chat, (ann, bob) = group(stage, "Bob")
    await stage.start(GROUP_TRIGGER="always")
    await ann.say(chat, "we meet at noon")
    await chat.wait(1, PATIENCE_S)
    asked = await bob.send_ephemeral(chat, "my word is crimson")
    [answer] = await _seen(chat, 1)
    await chat.wait(lambda chat: "crimson" in chat.ephemeral[0].text, PATIENCE_S)
    assert (answer.receiver, answer.reply_to) == (bob.id, asked.id)
    await ann.say(chat, "what did Bob say?")
    await chat.wait(2, PATIENCE_S)
    assert b"noon" in stage.model.requests[-1].body
    assert b"crimson" not in stage.model.requests[-1].body
    await bob.send_ephemeral(chat, "what was my word?", reply_to=answer)
    await _seen(chat, 2)
    await chat.wait(lambda chat: "what was" in chat.ephemeral[1].text, PATIENCE_S)
    assert b"crimson" in stage.model.requests[-1].body
    await ann.send_ephemeral(chat, "hello")
    await chat.wait(lambda chat: "hello" in chat.ephemeral[-1].text, PATIENCE_S)
    assert b"crimson" not in stage.model.requests[-1].body
    await bob.send_ephemeral(chat, "/reset")
    await _seen(chat, 4)
    await bob.send_ephemeral(chat, "hello again")
    await _seen(chat, 5)
    await stage.telegram.changed(lambda: b"hello again" in stage.model.requests[-1].body, PATIENCE_S)
    assert b"crimson" not in stage.model.requests[-1].body
    assert len(chat.replies) == 2
    await stage.ann.say(chat, "so?")
    await chat.wait(3, PATIENCE_S)
    assert b"noon" in stage.model.requests[-1].body


async def test_an_answer_for_one_is_begun_at_once(stage: Stage, hurry: None) -> None:
    chat, (_, bob) = group(stage, "Bob")
    stage.model.script(Say("late, but whole", delay=0.1))
    await stage.start()
    await bob.send_ephemeral(chat, "take your time")
    [begun] = await _seen(chat, 1)
    assert begun.text == "Thinking..."
    await chat.wait(lambda chat: chat.ephemeral[0].text == "late, but whole", PATIENCE_S)
    assert len(chat.ephemeral) == 1
    assert list(chat.replies) == []


async def test_an_administrator_answers_ordinary_commands_to_one_alone(stage: Stage, hurry: None) -> None:
    chat, (_, bob) = group(stage, "Bob")
    stage.telegram.promote(chat)
    await stage.start()
    await bob.say(chat, "/help")
    [told] = await _seen(chat, 1)
    await bob.say(chat, "/reset")
    await _seen(chat, 2)
    await bob.say(chat, "Keepsake, hello")
    await chat.wait(1, PATIENCE_S)
    assert told.receiver == bob.id
    assert [one.receiver for one in chat.replies] == [None]


async def test_refused_ephemeral_reply_becomes_public_for_good(stage: Stage, hurry: None) -> None:
    """A public command is answered for all to see, and the chat is not asked for ephemeral replies again."""
    chat, (_, bob) = group(stage, "Bob")
    await stage.start()
    for count in (1, 2, 3):
        await bob.say(chat, "/help")
        await chat.wait(count, PATIENCE_S)
    assert _sent(stage) == [400, 200, 200, 200]
    assert list(chat.ephemeral) == []


async def test_a_press_is_answered_to_whoever_pressed(stage: Stage, hurry: None) -> None:
    chat, (ann, _) = group(stage, "Bob")
    await stage.start()
    await ann.say(chat, "Keepsake, hello")
    await chat.wait(1, PATIENCE_S)
    await ann.say(chat, "/memory")
    panel = (await chat.wait(2, PATIENCE_S))[-1]
    await ann.press(panel, "Compact now")
    [told] = await _seen(chat, 1)
    assert told.receiver == ann.id
    assert len(chat.replies) == 2


@pytest.mark.parametrize("replies", [True, False])
async def test_ephemeral_panel_is_edited_and_its_question_answered(stage: Stage, hurry: None, replies: bool) -> None:
    chat, (ann, _) = group(stage, "Bob")
    await stage.start()
    await ann.send_ephemeral(chat, "/settings")
    [panel] = await _seen(chat, 1)
    await ann.press(panel, "set:persona")
    await chat.wait(lambda chat: chat.ephemeral[0].edits == 1, PATIENCE_S)
    await ann.press(chat.ephemeral[0], "set:persona:own")
    question = (await _seen(chat, 2))[-1]
    assert question.asks
    await chat.wait(lambda chat: "Cancel" in [button.text for button in chat.ephemeral[0].buttons], PATIENCE_S)
    await ann.send_ephemeral(chat, "You are a pirate.", reply_to=question if replies else None)
    await _seen(chat, 3)
    await ann.say(chat, "Keepsake, hello")
    await chat.wait(1, PATIENCE_S)
    assert b"pirate" in stage.model.requests[-1].body
    assert len(chat.replies) == 1
    assert set(_sent(stage, "sendMessage", "editEphemeralMessageText", "editMessageText")) == {200}


async def test_refused_private_answer_is_shown_to_nobody(stage: Stage, hurry: None) -> None:
    chat, (_, bob) = group(stage, "Bob")
    stage.model.script(Say("your secret is crimson"))
    stage.telegram.faults.add("sendMessage", 40, lambda params: "ephemeral_message_parameters" in params)
    await stage.start()
    await bob.send_ephemeral(chat, "a secret")
    await chat.wait(1, PATIENCE_S)
    assert [one.text[:15] for one in chat.replies] == ["Telegram didn't"]
    assert list(chat.ephemeral) == []


@pytest.mark.parametrize("code", [400, 403])
async def test_reply_to_ephemeral_command_is_never_public(stage: Stage, hurry: None, code: int) -> None:
    """If Telegram refuses it, the group is only told that it was refused."""
    chat, (ann, bob) = group(stage, "Bob")
    alone = "ephemeral_message_parameters"
    stage.telegram.faults.add("sendMessage", 40, lambda params: alone in params, code=code, description="NOT_COMMAND")
    await stage.start()
    await bob.say(chat, "Keepsake, the launch is at noon")
    await chat.wait(1, PATIENCE_S)
    await bob.send_ephemeral(chat, "/search launch")
    await bob.send_ephemeral(chat, "a secret")
    await stage.model.wait_requests(2, PATIENCE_S)
    told = await chat.wait(2, PATIENCE_S)
    assert told[1].text.startswith("Telegram didn't let me ")
    await ann.say(chat, "Keepsake, are you there?")
    await chat.wait(lambda chat: any("are you there" in one.text for one in chat.replies), PATIENCE_S)
    assert not any("secret" in one.text or "noon" in one.text for one in chat.replies[1:])


async def test_who_has_left_costs_others_nothing(stage: Stage, hurry: None) -> None:
    chat, (ann, bob) = group(stage, "Bob")
    stage.telegram.promote(chat)
    gone = "USER_NOT_PARTICIPANT"
    stage.telegram.faults.add("sendMessage", 1, lambda params: str(bob.id) in str(params), description=gone)
    await stage.start()
    await bob.say(chat, "/help")
    await chat.wait(1, PATIENCE_S)
    await ann.say(chat, "/help")
    [told] = await _seen(chat, 1)
    assert told.receiver == ann.id


async def test_rich_and_forwarded_words_for_one_are_read(stage: Stage, hurry: None) -> None:
    chat, (_, bob) = group(stage, "Bob")
    await stage.start()
    rich = {"blocks": [{"type": "heading", "text": "A rich heading", "size": 1}]}
    await bob.send_ephemeral(chat, "", rich_message=rich)
    await chat.wait(lambda chat: any("A rich heading" in one.text for one in chat.ephemeral), PATIENCE_S)
    await bob.send_ephemeral(
        chat, "/allow 666", forward_origin={"type": "hidden_user", "date": 1, "sender_user_name": "Eve"}
    )
    await chat.wait(lambda chat: any("/allow 666" in one.text for one in chat.ephemeral), PATIENCE_S)
    assert {one.receiver for one in chat.ephemeral} == {bob.id}
    assert list(chat.replies) == []


async def test_who_has_left_is_not_answered_alone(stage: Stage, hurry: None) -> None:
    chat, (ann, bob) = group(stage, "Bob")
    await stage.start()
    await bob.send_ephemeral(chat, "my word is crimson")
    await chat.wait(lambda chat: any("crimson" in one.text for one in chat.ephemeral), PATIENCE_S)
    stage.telegram.leave(chat, bob)
    asked = len(stage.model.requests)
    for words in ("what was my word?", "/memory", "/reset", "/stop"):
        await bob.send_ephemeral(chat, words)
    await ann.send_ephemeral(chat, "/help")
    told = await _seen(chat, 2)
    assert [one.receiver for one in told] == [bob.id, ann.id]
    assert len(stage.model.requests) == asked
