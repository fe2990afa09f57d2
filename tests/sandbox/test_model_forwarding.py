"""What the sandbox's model server passes on to another one."""

from collections.abc import Awaitable, Callable

import pytest
from openai import APIConnectionError, AsyncOpenAI, InternalServerError

from sandbox.model import Cut, Fail, Forward, ModelServer, Say, Upstream
from tests.sandbox.test_model_server import HELLO, listen, streamed

KEY = "key-of-the-other"


def to(url: str) -> Callable[[], Awaitable[Upstream]]:
    async def upstream() -> Upstream:
        return Upstream(url, KEY)

    return upstream


@pytest.fixture
def other() -> ModelServer:
    return ModelServer(key=KEY, words_per_second=10_000)


async def test_answer_and_usage_pass_unchanged(client: AsyncOpenAI, model: ModelServer, other: ModelServer) -> None:
    other.always(Say("from elsewhere"))
    async with other.run() as url:
        model.always(Forward(to(url), Say("from here")))
        assert "".join(await streamed(client)) == "from elsewhere"
        whole = await client.chat.completions.create(model="m", messages=HELLO)
    assert whole.usage is not None
    assert whole.usage.prompt_tokens == other.counts[-1].total
    assert [request.body for request in other.requests] == [request.body for request in model.requests]
    assert model.counts == []


async def test_responses_api_is_passed_on_too(client: AsyncOpenAI, model: ModelServer, other: ModelServer) -> None:
    other.always(Say("from elsewhere"))
    async with other.run() as url:
        model.always(Forward(to(url), Say("from here")))
        assert (await client.responses.create(model="m", input="hello")).output_text == "from elsewhere"


async def test_without_another_server_it_answers_itself(client: AsyncOpenAI, model: ModelServer) -> None:
    async def nowhere() -> None:
        return None

    model.always(Forward(nowhere, Say("from here")))
    assert "".join(await streamed(client)) == "from here"
    assert len(model.counts) == 1


async def test_scripted_fault_precedes_the_other_server(client: AsyncOpenAI, model: ModelServer) -> None:
    model.always(Forward(to("http://127.0.0.1:1/v1"), Say("from here")))
    model.script(Fail(500, "played"))
    with pytest.raises(InternalServerError, match="played"):
        await client.chat.completions.create(model="m", messages=HELLO)


async def test_refusal_of_other_server_is_passed_on(
    client: AsyncOpenAI, model: ModelServer, other: ModelServer
) -> None:
    other.always(Fail(500, "out of order"))
    async with other.run() as url:
        model.always(Forward(to(url), Say("from here")))
        with pytest.raises(InternalServerError, match="out of order"):
            await client.chat.completions.create(model="m", messages=HELLO)


async def test_an_unreachable_server_is_reported(client: AsyncOpenAI, model: ModelServer, unused_tcp_port: int) -> None:
    model.always(Forward(to(f"http://127.0.0.1:{unused_tcp_port}/v1"), Say("from here")))
    with pytest.raises(InternalServerError) as caught:
        await client.chat.completions.create(model="m", messages=HELLO)
    assert caught.value.status_code == 503


async def test_death_mid_answer_drops_the_connection(
    client: AsyncOpenAI, model: ModelServer, other: ModelServer
) -> None:
    other.always(Cut("one two three four", after=13, delay=0.05))
    async with other.run() as url:
        model.always(Forward(to(url), Say("from here")))
        heard: list[str] = []
        with pytest.raises(APIConnectionError):
            await listen(client, heard)
    assert "".join(heard) == "one two three"
