"""The real client on the model server's Responses API."""

import base64

import openai
import pytest
from openai import AsyncOpenAI
from openai.types.responses import (
    Response,
    ResponseCompletedEvent,
    ResponseErrorEvent,
    ResponseFailedEvent,
    ResponseIncompleteEvent,
    ResponseStreamEvent,
    ResponseTextDeltaEvent,
)

from sandbox.model import Break, Cut, Fail, Hang, HoldStream, ModelServer, NoFinish, Say


async def hear(client: AsyncOpenAI, events: list[ResponseStreamEvent], said: str = "hello there") -> None:
    async for event in await client.responses.create(model="m", input=said, stream=True):
        events += [event]  # one by one: what came before a failure is kept


async def heard(client: AsyncOpenAI) -> list[ResponseStreamEvent]:
    events: list[ResponseStreamEvent] = []
    await hear(client, events)
    return events


def text(events: list[ResponseStreamEvent]) -> str:
    return "".join(event.delta for event in events if isinstance(event, ResponseTextDeltaEvent))


async def ask(client: AsyncOpenAI, said: str, previous: str | None = None, **more: object) -> Response:
    answer = await client.responses.create(
        model="m", input=said, previous_response_id=previous, extra_body=more, stream=False
    )
    assert isinstance(answer, Response)
    return answer


async def test_streamed_events_follow_the_apis_order(client: AsyncOpenAI, model: ModelServer) -> None:
    model.script(Say("one two"))
    events = await heard(client)
    assert [event.type for event in events] == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
        "response.output_text.delta",
        "response.output_text.delta",
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed",
    ]
    assert text(events) == "one two"
    assert [event.model_dump()["sequence_number"] for event in events] == list(range(10))
    assert isinstance(events[-1], ResponseCompletedEvent)
    assert events[-1].response.output_text == "one two"


async def test_unstreamed_answer_is_the_same_response(client: AsyncOpenAI, model: ModelServer) -> None:
    model.script(Say("one two", reasoning="hm"))
    answer = await ask(client, "hello")
    assert (answer.status, answer.output_text) == ("completed", "one two")
    assert [item.type for item in answer.output] == ["reasoning", "message"]


async def test_usage_tells_of_the_cache_and_of_reasoning(client: AsyncOpenAI, model: ModelServer) -> None:
    model.always(Say("four", reasoning="eight by"))
    await ask(client, "x" * 1994)
    usage = (await ask(client, "x" * 1994)).usage
    assert usage is not None
    assert (usage.input_tokens, usage.input_tokens_details.cached_tokens) == (500, 500)
    assert (usage.output_tokens, usage.output_tokens_details.reasoning_tokens, usage.total_tokens) == (3, 2, 503)


@pytest.mark.parametrize(
    ("form", "kind"),
    [("summary", "response.reasoning_summary_text.delta"), ("text", "response.reasoning_text.delta")],
)
async def test_reasoning_is_an_item_before_the_message(
    client: AsyncOpenAI, model: ModelServer, form: str, kind: str
) -> None:
    model.script(Say("42", reasoning="let me think", reasoning_as="text" if form == "text" else "summary"))
    events = await heard(client)
    thought = [event.model_dump() for event in events if event.type == kind]
    assert "".join(event["delta"] for event in thought) == "let me think"
    assert {event["output_index"] for event in thought} == {0}
    assert text(events) == "42"
    types = [event.type for event in events]
    assert types.index("response.output_item.done") < types.index("response.output_text.delta")


@pytest.mark.parametrize(("finish", "reason"), [("length", "max_output_tokens"), ("content_filter", "content_filter")])
async def test_an_answer_that_was_ended_is_incomplete(
    client: AsyncOpenAI, model: ModelServer, finish: str, reason: str
) -> None:
    model.always(Say("and th", finish_reason=finish))
    last = (await heard(client))[-1]
    assert isinstance(last, ResponseIncompleteEvent)
    for response in (last.response, await ask(client, "hello")):
        assert response.status == "incomplete"
        assert response.incomplete_details is not None
        assert response.incomplete_details.reason == reason
        assert response.usage is not None


async def test_a_response_may_fail_in_the_middle(client: AsyncOpenAI, model: ModelServer) -> None:
    model.script(Break("never heard", after=5, error=Fail(500, "it broke", code="server_error")))
    events = await heard(client)
    assert text(events) == "never"
    last = events[-1]
    assert isinstance(last, ResponseFailedEvent)
    assert last.response.error is not None
    assert (last.response.error.code, last.response.error.message) == ("server_error", "it broke")
    assert model.responses.ids == ()


async def test_an_error_event_may_end_the_stream(client: AsyncOpenAI, model: ModelServer) -> None:
    model.script(Break("never", after=0, error=Fail(429, "slow down", code="rate_limit"), event="error"))
    last = (await heard(client))[-1]
    assert isinstance(last, ResponseErrorEvent)
    assert (last.code, last.message) == ("rate_limit", "slow down")


async def test_break_without_stream_is_a_refusal(client: AsyncOpenAI, model: ModelServer) -> None:
    model.script(Break("never", error=Fail(503, "it broke")))
    with pytest.raises(openai.InternalServerError, match="it broke"):
        await ask(client, "hello")


async def test_scripted_failure_has_status_code_and_headers(client: AsyncOpenAI, model: ModelServer) -> None:
    model.script(Fail(429, "slow down", code="rate_limit", headers={"Retry-After": "7"}))
    with pytest.raises(openai.RateLimitError) as caught:
        await heard(client)
    assert (caught.value.code, caught.value.response.headers["retry-after"]) == ("rate_limit", "7")


async def test_a_cut_stream_breaks_after_what_was_said(client: AsyncOpenAI, model: ModelServer) -> None:
    model.script(Cut("nobody hears the end", after=6))
    events: list[ResponseStreamEvent] = []
    with pytest.raises(openai.APIConnectionError):
        await hear(client, events)
    assert text(events) == "nobody"
    assert model.responses.ids == ()


async def test_a_stream_may_end_without_its_last_event(client: AsyncOpenAI, model: ModelServer) -> None:
    model.script(NoFinish("and then"))
    events = await heard(client)
    assert (events[-1].type, text(events)) == ("response.output_text.delta", "and then")


async def test_a_hanging_request_ends_with_the_clients_patience(client: AsyncOpenAI, model: ModelServer) -> None:
    model.script(Hang())
    with pytest.raises(openai.APITimeoutError):
        await heard(client.with_options(timeout=0.1))
    await model.wait_abandoned(1)


async def test_an_answer_stands_where_it_is_held(client: AsyncOpenAI, model: ModelServer) -> None:
    hold = HoldStream(2)
    model.script(Say("a b c", hold=hold))
    stream = await client.responses.create(model="m", input="hello", stream=True)
    await hold.reached()
    hold.release()
    assert text([event async for event in stream]) == "a b c"


async def test_speech_comes_where_it_was_asked_for(client: AsyncOpenAI, model: ModelServer) -> None:
    model.always(Say("hi", speech=b"\x01\x02"))
    assert "response.audio.delta" not in [event.type for event in await heard(client)]
    wanted = {"modalities": ["text", "audio"]}
    stream = await client.responses.create(model="m", input="hello", stream=True, extra_body=wanted)
    [spoken] = [event async for event in stream if event.type == "response.audio.delta"]
    assert base64.b64decode(spoken.delta) == b"\x01\x02"
