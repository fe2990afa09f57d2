"""The Responses API: what the server keeps is gone on from, and our transcript stays the truth."""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bot import errors
from bot.llm.interface import Image, Message, Options
from bot.llm.known import KNOWN
from bot.llm.model import Model
from bot.llm.openai_server import OpenAIServer
from bot.llm.profiles import Profiles
from bot.llm.responses import Responses
from bot.llm.stream_events import Finish, Finished, Received, StreamEvent, UsageReported
from sandbox.model import Break, Cut, Fail, ModelServer, NoFinish, Say
from tests.media.files import picture

SYSTEM, HELLO = Message("system", "be kind"), Message("user", "hello")
LASTING = Options(lasting=True)


@asynccontextmanager
async def _model(server: ModelServer, profiles: Profiles) -> AsyncIterator[Model]:
    async with server.run() as url:
        models = OpenAIServer(
            Responses, base_url=url, api_key="sk-right", extra_body={}, timeout=5.0, profiles=profiles
        )
        yield models.of("qwen3.5-plus")
        await models.close()


@pytest.fixture
async def model(server: ModelServer, tmp_path: Path) -> AsyncIterator[Model]:
    """At a server that is said to keep responses."""
    file = tmp_path / "keeping.toml"
    file.write_text('[servers."127.*"]\nkeeps_responses = true\n')
    async with _model(server, KNOWN.with_file(file)) as model:
        yield model


@pytest.fixture
async def stateless(server: ModelServer) -> AsyncIterator[Model]:
    """At a server that nothing is known of."""
    async with _model(server, KNOWN) as model:
        yield model


async def _ask(model: Model, messages: Sequence[Message], options: Options = LASTING) -> list[StreamEvent]:
    return [event async for event in model.stream(messages, options)]


def _sent(server: ModelServer) -> list[int | None]:
    """How many messages each request brought."""
    return [request.new for request in server.requests]


async def test_answer_streams_with_finish_and_usage(server: ModelServer, model: Model) -> None:
    server.script(Say("Hello there, Ann", reasoning="who is it"))
    events = await _ask(model, [SYSTEM, HELLO])
    assert Received.of(events).text == "Hello there, Ann"
    assert Received.of(events).reasoning == "who is it"
    assert [event.reason for event in events if isinstance(event, Finished)] == [Finish.STOP]
    [usage] = [event.usage for event in events if isinstance(event, UsageReported)]
    assert (usage.reasoning, usage.output) == (3, 7)
    assert server.requests[0].api == "responses"


async def test_the_next_request_says_only_what_is_new(server: ModelServer, model: Model) -> None:
    server.script(Say("Hi Ann"), Say("Bye Ann"))
    first = [SYSTEM, HELLO]
    await _ask(model, first)
    await _ask(model, [*first, Message("assistant", "Hi Ann"), Message("user", "bye")])
    assert _sent(server) == [1, 1]
    assert [message.text for message in server.requests[1].messages] == ["be kind", "hello", "Hi Ann", "bye"]


@pytest.mark.parametrize(
    "changed",
    [
        [Message("system", "be brief"), HELLO, Message("assistant", "Hi Ann")],
        [SYSTEM, Message("user", "hullo"), Message("assistant", "Hi Ann")],
        [SYSTEM, HELLO, Message("assistant", "Hi")],
        [SYSTEM, Message("user", "before"), Message("assistant", "yes"), HELLO, Message("assistant", "Hi Ann")],
    ],
    ids=["compacted", "edited", "cut", "undone"],
)
async def test_another_past_is_sent_in_full(server: ModelServer, model: Model, changed: list[Message]) -> None:
    server.script(Say("Hi Ann"), Say("Bye Ann"))
    await _ask(model, [SYSTEM, HELLO])
    asked = [*changed, Message("user", "bye")]
    await _ask(model, asked)
    assert _sent(server)[1] == len(asked) - 1
    assert [message.text for message in server.requests[1].messages] == [message.content for message in asked]


async def test_temporary_response_is_not_stored(server: ModelServer, model: Model) -> None:
    """What will not be in the next request need not be kept by the server."""
    server.script(Say("Hi Ann"), Say("Bye"))
    await _ask(model, [SYSTEM, HELLO], Options(lasting=False))
    await _ask(model, [SYSTEM, HELLO, Message("assistant", "Hi Ann"), Message("user", "bye")])
    assert [request.options["store"] for request in server.requests] == [False, True]
    assert _sent(server) == [1, 3]


async def test_lost_response_is_replaced_by_full_history(server: ModelServer, model: Model) -> None:
    server.script(Say("Hi Ann"), Say("Bye"))
    await _ask(model, [SYSTEM, HELLO])
    server.responses.expire()
    events = await _ask(model, [SYSTEM, HELLO, Message("assistant", "Hi Ann"), Message("user", "bye")])
    assert Received.of(events).text == "Bye"
    assert len(server.refused) == 1
    assert _sent(server) == [1, 3]


async def _talk(server: ModelServer, model: Model, turns: int) -> list[str]:
    """A conversation, in which a broken answer is begun again; returns what was answered."""
    said, answers = [SYSTEM], []
    for turn in range(turns):
        said.append(Message("user", f"question {turn}"))
        server.always(Say(f"answer {turn}, " + "and so on " * 20))
        try:
            events = await _ask(model, said)
        except errors.StreamCut:
            events = await _ask(model, said)
        answers.append(Received.of(events).text)
        said.append(Message("assistant", answers[-1]))
    return answers


@pytest.mark.parametrize("ways", [(), ("ignores",), ("refuses",)], ids=str)
async def test_a_server_that_nobody_knows_is_sent_everything(
    server: ModelServer, stateless: Model, ways: tuple[str, ...]
) -> None:
    for way in ways:
        setattr(server.responses, way, True)
    await _talk(server, stateless, 3)
    assert _sent(server) == [1, 3, 5]
    assert [request.options["store"] for request in server.requests] == [False] * 3
    assert server.refused == []


def test_only_known_servers_are_trusted_with_chains() -> None:
    kept = "api.openai.com eu.api.openai.com mine.openai.azure.com dashscope-intl.aliyuncs.com w1.eu.maas.aliyuncs.com"
    others = "openrouter.ai localhost:11434 127.0.0.1 api.openai.com.example.org myaliyuncs.com api.mistral.ai"
    known = {host: KNOWN.server(f"https://{host}/v1").keeps_responses for host in f"{kept} {others}".split()}
    assert known == dict.fromkeys(kept.split(), True) | dict.fromkeys(others.split(), False)


@pytest.mark.parametrize("status", [400, 404, 409, 410, 422])
async def test_refused_chain_is_sent_in_full(server: ModelServer, model: Model, status: int) -> None:
    await _talk(server, model, 1)
    asked = [SYSTEM, HELLO, Message("assistant", "Hi Ann"), Message("user", "bye")]
    server.script(Say("Hi Ann"), Fail(status, "not this"), Say("Bye"), Say("What?"))
    await _ask(model, asked[:2])
    assert Received.of(await _ask(model, asked)).text == "Bye"
    await _ask(model, [*asked, Message("assistant", "Bye"), Message("user", "what?")])
    assert _sent(server)[1:] == [1, 1, 3, 5]


async def test_chain_refused_mid_stream_is_sent_in_full(server: ModelServer, model: Model) -> None:
    broken = Fail(400, "Previous response not found", code="previous_response_not_found")
    server.script(Say("Hi Ann"), Break("never", after=0, error=broken), Say("Bye"))
    await _ask(model, [SYSTEM, HELLO])
    events = await _ask(model, [SYSTEM, HELLO, Message("assistant", "Hi Ann"), Message("user", "bye")])
    assert Received.of(events).text == "Bye"
    assert _sent(server) == [1, 1, 3]


async def test_a_failure_in_the_full_request_is_told(server: ModelServer, model: Model) -> None:
    server.script(Say("Hi Ann"), Fail(400, "maximum context length"), Fail(400, "maximum context length"))
    await _ask(model, [SYSTEM, HELLO])
    with pytest.raises(errors.ContextTooLong):
        await _ask(model, [SYSTEM, HELLO, Message("assistant", "Hi Ann"), Message("user", "bye")])
    assert _sent(server) == [1, 1, 3]


async def test_server_losing_every_response_gets_no_chain(server: ModelServer, model: Model) -> None:
    server.responses.missing_status = 404
    said = [SYSTEM]
    for turn in range(5):
        said.append(Message("user", f"question {turn}"))
        server.script(Say("yes"))
        await _ask(model, said)
        server.responses.expire()
        said.append(Message("assistant", "yes"))
    assert len(server.refused) == 1
    assert _sent(server) == [1, 3, 5, 7, 9]
    assert [request.options["store"] for request in server.requests] == [True, True, False, False, False]


async def test_silently_forgetful_server_is_asked_again(server: ModelServer, model: Model) -> None:
    server.responses.ignores = True
    await _talk(server, model, 4)
    assert _sent(server) == [1, 1, 3, 5, 7]


async def test_a_server_that_keeps_responses_is_not_doubted(server: ModelServer, model: Model) -> None:
    await _talk(server, model, 6)
    assert _sent(server) == [1] * 6


async def test_store_is_not_sent_where_unknown(server: ModelServer, stateless: Model) -> None:
    server.script(Fail(400, "Unknown parameter: 'store'."), Say("Hi"), Say("Hi"))
    await _ask(stateless, [HELLO])
    await _ask(stateless, [HELLO])
    assert ["store" in request.options for request in server.requests] == [True, False, False]


async def test_pictures_are_shown_and_sounds_are_not_taken(server: ModelServer, model: Model) -> None:
    shown = picture(kind="PNG")
    await _ask(model, [Message("user", "what?", parts=(Image("image/png", shown), "what?"))])
    assert server.requests[0].messages[0].images == (shown,)
    assert model.capabilities.sees
    assert not model.capabilities.hears


async def test_model_studio_is_asked_for_its_session_cache(server: ModelServer, tmp_path: Path) -> None:
    file = tmp_path / "profiles.toml"
    file.write_text('[servers."127.*"]\nsession_cache = true\nkeeps_responses = false\n')
    async with server.run() as url:
        models = OpenAIServer(
            Responses,
            base_url=url,
            api_key="sk-right",
            extra_body={"enable_search": True},
            timeout=5.0,
            profiles=KNOWN.with_file(file),
        )
        await _ask(models.of("qwen3.5-plus"), [HELLO], Options(thinking=False, lasting=True))
        await models.close()
    [request] = server.requests
    assert request.headers["x-dashscope-session-cache"] == "enable"
    assert request.options["store"] is False
    body = json.loads(request.body)
    assert (body["enable_search"], body["enable_thinking"]) == (True, False)
    assert not models.cache("qwen3.5-plus").explicit


@pytest.mark.parametrize(
    ("behaviour", "kind"),
    [
        (Fail(401, "Incorrect API key provided."), errors.WrongKey),
        (Fail(403, "Access denied, Arrearage"), errors.NoCredit),
        (Fail(404, "The model does not exist"), errors.NoPermission),
        (Fail(429, "slow down"), errors.RateLimited),
        (Fail(400, "Range of input length should be [1, 30720]"), errors.ContextTooLong),
        (Fail(400, "data_inspection_failed"), errors.ContentRefused),
        (Fail(500), errors.ServerTrouble),
        (Cut("cut off", after=3), errors.StreamCut),
        (NoFinish("no end"), errors.StreamCut),
    ],
    ids=lambda value: getattr(value, "message", None) or getattr(value, "__name__", type(value).__name__),
)
async def test_every_failure_is_told_apart(
    server: ModelServer, model: Model, behaviour: Fail | Say, kind: type[errors.ModelError]
) -> None:
    server.script(behaviour)
    with pytest.raises(errors.ModelError) as caught:
        await _ask(model, [HELLO])
    assert type(caught.value) is kind
    assert caught.value.model == "qwen3.5-plus"


@pytest.mark.parametrize(("reason", "finish"), [("length", Finish.LENGTH), ("content_filter", Finish.FILTER)])
async def test_an_answer_that_was_ended_says_why(
    server: ModelServer, model: Model, reason: str, finish: Finish
) -> None:
    server.script(Say("and then", finish_reason=reason))
    assert [event.reason for event in await _ask(model, [HELLO]) if isinstance(event, Finished)] == [finish]
