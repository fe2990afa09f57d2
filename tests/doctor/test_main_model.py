"""What stops answers is a cross, what makes them dearer or blind is a note.

A model that calls functions has to go on with what they return.
"""

from collections.abc import Sequence

import pytest

from bot.conversation.tokens import estimate
from bot.doctor import main_model, model_requests
from bot.doctor.report import Finding, Severity
from bot.llm.profiles import ModelProfile
from sandbox.model import ChatRequest, Cut, Fail, Hang, ModelServer, NoFinish, Say
from sandbox.model.behaviour import Behaviour
from sandbox.model.prompt_cache import PromptCache
from tests.doctor.conftest import World, obliging

HANDS = ModelProfile(tools=True)
CALL = Say("", calls=(("look_up", '{"ship": "Aurora"}'),))


async def _check(world: World, **variables: str) -> list[Finding]:
    settings = world.settings(**variables)
    async with world.models(settings) as models:
        return await main_model.check_main_model(settings, models, estimate)


async def test_what_hangs_later_ends_in_time(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(main_model, "REST_S", 0.2)
    world.model.answer_with(lambda asked: Say("Yes.") if len(world.model.requests) < 2 else Hang())
    found = await _check(world)
    assert (found[0].mark, {one.mark for one in found[1:] if one.what != "Tools"}) == (Severity.FINE, {Severity.NOTE})
    assert "not finished" in found[1].found


def _of(found: Sequence[Finding], what: str) -> Finding:
    return next(finding for finding in found if finding.what == what)


async def test_a_model_that_can_all_is_fine(world: World) -> None:
    found = await _check(world)
    assert [finding.mark for finding in found] == [Severity.FINE] * 6
    assert len(world.model.requests) == 6


@pytest.mark.parametrize(
    ("behaviour", "told"),
    [
        (Fail(401, "Incorrect API key"), "rejects the key"),
        (Fail(404, "model not found"), "no such model"),
        (Fail(403, "Arrearage"), "out of credit"),
        (Fail(429, "no more", code="insufficient_quota"), "out of credit"),
        (Fail(400, "API key not valid. Please pass a valid API key."), "rejects the key"),
        (Fail(400, "Model Not Exist"), "no such model"),
        (Fail(500), "has a problem"),
        (Fail(400, "unknown parameter"), "rejects the request"),
        (Fail(200, body=b'{"choices": []}'), "does not stream"),
        (Fail(200, body=b"<html>hello</html>"), "does not stream"),
        (Cut("one two three", after=4), "broke in the middle"),
        (NoFinish("one two three"), "broke in the middle"),
    ],
)
async def test_fatal_model_error_is_cross_and_ends_checks(world: World, behaviour: Behaviour, told: str) -> None:
    """What stops answers is a cross, and nothing more is asked."""
    world.model.script(behaviour)
    (found,) = await _check(world)
    assert found.mark is Severity.CROSS
    assert told in found.found
    assert found.advice
    assert len(world.model.requests) == 1


async def test_silent_server_is_a_cross_eventually(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_requests, "PATIENCE_S", 0.2)
    world.model.script(Hang())
    (found,) = await _check(world)
    assert found.mark is Severity.CROSS
    assert "in time" in found.found


async def test_unreachable_server_is_a_cross(world: World) -> None:
    async with ModelServer().run() as url:
        pass
    (found,) = await _check(world, OPENAI_BASE_URL=url)
    assert found.mark is Severity.CROSS
    assert "can't be reached" in found.found


@pytest.mark.parametrize("behaviour", [Fail(429, "fewer requests"), Fail(400, "data_inspection_failed"), Say("")])
async def test_what_passes_is_a_note(world: World, behaviour: Behaviour) -> None:
    world.model.script(behaviour)
    assert (await _check(world))[0].mark is Severity.NOTE


async def test_a_server_that_counts_nothing_is_a_note(world: World) -> None:
    world.model.answer_with(lambda asked: Say(obliging(asked).text, usage=False))
    found = await _check(world)
    assert {finding.what for finding in found if finding.mark is Severity.NOTE} == {"Usage", "Window", "Prompt cache"}


async def test_same_long_prefix_is_sent_twice(world: World) -> None:
    """It is long enough for a cache."""
    await _check(world)
    one, two = (asked for asked in world.model.requests if asked.messages[0].role == "system")
    assert one.messages[0].raw == two.messages[0].raw
    assert one.messages[1].raw != two.messages[1].raw
    assert len(one.messages[0].text.split()) > 1024


async def test_no_cached_tokens_are_a_note(world: World) -> None:
    world.model.counter = PromptCache(lambda text: [object() for _ in range(len(text) // 4)])
    found = _of(await _check(world), "Prompt cache")
    assert found.mark is Severity.NOTE
    assert "CACHED_PRICE=1" in found.advice


async def test_untestable_cache_is_a_note(world: World) -> None:
    world.model.answer_with(
        lambda asked: Fail(400, "too many tokens") if asked.messages[0].role == "system" else obliging(asked)
    )
    assert _of(await _check(world), "Prompt cache").mark is Severity.NOTE


@pytest.mark.parametrize(("setting", "marked"), [("on", True), ("auto", False), ("off", False)])
async def test_doctor_places_markers_as_bot_would(world: World, setting: str, marked: bool) -> None:
    await _check(world, CACHE_MARKERS=setting)
    raw = next(asked.messages[0].raw for asked in world.model.requests if asked.messages[0].role == "system")
    assert ("cache_control" in raw) is marked


async def _check_tools(world: World, known: ModelProfile = HANDS, **variables: str) -> Finding:
    settings = world.settings(**variables)
    async with world.models(settings, known) as models:
        return await main_model.check_tools(settings, models)


def _calling(asked: ChatRequest) -> Behaviour:
    last = asked.messages[-1]
    return CALL if last.role == "user" else Say(f"It is {last.text}.")


async def test_a_call_and_its_result_are_seen(world: World) -> None:
    world.model.answer_with(_calling)
    found = await _check_tools(world)
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
    found = await _check_tools(world)
    assert (found.mark, told in found.found) == (Severity.NOTE, True), found
    assert "TOOLS=off" in found.advice


@pytest.mark.parametrize(("setting", "mark"), [("on", Severity.NOTE), ("off", Severity.FINE)])
async def test_a_model_that_calls_none_is_not_asked(world: World, setting: str, mark: Severity) -> None:
    assert (await _check_tools(world, ModelProfile(tools=False), TOOLS=setting)).mark is mark
    assert world.model.requests == []
