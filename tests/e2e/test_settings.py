"""What a chat chooses for itself holds from its next turn on, there and nowhere else."""

import json
from pathlib import Path

import pytest

from bot.conversation.prompt import persona
from sandbox.botapi import Chat
from sandbox.model import HoldStream, Say
from tests.e2e.conftest import PATIENCE_S, Stage
from tests.e2e.groups import group
from tests.e2e.quick import hurry as hurry
from tests.e2e.test_memory import Model, say, talk
from tests.selection import first


async def open_row(stage: Stage, row: str, chat: Chat | None = None) -> int:
    """Open /settings and one of its rows; returns the menu's message."""
    where = chat or stage.home
    count = len(where.replies)
    await stage.ann.say(where, "/settings")
    menu = (await where.wait(count + 1, PATIENCE_S))[count]
    label = next(button.text for button in menu.buttons if button.text.startswith(f"{row}:"))
    await stage.ann.press(menu, label)
    await where.wait(lambda chat: chat.message(menu.id).buttons[-1].text == "« Back", PATIENCE_S)
    return menu.id


async def choose(stage: Stage, row: str, choice: str, chat: Chat | None = None) -> int:
    where, menu = chat or stage.home, await open_row(stage, row, chat)
    await stage.ann.press(where.message(menu), choice)
    await where.wait(lambda chat: f"✓ {choice}" in [one.text for one in chat.message(menu).buttons], PATIENCE_S)
    return menu


def _system(stage: Stage, request: int) -> str:
    return stage.model.requests[request].messages[0].text


async def test_the_menu_shows_what_holds_and_leads_back(stage: Stage, hurry: None) -> None:
    await stage.start()
    await choose(stage, "Recall", "off")
    menu = stage.home.replies[0]
    await stage.ann.press(menu, "« Back")
    await stage.home.wait(lambda chat: "Recall: off" in [one.text for one in chat.message(menu.id).buttons], PATIENCE_S)
    rows = [button.text.partition(":")[0] for button in stage.home.message(menu.id).buttons]
    assert rows == ["Persona", "Memory", "Recall", "Show thinking", "Format", "Language"]


@pytest.mark.long
async def test_memory_mode_applies_and_can_be_reset(stage: Stage, hurry: None) -> None:
    model = Model(stage)
    await stage.start(CONTEXT_WINDOW="4096", COMPACT_AT="0.4", RECALL_TOKENS="0", KEEP_ROUNDS="2")
    menu = await choose(stage, "Memory", "Recent messages")
    await talk(stage, 8)
    assert not any("Write the notes" in request.last_words for request in model.asked)
    assert len(model.asked[-1].messages) < 12
    await stage.ann.press(stage.home.message(menu), "default (Notes)")
    await stage.home.wait(lambda chat: chat.message(menu).buttons[3].text.startswith("✓"), PATIENCE_S)
    await talk(stage, 8)
    assert any("Write the notes" in request.last_words for request in model.asked)


async def test_chat_settings_are_separate_and_survive_restart(stage: Stage, hurry: None) -> None:
    Model(stage)
    bob = stage.telegram.user("Bob")
    bobs = stage.telegram.private(bob)
    await stage.start()
    await choose(stage, "Persona", "Brief")
    await stage.end()
    await stage.start()
    await say(stage, "hello")
    await bob.say(bobs, "hello")
    await bobs.wait(1, PATIENCE_S)
    assert _system(stage, 0) == persona("brief")
    assert _system(stage, 1).startswith("You are Keepsake")


async def test_custom_persona_is_asked_for_and_limited(stage: Stage, hurry: None) -> None:
    Model(stage)
    await stage.start(CONTEXT_WINDOW="2048")
    menu = await open_row(stage, "Persona")
    await stage.ann.press(stage.home.message(menu), "Write your own…")
    question = (await stage.home.wait(2, PATIENCE_S))[1]
    assert question.asks
    await stage.ann.say(stage.home, "You are a cook. " * 300, reply_to=question)
    assert "quarter" in (await stage.home.wait(3, PATIENCE_S))[2].text
    await stage.ann.say(stage.home, "You are a ship's cook.", reply_to=question)
    assert "Done" in (await stage.home.wait(4, PATIENCE_S))[3].text
    await stage.ann.say(stage.home, "/settings")
    assert "Persona: custom" in [button.text for button in (await stage.home.wait(5, PATIENCE_S))[4].buttons]
    await say(stage, "hello")
    assert _system(stage, 0) == "You are a ship's cook."


async def test_model_is_chosen_from_the_offered_ones(stage: Stage, hurry: None) -> None:
    Model(stage)
    await stage.start(OPENAI_MODEL="small", MODELS="large, huge")
    await choose(stage, "Model", "large")
    await say(stage, "hello")
    assert stage.model.requests[0].model == "large"
    await stage.end()
    await stage.start(MODELS="huge")
    await say(stage, "hello again")
    assert stage.model.requests[1].model == "small", "what is not offered any more is not used"


async def test_changed_setting_keeps_the_earlier_prompt(stage: Stage, hurry: None) -> None:
    """Unless the setting itself is part of the prompt."""
    Model(stage)
    await stage.start()
    await say(stage, "hello")
    await choose(stage, "Recall", "off")
    await say(stage, "hello again")
    first, second = stage.model.requests
    assert second.messages[: len(first.messages)] == first.messages


async def test_the_interface_speaks_the_language_that_was_chosen(stage: Stage, hurry: None) -> None:
    Model(stage)
    await stage.start()
    menu = await open_row(stage, "Language")
    await stage.ann.press(stage.home.message(menu), "Русский")
    await stage.home.wait(lambda chat: "✓ Русский" in [one.text for one in chat.message(menu).buttons], PATIENCE_S)
    await stage.ann.say(stage.home, "/stop")
    told = (await stage.home.wait(2, PATIENCE_S))[1].text
    assert told != "I'm not answering anything right now."


async def test_answers_are_shown_as_a_chat_has_chosen(stage: Stage, hurry: None) -> None:
    stage.model.script(Say("**Four.**"))
    await stage.start()
    await choose(stage, "Format", "Rich")
    await stage.ann.say(stage.home, "2 + 2?")
    assert (await stage.home.wait(2, PATIENCE_S))[1].html == "<p><b>Four.</b></p>"


async def test_thinking_setting_reaches_model_and_shows_folded(stage: Stage, hurry: None) -> None:
    """The model hears whether to think, and its thoughts are shown folded."""
    stage.model.script(Say("Four.", reasoning="two and two"), Say("Five."))
    await stage.start(OPENAI_MODEL="qwen-plus")
    await choose(stage, "Thinking", "on")
    await choose(stage, "Show thinking", "on")
    await stage.ann.say(stage.home, "2 + 2?")
    replies = await stage.home.wait(4, PATIENCE_S)
    assert [message.text for message in replies[2:]] == ["Four.", "two and two"]
    assert [entity.type for entity in replies[3].entities] == ["expandable_blockquote"]
    await stage.ann.say(stage.home, "sure?")
    await stage.home.wait(5, PATIENCE_S)
    assert stage.model.requests[0].options["enable_thinking"] is True
    assert "two and two" not in json.dumps([message.raw for message in stage.model.requests[1].messages])


async def test_in_a_group_listening_can_be_switched_off(stage: Stage, hurry: None) -> None:
    Model(stage)
    await stage.start()
    friends, [ann, bob] = group(stage, "Bob")
    await choose(stage, "Listening", "off", friends)
    await bob.say(friends, "a secret")
    await ann.say(friends, "Keepsake, hello")
    await stage.model.wait_requests(1, PATIENCE_S)
    assert "secret" not in stage.model.requests[0].last_words


@pytest.mark.parametrize("data", first(["set:model:gone", "set:nothing", "set:way:nothing", "way:full"]))
async def test_stale_settings_button_is_harmless(stage: Stage, hurry: None, data: str) -> None:
    await stage.start()
    await stage.ann.say(stage.home, "/settings")
    [menu] = await stage.home.wait(1, PATIENCE_S)
    query = {
        "id": "77",
        "from": {"id": stage.ann.id, "is_bot": False, "first_name": "Ann"},
        "message": {
            "message_id": menu.id,
            "date": menu.date,
            "chat": {"id": stage.ann.id, "type": "private", "first_name": "Ann"},
            "text": menu.text,
        },
        "chat_instance": "1",
        "data": data,
    }
    stage.telegram.push_update({"callback_query": query})
    call = await stage.telegram.wait_call("answerCallbackQuery", timeout=PATIENCE_S)
    assert call.params["text"] == "This button no longer works."


@pytest.mark.parametrize("answer_first", first([True, False]))
async def test_persona_answer_stays_out_of_next_turn(stage: Stage, hurry: None, answer_first: bool) -> None:
    hold = HoldStream("headers")
    stage.model.script(Say("one", hold=hold), Say("two"), Say("three"))
    await stage.start()
    menu = await open_row(stage, "Persona")
    await stage.ann.press(stage.home.message(menu), "Write your own…")
    question = (await stage.home.wait(2, PATIENCE_S))[1]
    await stage.ann.say(stage.home, "hello", reply_to=menu)
    await stage.model.wait_requests(1, PATIENCE_S)
    words = [("You are a cook.", question), ("What is for dinner?", None)]
    for text, target in words if answer_first else reversed(words):
        await stage.ann.say(stage.home, text, reply_to=target)
    hold.release()
    await stage.home.wait(5, PATIENCE_S)
    await say(stage, "x")
    second, third = stage.model.requests[1:]
    assert second.last_words == "What is for dinner?"
    assert third.messages[0].text == "You are a cook."


async def test_a_model_with_a_long_name_is_chosen(stage: Stage, hurry: None) -> None:
    name = "accounts/somebody-with-a-long-name/deployed-models/" + "a-model-that-was-tuned-for-months" * 2
    stage.model.always(Say("fine"))
    await stage.start(MODELS=f"other,{name}")
    await choose(stage, "Model", name)
    await say(stage, "hello")
    assert stage.model.requests[-1].model == name


async def test_extra_request_fields_are_per_model(stage: Stage, hurry: None, tmp_path: Path) -> None:
    profiles = tmp_path / "profiles.toml"
    profiles.write_text('[models."other"]\ntemperature = 0.4\nextra_body = { top_p = 0.9, seed = 2 }\n')
    stage.model.always(Say("fine"))
    more = {"MODELS": "other", "MODEL_PROFILES": str(profiles), "LLM_EXTRA_BODY": '{"seed": 1}'}
    await stage.start(**more)
    await say(stage, "hello")
    await choose(stage, "Model", "other")
    await stage.ann.say(stage.home, "hello")
    await stage.model.wait_requests(2, PATIENCE_S)
    found = [
        {key: asked.options.get(key) for key in ("temperature", "top_p", "seed")} for asked in stage.model.requests
    ]
    assert found == [
        {"temperature": None, "top_p": None, "seed": 1},
        {"temperature": 0.4, "top_p": 0.9, "seed": 2},
    ]
