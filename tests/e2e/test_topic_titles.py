"""A topic of a private chat gets a title from its first exchange, once, and never instead of a person's."""

import asyncio
from collections.abc import Callable, Sequence

import pytest

from sandbox.model import ChatRequest, Say
from tests.e2e.conftest import PATIENCE_S, Stage
from tests.e2e.owners import query
from tests.e2e.quick import hurry as hurry


@pytest.fixture(autouse=True)
def private_topics(stage: Stage) -> None:
    stage.telegram.private_topics = True


def _answer(title: Say) -> Callable[[ChatRequest], Say]:
    return lambda request: title if _asks_title(request) else Say("Noted.")


def _asks_title(request: ChatRequest) -> bool:
    return "a title for a list" in str(request.messages[0])


def _titles(stage: Stage) -> Sequence[tuple[int, str]]:
    calls = [call for call in stage.telegram.calls if call.method == "editForumTopic"]
    return [(int(str(call.params["message_thread_id"])), str(call.params["name"])) for call in calls]


async def _said(stage: Stage, thread: int, text: str) -> None:
    count = len(stage.home.replies)
    await stage.ann.say(stage.home, text, thread=thread)
    await stage.home.wait(count + 1, PATIENCE_S)


async def test_a_topic_gets_a_title_once(stage: Stage, hurry: None) -> None:
    stage.model.answer_with(_answer(Say("**Trip to Oslo.**")))
    thread = stage.home.topic("how long is the train to Oslo", implicit=True)
    await stage.start()
    await _said(stage, thread, "how long is the train to Oslo?")
    await stage.telegram.changed(lambda: len(_titles(stage)) == 1, PATIENCE_S)
    assert _titles(stage) == [(thread, "Trip to Oslo")]
    await stage.end()
    await stage.start()
    await _said(stage, thread, "and the bus?")
    named = stage.home.topic("Red")
    await _said(stage, named, "and in red?")
    assert sum(map(_asks_title, stage.model.requests)) == 1


async def test_a_name_by_a_person_stays(stage: Stage, hurry: None) -> None:
    stage.model.answer_with(_answer(Say("Trip to Oslo")))
    thread = stage.home.topic("how long", implicit=True)
    stage.home.rename_topic(thread, "Mine")
    await stage.start()
    await _said(stage, thread, "how long is the train to Oslo?")
    await _said(stage, thread, "and the bus?")
    assert not any(map(_asks_title, stage.model.requests))


async def test_without_a_model_first_words_are_the_title(stage: Stage, hurry: None) -> None:
    stage.model.answer_with(_answer(Say("I'm sorry, but I can't name this.")))
    stage.telegram.faults.add("editForumTopic", code=400, description="Bad ChatRequest: not enough rights")
    thread = stage.home.topic("how long", implicit=True)
    await stage.start()
    await _said(stage, thread, "how long is the train to Oslo in winter?")
    await stage.telegram.changed(lambda: len(_titles(stage)) == 1, PATIENCE_S)
    await _said(stage, thread, "and the bus?")
    await _said(stage, thread, "and by bike?")
    assert _titles(stage) == [(thread, "how long is the train to")]


async def test_signs_alone_are_asked_about_once(stage: Stage, hurry: None) -> None:
    stage.model.answer_with(_answer(Say("👋")))
    thread = stage.home.topic("👋", implicit=True)
    await stage.start()
    await _said(stage, thread, "👋")
    async with asyncio.timeout(PATIENCE_S):
        while query(stage, "SELECT 1 FROM untitled_topics"):  # noqa: ASYNC110 - it shows in the database only
            await asyncio.sleep(0.02)
    await _said(stage, thread, "🎉")
    assert sum(map(_asks_title, stage.model.requests)) == 1
    assert _titles(stage) == []


async def test_nothing_is_asked_above_the_budget(stage: Stage, hurry: None) -> None:
    stage.model.answer_with(_answer(Say("Trip to Oslo")))
    thread = stage.home.topic("how long", implicit=True)
    await stage.start(BUDGET_USER="1")
    await _said(stage, thread, "how long is the train to Oslo in winter?")
    await stage.telegram.changed(lambda: len(_titles(stage)) == 1, PATIENCE_S)
    assert _titles(stage) == [(thread, "how long is the train to")]
    assert not any(map(_asks_title, stage.model.requests))
