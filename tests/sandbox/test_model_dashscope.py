"""The real `dashscope` client on the model server's native API."""

import base64
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import dashscope
import pytest
from dashscope import AioGeneration, AioMultiModalConversation

from sandbox.model import Break, Cut, Fail, Hang, HoldStream, ModelServer, NoFinish, Say

# Typed as if it were the blocking client, with messages of a class that its own examples do not use.
GENERATION: Any = AioGeneration
CONVERSATION: Any = AioMultiModalConversation

HELLO = [{"role": "user", "content": "hello there"}]
SHOWN = [{"role": "user", "content": [{"text": "hello there"}]}]


@pytest.fixture
async def model(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ModelServer]:
    model = ModelServer(words_per_second=10_000)
    async with model.run():
        monkeypatch.setattr(dashscope, "base_http_api_url", model.dashscope_url)
        yield model


@pytest.fixture
async def session(model: ModelServer) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:  # the client's own is shared by the process, and never closed
        yield session


async def begin(session: aiohttp.ClientSession, **more: Any) -> Any:
    asked = {"model": "m", "messages": HELLO, "result_format": "message", "incremental_output": True} | more
    return await GENERATION.call(api_key="any", session=session, stream=True, **asked)


async def stream(session: aiohttp.ClientSession, heard: list[Any], **more: Any) -> None:
    async for chunk in await begin(session, **more):
        heard += [chunk]  # one by one: what came before a failure is kept


async def streamed(session: aiohttp.ClientSession, **more: Any) -> list[Any]:
    heard: list[Any] = []
    await stream(session, heard, **more)
    return heard


async def ask(session: aiohttp.ClientSession, **more: Any) -> Any:
    asked = {"model": "m", "messages": HELLO, "result_format": "message"} | more
    return await GENERATION.call(api_key="any", session=session, **asked)


async def see(session: aiohttp.ClientSession, **more: Any) -> list[Any]:
    asked = {"model": "m", "messages": SHOWN, "incremental_output": True} | more
    chunks = await CONVERSATION.call(api_key="any", session=session, stream=True, **asked)
    return [chunk async for chunk in chunks]


def said(chunks: list[Any]) -> str:
    return "".join(chunk.output.choices[0].message.content for chunk in chunks)


def ends(chunks: list[Any]) -> list[str]:
    return [chunk.output.choices[0].finish_reason for chunk in chunks]


async def test_streamed_answer_finishes_in_last_piece(session: aiohttp.ClientSession, model: ModelServer) -> None:
    model.script(Say("one  two"))
    chunks = await streamed(session)
    assert [chunk.output.choices[0].message.content for chunk in chunks] == ["one", "  two", ""]
    assert ends(chunks) == ["null", "null", "stop"]
    assert len({chunk.request_id for chunk in chunks}) == 1


async def test_unstreamed_answer_is_one_body(session: aiohttp.ClientSession, model: ModelServer) -> None:
    model.script(Say("42", reasoning="hm", finish_reason="length"))
    answer = await ask(session)
    choice = answer.output.choices[0]
    assert (choice.message.content, choice.message.reasoning_content) == ("42", "hm")
    assert choice.finish_reason == "length"


async def test_without_increments_each_chunk_holds_all_so_far(
    session: aiohttp.ClientSession, model: ModelServer
) -> None:
    model.script(Say("a b"))
    chunks = await streamed(session, incremental_output=None)  # False, the client would turn into increments
    assert [chunk.output.choices[0].message.content for chunk in chunks] == ["a", "a b", "a b"]


async def test_reasoning_is_streamed_before_the_content(session: aiohttp.ClientSession, model: ModelServer) -> None:
    model.script(Say("42", reasoning="let me think"))
    chunks = await streamed(session, enable_thinking=True)
    thoughts = [chunk.output.choices[0].message.reasoning_content for chunk in chunks]
    assert thoughts == ["let", " me", " think", "", ""]
    assert said(chunks) == "42"
    assert model.requests[0].options["enable_thinking"] is True


async def test_usage_with_cache_is_in_every_chunk(session: aiohttp.ClientSession, model: ModelServer) -> None:
    model.always(Say("four more words here"))
    long = [{"role": "user", "content": "x" * 1994}]
    await ask(session, messages=long)
    chunks = await streamed(session, messages=long)
    assert [chunk.usage.output_tokens for chunk in chunks] == [1, 3, 4, 5, 5]
    usage = chunks[-1].usage
    assert (usage.input_tokens, usage.total_tokens, usage.prompt_tokens_details) == (500, 505, {"cached_tokens": 500})


async def test_usage_may_be_left_out(session: aiohttp.ClientSession, model: ModelServer) -> None:
    model.script(Say("hi", usage=False))
    assert (await ask(session)).usage.input_tokens == 0  # the client makes a zero of it


async def test_a_multimodal_content_is_a_list_of_parts(session: aiohttp.ClientSession, model: ModelServer) -> None:
    model.script(Say("a b", reasoning="hm"))
    messages = [chunk.output.choices[0].message for chunk in await see(session)]
    assert [message.content for message in messages] == [[], [{"text": "a"}], [{"text": " b"}], []]
    assert [message.reasoning_content for message in messages] == ["hm", "", "", ""]


async def test_speech_comes_where_it_was_asked_for(session: aiohttp.ClientSession, model: ModelServer) -> None:
    model.always(Say("hi", speech=b"\x01\x02"))
    assert all(chunk.output.audio is None for chunk in await see(session))
    spoken = [chunk.output.audio for chunk in await see(session, modalities=["text", "audio"])]
    assert [base64.b64decode(audio.data) for audio in spoken if audio] == [b"\x01\x02"]


async def test_error_may_end_stream_and_is_returned(session: aiohttp.ClientSession, model: ModelServer) -> None:
    model.script(Break("never heard", after=5, error=Fail(500, "it broke", code="InternalError.Algo")))
    *chunks, last = await streamed(session)
    assert said(chunks) == "never"
    assert (last.code, last.message) == ("InternalError.Algo", "it broke")
    assert last.status_code == 400  # whatever it was: the client looks for a line that DashScope does not send
    assert last.output is None


@pytest.mark.parametrize("streaming", [True, False])
async def test_scripted_failure_is_answer_with_its_status(
    session: aiohttp.ClientSession, model: ModelServer, streaming: bool
) -> None:
    model.script(Fail(429, "slow down", code="Throttling", headers={"Retry-After": "7"}))
    answer = (await streamed(session))[0] if streaming else await ask(session)
    assert (answer.status_code, answer.code, answer.message) == (429, "Throttling", "slow down")
    assert {name.lower(): value for name, value in answer.headers.items()}["retry-after"] == "7"


@pytest.mark.parametrize(
    ("status", "code"), [(401, "InvalidApiKey"), (400, "InvalidParameter"), (500, "InternalError")]
)
async def test_failure_without_code_gets_its_statuss_code(
    session: aiohttp.ClientSession, model: ModelServer, status: int, code: str
) -> None:
    model.script(Fail(status))
    assert (await ask(session)).code == code


async def test_break_without_stream_is_a_refusal(session: aiohttp.ClientSession, model: ModelServer) -> None:
    model.script(Break("never", error=Fail(503, "it broke")))
    answer = await ask(session)
    assert (answer.status_code, answer.code, answer.message) == (503, "ModelServingError", "it broke")


async def test_invalid_json_body_makes_client_fail(session: aiohttp.ClientSession, model: ModelServer) -> None:
    model.script(Fail(400, body=b'id:1\nevent:error\n:HTTP_STATUS/400\ndata:{"code":"InvalidParameter"}\n\n'))
    with pytest.raises(ValueError, match="Expecting value"):
        await ask(session)


async def test_a_cut_stream_breaks_after_what_was_said(session: aiohttp.ClientSession, model: ModelServer) -> None:
    model.script(Cut("nobody hears the end", after=6))
    heard: list[Any] = []
    with pytest.raises(aiohttp.ClientPayloadError):
        await stream(session, heard)
    assert said(heard) == "nobody"


async def test_a_stream_may_end_without_a_finish_reason(session: aiohttp.ClientSession, model: ModelServer) -> None:
    model.script(NoFinish("and then"))
    assert ends(await streamed(session)) == ["null", "null"]


async def test_a_hanging_request_ends_with_the_clients_patience(
    session: aiohttp.ClientSession, model: ModelServer
) -> None:
    model.script(Hang())
    with pytest.raises(TimeoutError):
        await ask(session, request_timeout=0.1)
    await model.wait_abandoned(1)
    assert len(model.requests) == 1


async def test_a_hanging_stream_is_asked_for_twice(session: aiohttp.ClientSession, model: ModelServer) -> None:
    model.script(Hang(), Hang())
    with pytest.raises(aiohttp.SocketTimeoutError):
        await streamed(session, request_timeout=0.1)
    await model.wait_abandoned(2)  # the client takes its own impatience for a connection that was dropped


async def test_hanging_stream_ends_with_clients_timeout(session: aiohttp.ClientSession, model: ModelServer) -> None:
    model.script(Say("a b c", hold=HoldStream(2)))
    heard: list[Any] = []
    with pytest.raises(aiohttp.SocketTimeoutError):
        await stream(session, heard, request_timeout=0.1)
    assert (said(heard), len(model.requests)) == ("a b", 1)


async def test_an_answer_stands_where_it_is_held(session: aiohttp.ClientSession, model: ModelServer) -> None:
    hold = HoldStream(2)
    model.script(Say("a b c", hold=hold))
    chunks = await begin(session)
    first = await anext(chunks)
    await hold.reached()
    hold.release()
    assert said([first]) == "a"
    assert said([chunk async for chunk in chunks]) == " b c"


async def test_a_client_that_leaves_early_is_noticed(session: aiohttp.ClientSession, model: ModelServer) -> None:
    model.script(Say("a b c", hold=HoldStream(1)))
    chunks = await begin(session)
    await anext(chunks)
    await chunks.aclose()
    await model.wait_abandoned(1)
