"""What the model server reads, keeps and refuses of requests for a response."""

import base64
import json

import openai
import pytest
from openai import AsyncOpenAI
from openai.types.responses import Response, ResponseCompletedEvent

from sandbox.model import ModelServer, Say
from tests.media.files import picture


async def ask(client: AsyncOpenAI, said: str, previous: str | None = None, **more: object) -> Response:
    answer = await client.responses.create(
        model="m", input=said, previous_response_id=previous, extra_body=more, stream=False
    )
    assert isinstance(answer, Response)
    return answer


async def refusal(client: AsyncOpenAI, **body: object) -> openai.APIStatusError:
    with pytest.raises(openai.APIStatusError) as caught:
        await client.post("/responses", body={"model": "m", "input": "hi", **body}, cast_to=object)
    return caught.value


def user(*parts: object) -> list[dict[str, object]]:
    return [{"role": "user", "content": list(parts)}]


async def test_a_chain_is_continued_by_what_is_new(client: AsyncOpenAI, model: ModelServer) -> None:
    model.script(Say("hello Ann"), Say("you are Ann"), Say("bye"))
    first = await ask(client, "I am Ann")
    second = await ask(client, "who am I?", first.id, instructions="be kind")
    await ask(client, "good bye", second.id)
    request = model.requests[1]
    assert request.new == 1
    assert [(message.role, message.text) for message in request.messages] == [
        ("system", "be kind"),
        ("user", "I am Ann"),
        ("assistant", "hello Ann"),
        ("user", "who am I?"),
    ]
    assert [message.text for message in model.requests[2].messages[2:]] == ["who am I?", "you are Ann", "good bye"]
    assert model.requests[2].messages[0].text == "I am Ann"  # instructions are for one request only


async def test_chain_is_counted_and_cached_as_whole(client: AsyncOpenAI, model: ModelServer) -> None:
    model.script(Say("fine"), Say("yes"))
    first = await ask(client, "x" * 1994)
    answer = await ask(client, "and now?", first.id)
    assert answer.usage is not None
    assert (answer.usage.input_tokens, answer.usage.input_tokens_details.cached_tokens) == (508, 500)
    assert answer.previous_response_id == first.id


async def test_a_streamed_response_can_be_gone_on_from(client: AsyncOpenAI, model: ModelServer) -> None:
    model.script(Say("hello"), Say("yes"))
    stream = await client.responses.create(model="m", input="hello there", stream=True)
    [ended] = [event.response.id async for event in stream if isinstance(event, ResponseCompletedEvent)]
    await ask(client, "still there?", ended)
    assert [message.text for message in model.requests[1].messages] == ["hello there", "hello", "still there?"]


@pytest.mark.parametrize("status", [400, 404])
async def test_an_expired_response_is_not_found(client: AsyncOpenAI, model: ModelServer, status: int) -> None:
    model.responses.missing_status = status
    first = await ask(client, "hello")
    assert model.responses.ids == (first.id,)
    model.responses.expire(first.id)
    error = await refusal(client, previous_response_id=first.id)
    assert error.status_code == status
    assert (error.code, error.param) == ("previous_response_not_found", "previous_response_id")
    assert f"Previous response with id '{first.id}' not found." in error.message
    assert len(model.requests) == 1


async def test_response_not_stored_is_not_found(client: AsyncOpenAI) -> None:
    first = await ask(client, "hello", store=False)
    error = await refusal(client, previous_response_id=first.id)
    assert error.code == "previous_response_not_found"


async def test_requests_are_kept_as_they_came(client: AsyncOpenAI, model: ModelServer) -> None:
    await client.responses.create(
        model="qwen",
        input="hello",
        store=True,
        max_output_tokens=16,
        extra_headers={"x-dashscope-session-cache": "enable"},
    )
    [request] = model.requests
    assert (request.api, request.model, request.stream, request.last_words) == ("responses", "qwen", False, "hello")
    assert request.new == len(request.messages)
    assert request.options == {"store": True, "max_output_tokens": 16}
    assert request.headers["x-dashscope-session-cache"] == "enable"
    assert json.loads(request.body)["input"] == "hello"


@pytest.mark.parametrize("words", [[], [{"type": "message", "role": "assistant", "content": "Let me see."}]])
async def test_calls_may_stand_behind_words_of_the_assistants(
    client: AsyncOpenAI, model: ModelServer, words: list[object]
) -> None:
    calls = [{"type": "function_call", "call_id": name, "name": "look", "arguments": "{}"} for name in "ab"]
    results = [{"type": "function_call_output", "call_id": name, "output": "found"} for name in "ab"]
    asked = [{"role": "user", "content": "what is it?"}, *words, *calls, *results]
    await client.post("/responses", body={"model": "m", "input": asked}, cast_to=object)
    made = [message for message in model.requests[0].messages if message.role == "assistant"]
    assert "".join(message.text for message in made) == "Let me see." * len(words)
    assert [name for message in made for name in message.call_ids] == ["a", "b"]


async def test_items_with_media_and_earlier_answers_are_read(client: AsyncOpenAI, model: ModelServer) -> None:
    shown, sound = picture(kind="PNG"), b"ID3" + b"\0" * 500
    await client.post(
        "/responses",
        body={
            "model": "m",
            "input": [
                {"role": "system", "content": "be kind"},
                *user(
                    {"type": "input_image", "image_url": f"data:image/png;base64,{base64.b64encode(shown).decode()}"},
                    {"type": "input_text", "text": "what?"},
                ),
                {
                    "type": "message",
                    "id": "msg_1",
                    "status": "completed",
                    "role": "assistant",
                    "content": [{"type": "output_text", "text": "a flag", "annotations": []}],
                },
                *user(
                    {"type": "input_audio", "input_audio": {"format": "mp3", "data": base64.b64encode(sound).decode()}}
                ),
            ],
        },
        cast_to=object,
    )
    system, first, answer, second = model.requests[0].messages
    assert (system.text, first.text, answer.text) == ("be kind", "what?", "a flag")
    assert first.images == (shown,)
    assert second.sounds == (sound,)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"model": ""}, "model"),
        ({"input": ""}, "input has no text"),
        ({"input": []}, "input must be a list"),
        ({"input": None}, "input must be a list"),
        ({"input": [{"type": "message", "role": "assistant", "content": "hi"}]}, "role must be user here"),
        ({"input": [{"role": "assistant", "content": "hi"}]}, "determine type"),
        ({"input": [{"role": "user", "content": "a"}] * 2}, "role must be assistant here"),
        ({"input": [{"role": "robot", "content": "hi"}]}, "not 'robot'"),
        ({"input": [{"type": "reasoning", "summary": []}]}, "type 'reasoning'"),
        ({"input": user({"type": "text", "text": "hi"})}, "type 'text'"),
        ({"input": user({"type": "output_text", "text": "hi"})}, "type 'output_text'"),
        ({"input": user({"type": "input_image", "image_url": "https://x/y.png"})}, "no data URL"),
        ({"input": user({"type": "input_image", "image_url": {"url": "data:"}})}, "no data URL"),
        ({"input": user({"type": "input_audio", "input_audio": {"format": "ogg", "data": "x"}})}, "no format"),
        ({"instructions": ""}, "instructions has no text"),
        ({"stream": "yes"}, "stream must be true or false"),
        ({"store": "yes"}, "store must be true or false"),
        ({"max_output_tokens": 15}, "Invalid 'max_output_tokens'"),
        ({"previous_response_id": "resp_x"}, "Previous response with id 'resp_x' not found."),
        ({"previous_response_id": 7}, "not found"),
    ],
)
async def test_what_a_real_server_refuses_is_refused(
    client: AsyncOpenAI, model: ModelServer, change: dict[str, object], reason: str
) -> None:
    error = await refusal(client, **change)
    assert error.status_code == 400
    assert reason in error.message
    assert model.requests == []
    assert len(model.refused) == 1
