"""DashScope's own interface against a server that speaks it: answers, failures told apart, and no file of ours sent."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from bot import errors
from bot.llm.dashscope import DashScopeServer
from bot.llm.interface import Image, Message, Options, Sound
from bot.llm.model import Model
from bot.llm.stream_events import Finish, Finished, Received, StreamEvent, TextDelta
from sandbox.model import Break, Cut, Fail, Hang, ModelServer, NoFinish, Say
from sandbox.model.behaviour import Behaviour
from sandbox.model.request import ChatRequest
from tests.media.files import picture

ASKED = [Message("system", "be kind"), Message("user", "hello")]
PICTURE = Image("image/jpeg", picture(64, 64))
SOUND = Sound("mp3", b"ID3" + bytes(2000))


@pytest.fixture
async def models(server: ModelServer) -> AsyncIterator[DashScopeServer]:
    async with server.run():
        client = _client(server.dashscope_url)
        yield client
        await client.close()


@pytest.fixture
def model(models: DashScopeServer) -> Model:
    return models.of("qwen-plus")


def _client(url: str, timeout: float = 5.0) -> DashScopeServer:
    return DashScopeServer(base_url=url, api_key="sk-right", extra_body={"seed": 7}, timeout=timeout)


async def _answer(model: Model, asked: Sequence[Message] = ASKED, options: Options | None = None) -> list[StreamEvent]:
    return [event async for event in model.stream(asked, options or Options())]


def _text(events: Sequence[StreamEvent]) -> str:
    return Received.of(events).text


async def test_answer_streams_with_finish_and_usage(server: ModelServer, model: Model) -> None:
    server.script(Say("Hello there, Ann", reasoning="who is it"))
    events = await _answer(model)
    assert _text(events) == "Hello there, Ann"
    assert len([event for event in events if isinstance(event, TextDelta)]) == 3
    assert Received.of(events).reasoning == "who is it"
    assert [event.reason for event in events if isinstance(event, Finished)] == [Finish.STOP]
    usage = Received.of(events).usage
    assert usage is not None
    assert usage.input == server.counts[0].total
    assert usage.output > 0


async def test_usage_that_nobody_reports_is_none(server: ModelServer, model: Model) -> None:
    server.script(Say("hello", usage=False))
    assert Received.of(await _answer(model)).usage is None


async def test_a_text_model_is_sent_texts(server: ModelServer, model: Model) -> None:
    server.script(Say("hi"))
    await _answer(model, options=Options(thinking=True))
    body = json.loads(server.requests[0].body)
    assert body["model"] == "qwen-plus"
    assert body["input"] == {
        "messages": [{"role": "system", "content": "be kind"}, {"role": "user", "content": "hello"}]
    }
    wanted = {"seed": 7, "incremental_output": True, "result_format": "message", "enable_thinking": True}
    assert wanted.items() <= body["parameters"].items()


async def test_multimodal_model_gets_pictures_and_sounds(server: ModelServer, models: DashScopeServer) -> None:
    server.script(Say("a red square"))
    model = models.of("qwen2.5-omni-7b")
    assert not model.capabilities.speaks
    asked = [Message("user", "what is it?", parts=(PICTURE, SOUND, "what is it?"))]
    assert _text(await _answer(model, asked)) == "a red square"
    [message] = server.requests[0].messages
    assert (message.text, message.images, message.sounds) == ("what is it?", (PICTURE.data,), (SOUND.data,))


@pytest.mark.parametrize("form", ["{}", "file://{}"])
async def test_text_naming_a_file_path_stays_text(
    server: ModelServer, models: DashScopeServer, tmp_path: Path, form: str
) -> None:
    """The official SDK would upload the file."""
    secret = tmp_path / "secret"
    secret.write_text("sk-very-secret")
    said = form.format(secret)
    await _answer(models.of("qwen3-vl-plus"), [Message("user", said)])
    assert [message.text for message in server.requests[0].messages] == [said]
    assert b"sk-very-secret" not in server.requests[0].body


async def test_text_model_is_retried_at_text_endpoint(server: ModelServer, models: DashScopeServer) -> None:
    """Whether an unknown model is for text only turns out with its first request."""
    model = models.of("brand-new-model")
    server.script(Fail(400, "url error, please check url!", code="InvalidParameter"), Say("hi"), Say("again"))
    assert _text(await _answer(model)) == "hi"
    assert _text(await _answer(model)) == "again"
    assert not model.capabilities.sees
    paths = [
        "multimodal" if "[{" in str(json.loads(one.body)["input"]["messages"][0]["content"]) else "text"
        for one in server.requests
    ]
    assert paths == ["multimodal", "text", "text"]


async def test_concurrent_endpoint_discovery_answers_both(server: ModelServer, models: DashScopeServer) -> None:
    wrong = Fail(400, "url error, please check url!", code="InvalidParameter")
    model = models.of("brand-new-model")

    def answer(request: ChatRequest) -> Behaviour:
        multimodal = b'"content": [' in request.body
        return wrong if multimodal else Say("hi")

    server.answer_with(answer)
    first, second = await asyncio.gather(_answer(model), _answer(model))
    assert (_text(first), _text(second)) == ("hi", "hi")
    assert _text(await _answer(model)) == "hi"


async def test_text_model_is_notified_of_unseen_picture(server: ModelServer, models: DashScopeServer) -> None:
    server.script(Fail(400, "url error, please check url!", code="InvalidParameter"))
    with pytest.raises(errors.CannotSee):
        await _answer(models.of("brand-new-model"), [Message("user", "what is it?", parts=(PICTURE, "what is it?"))])


@pytest.mark.parametrize(("reason", "finish"), [("length", Finish.LENGTH), ("stop", Finish.STOP)])
async def test_an_answer_says_why_it_ended(server: ModelServer, model: Model, reason: str, finish: Finish) -> None:
    server.script(Say("Hello", finish_reason=reason))
    assert [event.reason for event in await _answer(model) if isinstance(event, Finished)] == [finish]


@pytest.mark.parametrize(
    ("failure", "kind"),
    [
        (Fail(401, "Invalid API-key provided.", code="InvalidApiKey"), errors.WrongKey),
        (Fail(403, "Access denied.", code="AccessDenied"), errors.NoPermission),
        (Fail(400, "Access denied, your account is not in good standing", code="Arrearage"), errors.NoCredit),
        (Fail(404, "Model can not be found.", code="ModelNotFound"), errors.NoPermission),
        (Fail(429, "Requests rate limit exceeded", code="Throttling.RateQuota"), errors.RateLimited),
        (Fail(429, "Allocated quota exceeded", code="Throttling.AllocationQuota"), errors.RateLimited),
        (Fail(429, "You exceeded your current quota", code="insufficient_quota"), errors.RateLimited),
        (Fail(400, "Range of input length should be [1, 30720]", code="InvalidParameter"), errors.ContextTooLong),
        (Fail(400, "Input data may contain bad words", code="DataInspectionFailed"), errors.ContentRefused),
        (Fail(400, "The image length and width are wrong", code="InvalidParameter"), errors.ImageRefused),
        (Fail(400, "temperature is out of range", code="InvalidParameter"), errors.RequestRefused),
        (Fail(500, "An internal error", code="InternalError"), errors.ServerTrouble),
        (Fail(503, "overloaded", code="ModelServingError"), errors.ServerTrouble),
        (Fail(502, body=b"<html>Bad gateway</html>"), errors.ServerTrouble),
        (Fail(200, body=b'{"output": null}'), errors.StreamCut),
        (Cut("Hello there", after=5), errors.StreamCut),
        (NoFinish("Hello there"), errors.StreamCut),
        (Break("Hello there", after=5, error=Fail(400, code="DataInspectionFailed")), errors.ContentRefused),
        (Break("Hello there", after=5, error=Fail(429, code="Throttling")), errors.RateLimited),
        (Break("Hello there", after=5, error=Fail(500, code="InternalError.Algo")), errors.ServerTrouble),
    ],
)
async def test_failures_are_told_apart(
    server: ModelServer, model: Model, failure: Fail | Say, kind: type[errors.ModelError]
) -> None:
    server.script(failure)
    with pytest.raises(errors.ModelError) as caught:
        await _answer(model)
    assert type(caught.value) is kind
    assert caught.value.model == "qwen-plus"


async def test_a_failure_has_the_id_of_its_request(server: ModelServer, model: Model) -> None:
    server.script(Fail(400, "no", code="InvalidParameter"))
    with pytest.raises(errors.RequestRefused) as caught:
        await _answer(model)
    assert len(caught.value.request_id) == len("00000000-0000-0000-0000-000000000000")


async def test_a_server_that_keeps_silent_is_given_up(server: ModelServer) -> None:
    server.script(Hang())
    async with server.run():
        client = _client(server.dashscope_url, timeout=0.05)
        with pytest.raises(errors.NoAnswerInTime):
            await _answer(client.of("qwen-plus"))
        await client.close()


async def test_unreachable_server_is_in_trouble_until_it_answers() -> None:
    server = ModelServer()
    async with server.run():
        url = server.dashscope_url
        client = _client(url)
        assert await client.breaker._answers()
    with pytest.raises(errors.ServerTrouble):
        await _answer(client.of("qwen-plus"))
    assert not await client.breaker._answers()
    await client.close()


async def test_busy_server_is_retried_when_it_says(server: ModelServer, models: DashScopeServer, model: Model) -> None:
    models.retries = 2
    busy = Fail(429, code="Throttling", headers={"Retry-After": "0.01"})
    server.script(busy, Fail(503, headers={"Retry-After": "0.01"}), Say("at last"))
    assert _text(await _answer(model)) == "at last"
    server.script(busy, busy, busy)
    with pytest.raises(errors.RateLimited):
        await _answer(model)
    server.script(Fail(429, code="Throttling", headers={"Retry-After": "300"}))
    with pytest.raises(errors.RateLimited):
        await _answer(model)
    assert len(server.requests) == 3 + 3 + 1


async def test_abandoned_answer_is_closed_and_not_paid(server: ModelServer, model: Model) -> None:
    server.script(Say("word " * 500, delay=0.01))
    stream = model.stream(ASKED)
    await anext(stream)
    await stream.aclose()
    await server.wait_abandoned(1)
    assert server.abandoned == server.requests
