"""The doctor sends a long prompt, and says how much of it was read, and whether what is reported can be true."""

import pytest

from bot.conversation.tokens import estimate
from bot.doctor import context_window
from bot.doctor.report import Finding, Severity
from bot.llm.known import KNOWN
from sandbox.model import Fail, Say
from sandbox.model.behaviour import Raw
from tests.doctor.conftest import World
from tests.llm.streams import STOP, say, stream

TOO_LONG = Fail(400, "This model's maximum context length is 4096 tokens.")


async def _check(world: World, **variables: str) -> dict[str, Finding]:
    settings = world.settings(**variables)
    async with world.models(settings) as models:
        found = await context_window.check_context_window(settings, models, estimate, KNOWN)
    return {finding.what: finding for finding in found}


@pytest.mark.parametrize(
    ("reads", "answer", "mark", "told"),
    [
        (None, Say("Yes."), Severity.FINE, "read all of a prompt"),
        (4096, Say("Yes."), Severity.NOTE, "measured: 4,096 tokens"),
        (None, None, Severity.NOTE, "its window is 4,096 tokens"),
    ],
)
async def test_what_was_read_is_told(
    world: World, reads: int | None, answer: Say | None, mark: Severity, told: str
) -> None:
    world.model.truncates_at = reads
    world.model.answer_with(lambda asked: answer or (TOO_LONG if len(asked.messages) > 30 else Say("Yes.")))
    found = await _check(world)
    assert (found["Window"].mark, told in found["Window"].found) == (mark, True), found
    assert found["Usage"].mark is Severity.FINE


async def test_window_smaller_than_short_prompt_is_reported(world: World) -> None:
    world.model.answer_with(lambda asked: TOO_LONG)
    found = await _check(world)
    assert set(found) == {"Window"}
    assert "its window is 4,096 tokens" in found["Window"].found


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ({}, "assumed to be 32,768"),
        ({"OPENAI_MODEL": "gpt-4o"}, "128,000, as known"),
        ({"CONTEXT_WINDOW": "50000"}, "50,000, as CONTEXT_WINDOW says"),
    ],
)
async def test_who_says_how_long_the_window_is(world: World, variables: dict[str, str], told: str) -> None:
    assert told in (await _check(world, **variables))["Window"].found


def _reporting(usage: dict[str, int]) -> Raw:
    return Raw(stream(say("Yes."), STOP, {"choices": [], "usage": usage}))


@pytest.mark.parametrize(
    ("short", "long", "told"),
    [
        (0, 0, "or only zeros"),
        (10, 10, "can't be real"),
        (1500, 60_000, "can't be real"),
        (9000, 13_500, "of its own before each prompt"),
    ],
)
async def test_counts_that_are_not_real_are_a_note(world: World, short: int, long: int, told: str) -> None:
    world.model.answer_with(
        lambda asked: _reporting(
            {"prompt_tokens": long if len(asked.messages) > 30 else short, "completion_tokens": 2 if short else 0}
        )
    )
    found = await _check(world)
    assert (found["Usage"].mark, told in found["Usage"].found) == (Severity.NOTE, True), found
