"""The Responses API: what the server keeps is gone on from, and our transcript stays the truth."""

import json
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from bot import errors
from bot.llm import openai_server as model_server
from bot.llm.interface import Delta, Finish, Image, Message, Options
from bot.llm.known import KNOWN
from bot.llm.openai_server import OpenAIServer
from bot.llm.responses import Responses
from bot.llm.server import Model
from sandbox.model import Cut, Fail, ModelServer, NoFinish, Say
from tests.media.files import picture

SYSTEM, HELLO = Message("system", "be kind"), Message("user", "hello")
LASTING = Options(lasting=True)


@pytest.fixture(autouse=True)
def no_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_server, "RETRIES", 0)


@pytest.fixture
async def server() -> ModelServer:
    return ModelServer(key="sk-right")


@pytest.fixture
async def model(server: ModelServer) -> AsyncIterator[Model]:
    async with server.run() as url:
        models = OpenAIServer(Responses, base_url=url, api_key="sk-right", extra_body={}, timeout=5.0)
        yield models.of("qwen3.5-plus")
        await models.close()


async def _ask(model: Model, messages: Sequence[Message], options: Options = LASTING) -> list[Delta]:
    return [delta async for delta in model.stream(messages, options)]


def _sent(server: ModelServer) -> list[int | None]:
    """How many messages each request brought."""
    return [request.new for request in server.requests]


async def test_an_answer_comes_in_pieces_with_its_end_and_what_it_cost(server: ModelServer, model: Model) -> None:
    server.script(Say("Hello there, Ann", reasoning="who is it"))
    deltas = await _ask(model, [SYSTEM, HELLO])
    assert "".join(delta.text for delta in deltas) == "Hello there, Ann"
    assert "".join(delta.reasoning for delta in deltas) == "who is it"
    assert [delta.finish for delta in deltas if delta.finish] == [Finish.STOP]
    [usage] = [delta.usage for delta in deltas if delta.usage]
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


async def test_what_will_not_be_in_the_next_request_is_not_kept_by_the_server(
    server: ModelServer, model: Model
) -> None:
    server.script(Say("Hi Ann"), Say("Bye"))
    await _ask(model, [SYSTEM, HELLO], Options(lasting=False))
    await _ask(model, [SYSTEM, HELLO, Message("assistant", "Hi Ann"), Message("user", "bye")])
    assert [request.options["store"] for request in server.requests] == [False, True]
    assert _sent(server) == [1, 3]


async def test_a_response_that_the_server_has_lost_is_made_up_for(server: ModelServer, model: Model) -> None:
    server.script(Say("Hi Ann"), Say("Bye"))
    await _ask(model, [SYSTEM, HELLO])
    server.responses.expire()
    deltas = await _ask(model, [SYSTEM, HELLO, Message("assistant", "Hi Ann"), Message("user", "bye")])
    assert "".join(delta.text for delta in deltas) == "Bye"
    assert len(server.refused) == 1
    assert _sent(server) == [1, 3]


async def test_pictures_are_shown_and_sounds_are_not_taken(server: ModelServer, model: Model) -> None:
    shown = picture(kind="PNG")
    await _ask(model, [Message("user", "what?", parts=(Image("image/png", shown), "what?"))])
    assert server.requests[0].messages[0].images == (shown,)
    assert model.senses.sees
    assert not model.senses.hears


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
    assert not models.cache.explicit


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
    assert [delta.finish for delta in await _ask(model, [HELLO]) if delta.finish] == [finish]
