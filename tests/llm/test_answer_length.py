"""An answer that does not end is ended, as one that is too long; a bound of the operator's is asked of the server."""

import json

import pytest

from bot.llm.answer_stream import MOST_THOUGHTS, MOST_TOKENS
from bot.llm.chat_completions import ChatCompletions
from bot.llm.dashscope import DashScopeServer
from bot.llm.fields import LENGTHS
from bot.llm.interface import Options
from bot.llm.model import Model
from bot.llm.openai_server import OpenAIServer
from bot.llm.profiles import ModelProfile, Profiles, ServerProfile
from bot.llm.responses import Responses
from bot.llm.server import Server
from bot.llm.stream_events import Finish, Finished, Received, StreamEvent
from sandbox.model import Behaviour, ChatRequest, Fail, ModelServer, Raw, Say
from sandbox.model.model_server import NATIVE
from tests.llm.streams import ASKED, STOP, chunk, data, say, stream

LONG = "word " * 100
MANY = 400
"""So many of these are more than any bound here."""


pytestmark = pytest.mark.usefixtures("running")


def _models(server: ModelServer, api: str = "chat", most: int | None = None, *, renamed: bool = False) -> Server:
    profiles = Profiles(
        ({"small*": ModelProfile(most_output=100)},), ({"*": ServerProfile(completion_tokens=renamed)},)
    )
    if api == "dashscope":
        return DashScopeServer(
            base_url=server.dashscope_url,
            api_key="sk-right",
            extra_body={},
            timeout=5.0,
            profiles=profiles,
            most_tokens=most,
        )
    return OpenAIServer(
        Responses if api == "responses" else ChatCompletions,
        base_url=f"{server.dashscope_url.removesuffix(NATIVE)}/v1",
        api_key="sk-right",
        extra_body={},
        timeout=5.0,
        profiles=profiles,
        most_tokens=most,
    )


async def _answer(model: Model, options: Options | None = None) -> list[StreamEvent]:
    return [event async for event in model.stream(ASKED, options or Options())]


def _text(events: list[StreamEvent]) -> str:
    return Received.of(events).text


@pytest.mark.parametrize(("most", "name", "bound"), [(None, "any", MOST_TOKENS), (None, "small", 100), (50, "any", 50)])
async def test_an_endless_answer_ends(server: ModelServer, most: int | None, name: str, bound: int) -> None:
    models = _models(server, most=most)
    for body in (
        Raw(data(*[say(LONG)] * MANY), left_open=True),
        Raw(json.dumps({"choices": [{"message": {"content": LONG * MANY}, "finish_reason": "stop"}]}).encode()),
    ):
        server.script(body)
        events = await _answer(models.of(name))
        assert events[-1] == Finished(Finish.LENGTH)
        assert bound <= _text(events).count("word") <= 2 * bound
    await models.close()


async def test_blanks_without_end_are_ended(server: ModelServer) -> None:
    models = _models(server, most=50)
    server.script(Raw(data(*[say(" \n" * 5_000)] * 100), left_open=True))
    events = await _answer(models.of("any"))
    assert events[-1] == Finished(Finish.LENGTH)
    assert not _text(events).strip()
    await models.close()


async def test_an_answer_within_the_bound_stays_whole(server: ModelServer) -> None:
    models = _models(server)
    server.script(Raw(stream(*[say(LONG)] * 100, STOP)))
    events = await _answer(models.of("any"))
    assert _text(events) == LONG * 100
    assert events[-1] == Finished(Finish.STOP)
    await models.close()


async def test_thoughts_are_counted_apart(server: ModelServer) -> None:
    models = _models(server, most=50)
    server.script(Raw(stream(*[chunk(reasoning_content=LONG)] * 100, say("word " * 40), STOP)))
    events = await _answer(models.of("any"))
    assert _text(events) == "word " * 40
    server.script(Raw(data(*[chunk(reasoning_content=LONG)] * 2 * MANY), left_open=True))
    events = await _answer(models.of("any"))
    assert events[-1] == Finished(Finish.LENGTH)
    assert Received.of(events).reasoning.count("word") <= 2 * MOST_THOUGHTS
    await models.close()


@pytest.mark.parametrize(
    ("api", "name", "renamed"),
    [
        ("chat", "max_tokens", False),
        ("chat", "max_completion_tokens", True),
        ("responses", "max_output_tokens", False),
        ("dashscope", "max_tokens", False),
    ],
)
async def test_the_bound_is_asked_of_the_server(server: ModelServer, api: str, name: str, *, renamed: bool) -> None:
    server.always(Say("hi"))
    for most, options in ((50, Options()), (None, Options()), (50, Options(aside=True))):
        models = _models(server, api, most, renamed=renamed)
        await _answer(models.of("any"), options)
        sent = json.loads(server.requests[-1].body)
        sent |= sent.get("parameters", {})
        asked = {name: 50} if most and not options.aside else {}
        assert {field: sent[field] for field in LENGTHS if field in sent} == asked
        await models.close()


@pytest.mark.parametrize(
    ("refusal", "kept"),
    [
        ("Unsupported parameter: 'max_tokens' is not supported here. Use 'max_completion_tokens' instead.", True),
        ("max_tokens is too large: 50. This model supports at most 40 completion tokens", False),
        ("`max_completion_tokens` must be less than or equal to `40`, the maximum value", False),
        ("maximum context length is 40 tokens. You requested 55 (5 in the messages, 50 in the completion)", False),
        ("exceeds the maximum context length of 40: 5 from the messages and 50 tokens for the completion", False),
        ("`inputs` tokens + `max_new_tokens` must be <= 40. Given: 5 and 50", False),
        ("input length and `max_tokens` exceed context limit: 5 + 50 > 40", False),
        ("requested about 55 tokens (5 of text input, 50 in the output), maximum context length 40", False),
    ],
)
async def test_refused_length_limit_is_sent_otherwise(server: ModelServer, refusal: str, *, kept: bool) -> None:
    """Under its newer name if the server asks for that, else not at all, and that is remembered."""

    def answers(request: ChatRequest) -> Behaviour:
        return Fail(400, refusal) if "max_tokens" in json.loads(request.body) else Say("hi")

    server.answer_with(answers)
    models = _models(server, most=50)
    for requests in (2, 3):
        assert _text(await _answer(models.of("any"))) == "hi"
        assert len(server.requests) == requests
        assert ("max_completion_tokens" in json.loads(server.requests[-1].body)) is kept
    await models.close()
