"""A model that calls tools is given their results, in a bounded number of rounds, and what it says is one answer."""

import pytest

from bot.conversation.tokens import estimate
from bot.conversation.tools import MOST_CALLS, MOST_ROUNDS, TOO_MANY, ToolUsingModel
from bot.llm.interface import Message, Options, Tool
from bot.llm.stream_events import (
    Call,
    ExtraRequestStarted,
    Finish,
    Finished,
    Received,
    StreamEvent,
    TextDelta,
    Usage,
    UsageReported,
    piece,
)
from tests.scripted import ScriptedModel

LOOK = Tool("look", "Looks something up.", "word", "What to look for.")
ASKED = [Message("user", "what is it?")]
LOOK_ANN, LOOK_BOB = Call("1", "look", '{"word": "Ann"}'), Call("2", "look", '{"word": "Bob"}')
END = Finished(Finish.STOP)


def calling(*calls: Call) -> list[StreamEvent]:
    return piece(calls=calls, finish=Finish.STOP)


async def use(call: Call) -> str:
    return f"{call.arguments} was found"


async def answer(model: ScriptedModel, options: Options | None = None) -> list[StreamEvent]:
    assisted = ToolUsingModel(model, (LOOK,), use, estimate, counted=100)
    return [event async for event in assisted.stream(ASKED, options or Options())]


def text(events: list[StreamEvent]) -> str:
    return Received.of(events).text


async def test_answer_without_tool_calls_is_unchanged() -> None:
    model = ScriptedModel([[TextDelta("hello"), END, UsageReported(Usage(10, 0, 2))]])
    events = await answer(model)
    assert events == [TextDelta("hello"), END, UsageReported(Usage(10, 0, 2))]
    assert (model.options[0].tools, model.options[0].may_call) == ((LOOK,), True)


async def test_tool_results_follow_calls_and_answer_continues() -> None:
    model = ScriptedModel(
        [[TextDelta("Let me see."), *calling(LOOK_ANN, LOOK_BOB)], [TextDelta("Both"), TextDelta(" are here."), END]]
    )
    events = await answer(model)
    assert [event for event in events if isinstance(event, TextDelta | ExtraRequestStarted)] == [
        TextDelta("Let me see."),
        ExtraRequestStarted(events[2].counted if isinstance(events[2], ExtraRequestStarted) else 0),
        TextDelta("Both"),
        TextDelta(" are here."),
    ]
    assert [event.reason for event in events if isinstance(event, Finished)] == [Finish.STOP]
    assert events[-1] == END
    assert model.requests[1] == (
        *ASKED,
        Message("assistant", "Let me see.", calls=(LOOK_ANN, LOOK_BOB)),
        Message("tool", '{"word": "Ann"} was found', answers="1"),
        Message("tool", '{"word": "Bob"} was found', answers="2"),
    )


async def test_further_requests_report_their_usage_separately() -> None:
    """The usage of the answer is that of its first request."""
    first = [*calling(LOOK_ANN), UsageReported(Usage(100, 0, 9))]
    model = ScriptedModel([first, [TextDelta("Here."), END, UsageReported(Usage(130, 90, 3))]])
    events = await answer(model)
    [started] = [event for event in events if isinstance(event, ExtraRequestStarted)]
    assert started.counted > 100
    at = events.index(started)
    assert Received.of(events[:at]).usage == Usage(100, 0, 9)
    assert Received.of(events[at:]).usage == Usage(130, 90, 3)


async def test_endless_tool_calls_are_cut_off() -> None:
    """The model has to answer at last."""
    model = ScriptedModel([[TextDelta("again "), *calling(LOOK_ANN)]])
    await answer(model)
    assert [options.may_call for options in model.options] == [True] * MOST_ROUNDS + [False]
    assert {options.tools for options in model.options} == {(LOOK,)}


async def test_only_first_request_may_be_stored_server_side() -> None:
    model = ScriptedModel([[*calling(LOOK_ANN)], [TextDelta("Here."), END]])
    await answer(model, Options(lasting=True))
    assert [options.lasting for options in model.options] == [True, False]


async def test_excess_tool_calls_all_get_a_result() -> None:
    """Only some of many calls at once are carried out."""
    calls = [Call(str(number), "look", "{}") for number in range(MOST_CALLS + 2)]
    model = ScriptedModel([[*calling(*calls)], [TextDelta("Here."), END]])
    await answer(model)
    results = [message.content for message in model.requests[1] if message.answers]
    assert len(results) == len(calls)
    assert results.count(TOO_MANY) == 2


@pytest.mark.parametrize("arguments", ["", "not JSON", '{"word": "An', "[]", "null", '"Ann"'])
async def test_invalid_tool_arguments_are_not_sent_back(arguments: str) -> None:
    """A server would refuse them."""
    model = ScriptedModel([[*calling(Call("1", "look", arguments))], [TextDelta("Here."), END]])
    await answer(model)
    _, made, told = model.requests[1]
    assert made.calls == (Call("1", "look", "{}"),)
    assert told.content == f"{arguments} was found"
