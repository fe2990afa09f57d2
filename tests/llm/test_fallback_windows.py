"""A fallback that reads less than the model in whose place it answers."""

import pytest

from bot import errors
from bot.llm.fallback import Pair
from bot.llm.interface import Message, Options
from bot.llm.stream_events import Received, StreamEvent, SwitchedModel
from tests.scripted import Script, ScriptedModel, says

DOWN = errors.ServerTrouble("503")
TOO_LONG = errors.ContextTooLong("maximum context length")
SYSTEM = Message("system", "Be kind.")
LONG = "the harbour and the ferry " * 100
"""About 650 tokens."""
TALK = [SYSTEM, *(Message("assistant" if at % 2 else "user", f"{at} {LONG}") for at in range(9))]


def _pair(*scripts: Script, window: int = 100_000) -> tuple[Pair, ScriptedModel]:
    second = ScriptedModel(list(scripts), name="other", window=window)
    return Pair(ScriptedModel([[DOWN]], name="first", window=50_000), second, patience=1.0), second


async def _answer(pair: Pair, options: Options = Options()) -> list[StreamEvent]:  # noqa: B008 - frozen
    return [event async for event in pair.stream(TALK, options)]


async def test_prompt_is_fitted_to_first_models_window() -> None:
    pair, second = _pair(says("hi"), window=4096)
    second.limit = 2048
    assert (pair.window, pair.limit) == (50_000, None)


async def test_the_end_of_a_long_conversation_is_sent() -> None:
    pair, second = _pair(says("hi"), window=3000)
    events = await _answer(pair)
    [asked] = second.requests
    assert asked[0] == SYSTEM
    assert asked[-1] == TALK[-1]
    assert asked[1].role == "user"
    assert 3 < len(asked) < len(TALK)
    assert isinstance(events[0], SwitchedModel)
    assert 0.2 < events[0].share < 0.8


async def test_a_refusal_as_too_long_shortens_it() -> None:
    pair, second = _pair([TOO_LONG], [TOO_LONG], says("hi"))
    assert Received.of(await _answer(pair)).text == "hi"
    assert len(second.requests[0]) == len(TALK)
    assert len(second.requests[1]) > len(second.requests[2]) > 1


async def test_notes_stay_where_older_half_is_left_out() -> None:
    pair, second = _pair(says("hi"), window=3000)
    noted = [TALK[0], TALK[1].with_notes("notes "), *TALK[2:]]
    async for _ in pair.stream(noted):
        pass
    assert second.requests[0][1].content.startswith("notes ")
    assert second.requests[0][1].content.removeprefix("notes ") in [message.content for message in TALK[2:]]


async def test_hopelessly_long_prompt_reports_first_models_failure() -> None:
    pair, second = _pair([TOO_LONG])
    with pytest.raises(errors.ServerTrouble):
        await _answer(pair)
    assert second.requests[-1] == (SYSTEM, TALK[-1])


@pytest.mark.parametrize("window", [3000, 100_000])
async def test_notes_are_made_of_all_or_nothing(window: int) -> None:
    pair, second = _pair([TOO_LONG], window=window)
    with pytest.raises(errors.ServerTrouble):
        await _answer(pair, Options(aside=True))
    assert all(len(asked) == len(TALK) for asked in second.requests)
