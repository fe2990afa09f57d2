import asyncio

import httpx
import openai
import pytest
from openai import AsyncOpenAI
from openai.types.chat import ChatCompletionMessageParam

from sandbox.model import Break, Cut, Fail, Hang, HoldStream, ModelServer, NoFinish, Say

HELLO: list[ChatCompletionMessageParam] = [{"role": "user", "content": "hello there"}]


async def listen(client: AsyncOpenAI, heard: list[str], messages: list[ChatCompletionMessageParam] = HELLO) -> None:
    stream = await client.chat.completions.create(model="m", messages=messages, stream=True)
    async for chunk in stream:
        heard += [choice.delta.content or "" for choice in chunk.choices]


async def streamed(client: AsyncOpenAI, messages: list[ChatCompletionMessageParam] = HELLO) -> list[str]:
    heard: list[str] = []
    await listen(client, heard, messages)
    return heard


async def test_stand_in_describes_itself_and_its_input(client: AsyncOpenAI) -> None:
    answer = await client.chat.completions.create(model="m", messages=HELLO)
    assert answer.choices[0].message.content == (
        "I am a stand-in for a model, with no understanding. I was given 1 message; your last words were: hello there"
    )
    assert answer.choices[0].finish_reason == "stop"


async def test_streamed_answer_comes_in_words_adding_up(client: AsyncOpenAI, model: ModelServer) -> None:
    model.script(Say("one  two\n\nthree ", chunk=1))
    pieces = await streamed(client)
    assert [piece for piece in pieces if piece] == ["one", "  two", "\n\nthree", " "]


async def test_the_long_answer_is_formatted(client: AsyncOpenAI) -> None:
    text = "".join(await streamed(client, [{"role": "user", "content": "Something LONG please"}]))
    assert "```python" in text
    assert "| Part |" in text


async def test_usage_comes_last_and_only_when_asked_for(client: AsyncOpenAI) -> None:
    stream = await client.chat.completions.create(
        model="m", messages=HELLO, stream=True, stream_options={"include_usage": True}
    )
    chunks = [chunk async for chunk in stream]
    assert [chunk.usage is not None for chunk in chunks].count(True) == 1
    assert chunks[-1].choices == []
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.prompt_tokens == 5  # "user\nhello there\n" has 17 bytes

    stream = await client.chat.completions.create(model="m", messages=HELLO, stream=True)
    assert all(chunk.usage is None for chunk in [chunk async for chunk in stream])


async def test_usage_in_every_chunk_is_a_running_count(client: AsyncOpenAI, model: ModelServer) -> None:
    model.script(Say("four more words here", usage="every chunk"))
    stream = await client.chat.completions.create(model="m", messages=HELLO, stream=True)
    counts = [chunk.usage.completion_tokens async for chunk in stream if chunk.usage]
    assert counts == [0, 1, 3, 4, 5, 5]


async def test_reasoning_is_streamed_before_the_content(client: AsyncOpenAI, model: ModelServer) -> None:
    model.script(Say("42", reasoning="let me think"))
    stream = await client.chat.completions.create(model="m", messages=HELLO, stream=True)
    deltas = [chunk.choices[0].delta async for chunk in stream]
    reasoning = [(delta.model_extra or {}).get("reasoning_content", "") for delta in deltas]
    assert "".join(reasoning) == "let me think"
    assert [delta.content for delta in deltas if delta.content] == ["42"]


async def test_scripted_failure_has_status_code_and_headers(client: AsyncOpenAI, model: ModelServer) -> None:
    model.script(Fail(429, "slow down", code="rate_limit", headers={"Retry-After": "7"}))
    with pytest.raises(openai.RateLimitError) as caught:
        await streamed(client)
    assert caught.value.code == "rate_limit"
    assert caught.value.response.headers["retry-after"] == "7"


async def test_a_scripted_failure_may_have_any_body(client: AsyncOpenAI, model: ModelServer) -> None:
    model.script(Fail(502, body=b"<html>bad gateway</html>"))
    with pytest.raises(openai.InternalServerError) as caught:
        await streamed(client)
    assert caught.value.response.text == "<html>bad gateway</html>"


async def test_a_cut_stream_breaks_after_what_was_said(client: AsyncOpenAI, model: ModelServer) -> None:
    model.script(Cut("nobody hears the end", after=6))
    heard: list[str] = []
    with pytest.raises(openai.APIConnectionError):
        await listen(client, heard)
    assert "".join(heard) == "nobody"


async def test_stream_may_contain_an_error(client: AsyncOpenAI, model: ModelServer) -> None:
    model.script(Break("nobody hears the end", after=6, error=Fail(500, "it broke", code="oops")))
    heard: list[str] = []
    with pytest.raises(openai.APIError, match="it broke") as caught:
        await listen(client, heard)
    assert (caught.value.code, "".join(heard)) == ("oops", "nobody")


async def test_a_stream_may_end_without_a_finish_reason(client: AsyncOpenAI, model: ModelServer) -> None:
    model.script(NoFinish("and then"))
    stream = await client.chat.completions.create(model="m", messages=HELLO, stream=True)
    assert [chunk.choices[0].finish_reason async for chunk in stream] == [None, None, None]


async def test_a_hanging_request_ends_with_the_clients_patience(client: AsyncOpenAI, model: ModelServer) -> None:
    model.script(Hang())
    with pytest.raises(openai.APITimeoutError):
        await client.with_options(timeout=0.1).chat.completions.create(model="m", messages=HELLO)
    await model.wait_abandoned(1)


@pytest.mark.parametrize(("point", "heard"), [("headers", ""), (1, "a"), (2, "a b"), ("finish", "a b c")])
async def test_an_answer_stands_where_it_is_held(
    client: AsyncOpenAI, model: ModelServer, point: str | int, heard: str
) -> None:
    hold = HoldStream(point)  # type: ignore[arg-type]  # pytest widens the literals
    model.script(Say("a b c", hold=hold))
    said: list[str] = []
    listening = asyncio.create_task(listen(client, said))
    await hold.reached()
    await asyncio.sleep(0.05)
    assert "".join(said) == heard
    hold.release()
    await listening
    assert "".join(said) == "a b c"


async def test_a_client_that_leaves_early_is_noticed(client: AsyncOpenAI, model: ModelServer) -> None:
    model.script(Say("a b c", hold=HoldStream(2)), Say("whole"))
    stream = await client.chat.completions.create(model="m", messages=HELLO, stream=True)
    await stream.close()
    await model.wait_abandoned(1)
    await streamed(client)
    assert model.abandoned == model.requests[:1]


async def test_requests_are_kept_as_they_came(client: AsyncOpenAI, model: ModelServer) -> None:
    await client.chat.completions.create(
        model="qwen", messages=HELLO, temperature=0.5, extra_body={"enable_thinking": True}
    )
    await model.wait_requests(1)
    [request] = model.requests
    assert request.model == "qwen"
    assert request.messages[0].raw == '{"role": "user", "content": "hello there"}'
    assert request.options == {"temperature": 0.5, "enable_thinking": True}
    assert b"enable_thinking" in request.body
    assert request.headers["authorization"] == "Bearer any"


async def test_answers_may_depend_on_the_request(client: AsyncOpenAI, model: ModelServer) -> None:
    model.answer_with(lambda request: Say(request.last_words.upper()))
    model.script(Say("queued first"))
    assert "".join(await streamed(client)) == "queued first"
    assert "".join(await streamed(client)) == "HELLO THERE"


async def test_a_fixed_key_is_checked() -> None:
    model = ModelServer(key="right")
    async with model.run() as url, AsyncOpenAI(base_url=url, api_key="wrong", max_retries=0) as client:
        with pytest.raises(openai.AuthenticationError, match="Incorrect API key") as caught:
            await client.models.list()
        assert caught.value.code == "invalid_api_key"
        models = await client.with_options(api_key="right").models.list()
    assert [item.id for item in models.data] == ["stand-in"]


async def test_unknown_path_is_refused_in_same_form(model: ModelServer) -> None:
    async with model.run() as url, httpx.AsyncClient() as client:
        answer = await client.post(f"{url}/audio/speech")
    assert answer.status_code == 404
    assert answer.json()["error"]["message"] == "POST /v1/audio/speech is not served here"


async def test_the_server_stops_while_an_answer_hangs(model: ModelServer) -> None:
    model.always(Hang())
    async with asyncio.timeout(3), AsyncOpenAI(base_url="http://unused", api_key="any", max_retries=0) as client:
        async with model.run() as url:
            asked = asyncio.create_task(
                client.with_options(base_url=url).chat.completions.create(model="m", messages=HELLO)
            )
            await model.wait_requests(1)
        with pytest.raises(openai.APIError):
            await asked


async def test_words_are_grouped_where_pace_is_unset() -> None:
    model = ModelServer(chunk=2)
    model.script(Say("one two three"), Say("one two three", delay=0.001))
    async with model.run() as url, AsyncOpenAI(base_url=url, api_key="any", max_retries=0, timeout=5) as client:
        assert [piece for piece in await streamed(client) if piece] == ["one two", " three"]
        assert [piece for piece in await streamed(client) if piece] == ["one", " two", " three"]
