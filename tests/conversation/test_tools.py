"""A model that calls tools is given their results, in a bounded number of rounds, and what it says is one answer."""

import pytest

from bot.conversation.tokens import estimate
from bot.conversation.tools import MOST_CALLS, MOST_ROUNDS, TOO_MANY, ToolUsingModel
from bot.llm.interface import Call, Delta, Finish, Message, Options, Tool, Usage
from tests.scripted import ScriptedModel

LOOK = Tool("look", "Looks something up.", "word", "What to look for.")
ASKED = [Message("user", "what is it?")]
LOOK_ANN, LOOK_BOB = Call("1", "look", '{"word": "Ann"}'), Call("2", "look", '{"word": "Bob"}')
END = Delta(finish=Finish.STOP)


def calling(*calls: Call) -> Delta:
    return Delta(finish=Finish.STOP, calls=calls)


async def use(call: Call) -> str:
    return f"{call.arguments} was found"


async def answer(model: ScriptedModel, options: Options | None = None) -> list[Delta]:
    assisted = ToolUsingModel(model, (LOOK,), use, estimate, counted=100)
    return [delta async for delta in assisted.stream(ASKED, options or Options())]


def text(deltas: list[Delta]) -> str:
    return "".join(delta.text for delta in deltas)


async def test_answer_without_tool_calls_is_unchanged() -> None:
    model = ScriptedModel([[Delta("hello"), END, Delta(usage=Usage(10, 0, 2))]])
    deltas = await answer(model)
    assert deltas == [Delta("hello"), END, Delta(usage=Usage(10, 0, 2))]
    assert (model.options[0].tools, model.options[0].may_call) == ((LOOK,), True)


async def test_tool_results_follow_calls_and_answer_continues() -> None:
    model = ScriptedModel(
        [[Delta("Let me see."), calling(LOOK_ANN, LOOK_BOB)], [Delta("Both"), Delta(" are here."), END]]
    )
    deltas = await answer(model)
    assert text(deltas) == "Let me see.\n\nBoth are here."
    assert [delta.finish for delta in deltas if delta.finish] == [Finish.STOP]
    assert deltas[-2].finish is Finish.STOP
    assert model.requests[1] == (
        *ASKED,
        Message("assistant", "Let me see.", calls=(LOOK_ANN, LOOK_BOB)),
        Message("tool", '{"word": "Ann"} was found', answers="1"),
        Message("tool", '{"word": "Bob"} was found', answers="2"),
    )


async def test_further_requests_report_their_usage_separately() -> None:
    """The usage of the answer is that of its first request."""
    first = [calling(LOOK_ANN), Delta(usage=Usage(100, 0, 9))]
    model = ScriptedModel([first, [Delta("Here."), END, Delta(usage=Usage(130, 90, 3))]])
    deltas = await answer(model)
    assert [delta.usage for delta in deltas if delta.usage] == [Usage(100, 0, 9)]
    [beside] = [delta.beside for delta in deltas if delta.beside]
    assert beside.usage == Usage(130, 90, 3)
    assert beside.counted > 100


async def test_endless_tool_calls_are_cut_off() -> None:
    """The model has to answer at last."""
    model = ScriptedModel([[Delta("again "), calling(LOOK_ANN)]])
    await answer(model)
    assert [options.may_call for options in model.options] == [True] * MOST_ROUNDS + [False]
    assert {options.tools for options in model.options} == {(LOOK,)}


async def test_only_first_request_may_be_stored_server_side() -> None:
    model = ScriptedModel([[calling(LOOK_ANN)], [Delta("Here."), END]])
    await answer(model, Options(lasting=True))
    assert [options.lasting for options in model.options] == [True, False]


async def test_excess_tool_calls_all_get_a_result() -> None:
    """Only some of many calls at once are carried out."""
    calls = [Call(str(number), "look", "{}") for number in range(MOST_CALLS + 2)]
    model = ScriptedModel([[calling(*calls)], [Delta("Here."), END]])
    await answer(model)
    results = [message.content for message in model.requests[1] if message.answers]
    assert len(results) == len(calls)
    assert results.count(TOO_MANY) == 2


@pytest.mark.parametrize("arguments", ["", "not JSON", '{"word": "An', "[]", "null", '"Ann"'])
async def test_invalid_tool_arguments_are_not_sent_back(arguments: str) -> None:
    """A server would refuse them."""
    model = ScriptedModel([[calling(Call("1", "look", arguments))], [Delta("Here."), END]])
    await answer(model)
    _, made, told = model.requests[1]
    assert made.calls == (Call("1", "look", "{}"),)
    assert told.content == f"{arguments} was found"
