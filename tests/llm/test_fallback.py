"""Another model answers where the first one fails before its first word."""

import asyncio

import pytest

from bot import errors
from bot.llm.fallback import GIVE_WAY, Pair, WithFallback
from bot.llm.interface import Capabilities, Image, Message
from bot.llm.stream_events import (
    Finish,
    Finished,
    KeepAlive,
    ReasoningDelta,
    Received,
    StreamEvent,
    SwitchedModel,
    TextDelta,
)
from tests.scripted import OneModel, ScriptedModel, says

ASKED = [Message("user", "what is this?", parts=(Image("image/png", b"x"), "what is this?"))]


class Named(OneModel):
    """A server with several models."""

    def __init__(self, models: dict[str, ScriptedModel]) -> None:
        super().__init__(next(iter(models.values())))
        self.models = models

    def of(self, name: str) -> ScriptedModel:
        return self.models[name]


def _pair(
    *script: StreamEvent | Exception | asyncio.Event, capabilities: Capabilities | None = None
) -> tuple[Pair, ScriptedModel]:
    second = ScriptedModel(
        [says("from ", "the other")], name="other", capabilities=capabilities or Capabilities(), window=4096
    )
    return Pair(
        ScriptedModel([script], name="first", capabilities=Capabilities(sees=True)), second, patience=0.05
    ), second


async def _answer(pair: Pair) -> list[StreamEvent]:
    return [event async for event in pair.stream(ASKED)]


@pytest.mark.parametrize("kind", GIVE_WAY, ids=lambda kind: kind.__name__)
async def test_fallback_answer_names_its_model_and_reason(kind: type[errors.ModelError]) -> None:
    pair, _ = _pair(kind("details"))
    events = await _answer(pair)
    assert isinstance(events[0], SwitchedModel)
    assert events[0].model == "other"
    assert isinstance(events[0].failure, kind)
    assert Received.of(events).text == "from the other"


async def test_silent_first_model_is_replaced_in_time() -> None:
    pair, _ = _pair(asyncio.Event())
    events = await _answer(pair)
    assert isinstance(events[0], SwitchedModel)
    assert isinstance(events[0].failure, errors.NoAnswerInTime)


async def test_keepalive_does_not_count_as_an_answer() -> None:
    pair, _ = _pair(KeepAlive(), KeepAlive(), asyncio.Event())
    events = await _answer(pair)
    assert Received.of(events).text == "from the other"


@pytest.mark.parametrize("begun", [TextDelta("Hel"), ReasoningDelta("hm")])
async def test_who_has_begun_in_time_is_not_hurried(begun: StreamEvent) -> None:
    pause = asyncio.Event()
    asyncio.get_running_loop().call_later(0.15, pause.set)
    pair, second = _pair(begun, pause, TextDelta("lo"), Finished(Finish.STOP))
    assert (await _answer(pair))[-2] == TextDelta("lo")
    assert second.requests == []


async def test_a_model_is_not_its_own_fallback() -> None:
    first, fallback = ScriptedModel([says("hello")], name="first"), ScriptedModel([says("hi")], name="other")
    server = Named({"first": first, "other": fallback})
    models = WithFallback(server, server, "other", patience=1.0)
    assert models.of("other") is fallback
    assert isinstance(models.of("first"), Pair)
    assert isinstance(WithFallback(server, OneModel(fallback), "first", patience=1.0).of("first"), Pair)


async def test_started_answer_never_switches_models() -> None:
    """A model that has begun to speak goes on or fails."""
    pair, second = _pair(TextDelta("I"), errors.StreamCut("cut"))
    with pytest.raises(errors.StreamCut):
        await _answer(pair)
    assert second.requests == []


@pytest.mark.parametrize(
    "kind", [errors.ContextTooLong, errors.ContentRefused, errors.CannotSee, errors.RequestRefused]
)
async def test_invalid_request_is_invalid_for_both(kind: type[errors.ModelError]) -> None:
    pair, second = _pair(kind("details"))
    with pytest.raises(kind):
        await _answer(pair)
    assert second.requests == []


async def test_fallback_is_not_asked_without_need() -> None:
    pair, second = _pair(*says("hello"))
    assert Received.of(await _answer(pair)).text == "hello"
    assert second.requests == []


async def test_the_other_is_sent_what_it_takes() -> None:
    blind, second = _pair(errors.ServerTrouble("503"))
    await _answer(blind)
    assert second.requests[0] == (Message("user", "what is this?"),)
    seeing, second = _pair(errors.ServerTrouble("503"), capabilities=Capabilities(sees=True))
    await _answer(seeing)
    assert second.requests[0] == tuple(ASKED)
