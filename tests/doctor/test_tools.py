"""A model that calls functions has to go on with what they return."""

import pytest

from bot.doctor import main_model
from bot.doctor.report import Finding, Severity
from bot.llm.profiles import ModelProfile
from sandbox.model import ChatRequest, Fail, Say
from sandbox.model.behaviour import Behaviour
from tests.doctor.conftest import World

HANDS = ModelProfile(tools=True)
CALL = Say("", calls=(("look_up", '{"ship": "Aurora"}'),))


async def _check(world: World, known: ModelProfile = HANDS, **variables: str) -> Finding:
    settings = world.settings(**variables)
    async with world.models(settings, known) as models:
        return await main_model.check_tools(settings, models)


def _calling(asked: ChatRequest) -> Behaviour:
    last = asked.messages[-1]
    return CALL if last.role == "user" else Say(f"It is {last.text}.")


async def test_a_call_and_its_result_are_seen(world: World) -> None:
    world.model.answer_with(_calling)
    found = await _check(world)
    assert (found.mark, "reads their results" in found.found) == (Severity.FINE, True), found


@pytest.mark.parametrize(
    ("first", "second", "told"),
    [
        (Say("12345"), Say("12345"), "asked to call a tool"),
        (CALL, Say("no idea"), "into: no idea"),
        (CALL, Fail(400, "reasoning_content is missing"), "fails on their results"),
        (Fail(500), Fail(500), "has a problem"),
    ],
)
async def test_what_goes_wrong_is_a_note(world: World, first: Behaviour, second: Behaviour, told: str) -> None:
    world.model.answer_with(lambda asked: first if asked.messages[-1].role == "user" else second)
    found = await _check(world)
    assert (found.mark, told in found.found) == (Severity.NOTE, True), found
    assert "TOOLS=off" in found.advice


@pytest.mark.parametrize(("setting", "mark"), [("on", Severity.NOTE), ("off", Severity.FINE)])
async def test_a_model_that_calls_none_is_not_asked(world: World, setting: str, mark: Severity) -> None:
    assert (await _check(world, ModelProfile(tools=False), TOOLS=setting)).mark is mark
    assert world.model.requests == []
