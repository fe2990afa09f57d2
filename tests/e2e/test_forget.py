"""What a person asks to forget is in no later prompt, no index, no memory, and not in the file either."""

import asyncio
import json

import pytest

from sandbox.model import HoldStream, Say
from tests.e2e import tables
from tests.e2e.conftest import PATIENCE_S, Stage
from tests.e2e.quick import hurry  # noqa: F401 - a fixture
from tests.e2e.test_memory import SMALL, Model, compact, say, talk
from tests.media.files import picture
from tests.selection import first


async def confirm(stage: Stage, label: str = "Forget it") -> str:
    asked = stage.home.replies[-1]
    await stage.ann.press(asked, label)
    await stage.home.wait(lambda chat: chat.message(asked.id).text != asked.text, PATIENCE_S)
    return stage.home.message(asked.id).text


async def test_words_are_found_shown_and_forgotten_for_good(stage: Stage) -> None:
    model = Model(stage)
    await stage.start()
    await say(stage, "my boat is called Zanzibar")
    await say(stage, "it is green")
    shown = await say(stage, "/forget zanzibar")
    assert "my boat is called Zanzibar" in shown
    assert "green" not in shown
    assert "Forgotten: 1 message." in await confirm(stage)
    await say(stage, "and now?")
    assert "anzibar" not in model.asked[-1].body.decode()
    assert "can't find anything" in await say(stage, "/forget Zanzibar")
    await stage.end()
    assert b"my boat is called" not in tables.everything(stage)


async def test_forget_needs_confirmation_and_can_be_declined(stage: Stage) -> None:
    model = Model(stage)
    await stage.start()
    await say(stage, "my boat is called Zanzibar")
    await say(stage, "/forget Zanzibar")
    await say(stage, "hello")
    assert "Zanzibar" in model.asked[-1].body.decode()
    await say(stage, "/forget Zanzibar")
    assert await confirm(stage, "Keep it") == "OK, kept."
    await say(stage, "hello")
    assert "Zanzibar" in model.asked[-1].body.decode()


async def test_old_forget_button_affects_no_later_question(stage: Stage) -> None:
    Model(stage)
    await stage.start()
    await say(stage, "my boat is called Zanzibar")
    await say(stage, "my cat is called Musetta")
    await say(stage, "/forget Musetta")
    old = stage.home.replies[-1]
    await confirm(stage, "Keep it")
    await say(stage, "/forget Zanzibar")
    press = {
        "id": "stale",
        "from": {"id": stage.ann.id, "is_bot": False, "first_name": "Ann"},
        "message": {"message_id": old.id, "date": old.date, "chat": {"id": stage.home.id, "type": "private"}},
        "chat_instance": "1",
        "data": old.buttons[0].data,
    }
    stage.telegram.push_update({"callback_query": press})
    await stage.telegram.wait_call("answerCallbackQuery", lambda call: call.params["callback_query_id"] == "stale")
    assert "Zanzibar" in await say(stage, "/search Zanzibar")


async def test_forget_by_reply_removes_message_and_answer(stage: Stage) -> None:
    model = Model(stage)
    stage.model.script(Say("Zanzibar, noted."))
    await stage.start()
    told = await stage.ann.say(stage.home, "my boat is called Zanzibar")
    await stage.replies(1)
    await say(stage, "hello")
    shown = await say(stage, "/forget", reply_to=told.id)
    assert "my boat is called Zanzibar" in shown
    assert "Zanzibar, noted." in shown
    assert "hello" not in shown
    assert "2 messages" in await confirm(stage)
    await say(stage, "and now?")
    assert "anzibar" not in model.asked[-1].body.decode()


async def test_forget_also_clears_matching_memory(stage: Stage) -> None:
    model = Model(stage)
    await stage.start(**SMALL)
    await talk(stage, 6)
    await compact(stage)
    shown = await say(stage, "/forget swordfish")
    assert "In my notes:\n- Her boat is called Swordfish." in shown
    assert "Forgotten: 1 line of my notes." in await confirm(stage)
    await say(stage, "hello")
    system = model.asked[-1].messages[1].text
    assert "Ann sails" in system
    assert "ordfish" not in system
    assert "ordfish" not in await say(stage, "/memory")


async def test_memory_button_asks_what_to_forget(stage: Stage) -> None:
    Model(stage)
    await stage.start()
    await say(stage, "my boat is called Zanzibar")
    await say(stage, "/memory")
    await stage.ann.press(stage.home.replies[-1], "Forget something")
    question = (await stage.home.wait(3, PATIENCE_S))[-1].id
    assert "can't find anything" in await say(stage, "Sansibar")
    assert "called Zanzibar" in await say(stage, "Zanzibar", reply_to=question)
    assert "1 message" in await confirm(stage)


async def test_concurrent_compaction_does_not_restore_forgotten_turns(stage: Stage) -> None:
    model = Model(stage)
    hold = HoldStream("headers")
    model.notes = Say("- Ann's boat is called Zanzibar.", hold=hold)
    await stage.start(**SMALL | {"COMPACT_AT": "0.6"})
    await say(stage, "my boat is called Zanzibar")
    while not any("Write the notes" in request.last_words for request in model.asked):
        await talk(stage, 1)
    await hold.reached()
    await say(stage, "/forget Zanzibar")
    await confirm(stage)
    model.notes = Say("- Ann sails.")  # what a model would write that no longer reads of the boat
    hold.release()
    await talk(stage, 2)
    assert "anzibar" not in model.asked[-1].body.decode()
    assert "anzibar" not in await say(stage, "/memory")


@pytest.mark.long
async def test_memory_changed_before_confirmation_is_searched_again(stage: Stage) -> None:
    model = Model(stage)
    await stage.start(**SMALL)
    await say(stage, "my boat is called Swordfish")
    await talk(stage, 6)
    await say(stage, "/forget swordfish")
    asked = stage.home.replies[-1]
    await compact(stage)
    await stage.ann.press(asked, "Forget it")
    await stage.home.wait(lambda chat: chat.message(asked.id).text.startswith("Done"), PATIENCE_S)
    await say(stage, "hello")
    system = model.asked[-1].messages[1].text
    assert "Ann sails" in system
    assert "ordfish" not in system


@pytest.mark.long
async def test_reset_after_forgetting_everything_clears_memory_too(stage: Stage) -> None:
    model = Model(stage)
    await stage.start(**SMALL)
    await talk(stage, 6)
    await compact(stage)
    await say(stage, "/forget harbour")
    await confirm(stage)
    await say(stage, "/forget answer")
    await confirm(stage)
    assert "started afresh" in await say(stage, "/reset")
    await say(stage, "hello")
    assert "Ann sails" not in model.asked[-1].body.decode()


async def test_forgotten_and_reset_turns_are_not_recalled(stage: Stage) -> None:
    model = Model(stage)
    await stage.start(**SMALL | {"RECALL_TOKENS": "500"})
    await say(stage, "my boat is called Zanzibar")
    await say(stage, "my dog is called Timbuktu")
    await talk(stage, 6)
    await compact(stage)
    await say(stage, "What is my boat called?")
    assert "Zanzibar" in model.asked[-1].last_words
    await say(stage, "/forget Zanzibar")
    await confirm(stage)
    await say(stage, "What was my boat called?")
    assert "anzibar" not in model.asked[-1].body.decode()
    await say(stage, "What is my dog called?")
    assert "Timbuktu" in model.asked[-1].last_words
    await say(stage, "/reset")
    await say(stage, "What was my dog called?")
    assert "imbuktu" not in model.asked[-1].body.decode()


async def test_forget_without_words_explains_its_use(stage: Stage) -> None:
    Model(stage)
    await stage.start()
    await say(stage, "hello")
    assert "/forget with a few words" in await say(stage, "/forget")


@pytest.mark.long
async def test_photo_without_words_is_forgotten_alone(stage: Stage) -> None:
    """The other photos stay."""
    model = Model(stage)
    await stage.start()
    first = await stage.ann.photo(stage.home, picture(50, 40))
    await stage.replies(1)
    for at in range(3):
        await stage.ann.photo(stage.home, picture(60 + at, 40))
        await stage.replies(2 + at)
    await stage.ann.say(stage.home, "/forget", reply_to=first)
    await stage.replies(5)
    await stage.ann.press(stage.home.replies[4], "Forget it")
    await stage.home.wait(lambda chat: "Forgotten" in chat.replies[4].text, PATIENCE_S)
    await say(stage, "how many pictures?")
    assert sum(len(message.images) for message in model.asked[-1].messages) == 3


async def test_forget_matches_inflections_and_requires_all_words(stage: Stage) -> None:
    Model(stage)
    await stage.start()
    for text in (
        "я вошла с паролем",
        "Пароли от почты",
        "без пароля",
        "парад был вчера",
        "Peter called",
        "son of Peter",
    ):
        await say(stage, text)
    shown = await say(stage, "/forget пароль")
    assert all(word in shown for word in ("паролем", "Пароли", "пароля"))
    assert "парад" not in shown
    assert "3 messages" in await confirm(stage)
    shown = await say(stage, "/forget son Peter")
    assert "son of Peter" in shown
    assert "Peter called" not in shown


def _fill(stage: Stage, count: int) -> None:
    numbers = json.dumps(list(range(count)))
    tables.write(
        stage,
        "INSERT INTO turns (chat_id, role, state, content, created_at)"
        " SELECT chats.id, 'user', 'settled', 'boat number ' || value, 9"
        " FROM chats, json_each(?) AS numbers ORDER BY value",
        numbers,
    )


@pytest.mark.parametrize(("count", "pages"), first([(12, 2), (260, 26)]))
async def test_forget_counts_pages_and_removes_all_matches(stage: Stage, count: int, pages: int) -> None:
    Model(stage)
    await stage.start()
    await say(stage, "hello")
    await asyncio.to_thread(_fill, stage, count)  # the bot may be writing
    shown = await say(stage, "/forget boats")
    asked = stage.home.replies[-1]
    assert f"{count} messages, page 1 of {pages}" in shown
    assert "boat number 10" not in shown
    await stage.ann.press(asked, "▶")
    await stage.home.wait(lambda chat: f"page 2 of {pages}" in chat.message(asked.id).text, PATIENCE_S)
    assert "boat number 11" in stage.home.message(asked.id).text
    await stage.ann.press(stage.home.message(asked.id), "◀")
    await stage.home.wait(lambda chat: f"page 1 of {pages}" in chat.message(asked.id).text, PATIENCE_S)
    await stage.ann.press(stage.home.message(asked.id), "Forget it")
    await stage.home.wait(lambda chat: f"Forgotten: {count} messages." in chat.message(asked.id).text, PATIENCE_S)
    assert "can't find anything" in await say(stage, "/forget boat")
    while tables.read(stage, "SELECT 1 FROM chats WHERE thread_id < 0"):  # noqa: ASYNC110
        await asyncio.sleep(0.05)
    await stage.end()
    assert b"boat number" not in tables.everything(stage)


async def test_forgotten_question_is_not_answered_again(stage: Stage) -> None:
    model = Model(stage)
    await stage.start()
    await say(stage, "hello")
    await say(stage, "where is Zanzibar?")
    await say(stage, "/forget Zanzibar")
    await confirm(stage)
    asked = len(model.asked)
    assert "no message to answer again" in await say(stage, "/retry")
    assert len(model.asked) == asked
