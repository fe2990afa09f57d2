"""Servers that keep no responses, or lose them, as their words tell it."""

import pytest

from bot import errors
from bot.llm.interface import Message
from bot.llm.model import Model
from bot.llm.stream_events import Received
from sandbox.model import Behaviour, ChatRequest, Fail, ModelServer, Say
from tests.llm.test_responses import HELLO, SYSTEM
from tests.llm.test_responses import _ask as ask
from tests.llm.test_responses import _sent as sent
from tests.llm.test_responses import model as model


@pytest.mark.parametrize("status", [400, 403, 422, 501])
@pytest.mark.parametrize("takes", [False, None])
async def test_server_refusing_to_store_gets_full_history(
    server: ModelServer, model: Model, status: int, takes: bool | None
) -> None:
    def answer(asked: ChatRequest) -> Behaviour:
        refusal = Fail(status, "`store` must be false", code="unsupported_value")
        return Say("Hi Ann") if asked.options.get("store") is takes else refusal

    server.answer_with(answer)
    await ask(model, [SYSTEM, HELLO])
    await ask(model, [SYSTEM, HELLO, Message("assistant", "Hi Ann"), Message("user", "bye")])
    assert sent(server)[-2:] == [1, 3]
    assert server.requests[-1].options.get("store") is takes


@pytest.mark.parametrize("status", [403, 500, 501])
async def test_lost_response_is_recognized_at_any_status(server: ModelServer, model: Model, status: int) -> None:
    """The words of the error say so, whatever its status."""
    server.script(Say("Hi Ann"), Fail(status, "previous_response_id can't be loaded"), Say("Bye"))
    await ask(model, [SYSTEM, HELLO])
    events = await ask(model, [SYSTEM, HELLO, Message("assistant", "Hi Ann"), Message("user", "bye")])
    assert Received.of(events).text == "Bye"


async def test_a_wrong_key_is_no_lost_response(server: ModelServer, model: Model) -> None:
    server.script(Say("Hi Ann"), Fail(401, "no key to read the previous_response_id"), Say("Bye"))
    await ask(model, [SYSTEM, HELLO])
    with pytest.raises(errors.WrongKey):
        await ask(model, [SYSTEM, HELLO, Message("assistant", "Hi Ann"), Message("user", "bye")])


@pytest.mark.parametrize("status", [403, 500, 503])
async def test_unexplained_failure_sends_full_history_next_time(server: ModelServer, model: Model, status: int) -> None:
    server.answer_with(lambda asked: Fail(status, "no") if asked.options.get("previous_response_id") else Say("Hi Ann"))
    await ask(model, [SYSTEM, HELLO])
    asked = [SYSTEM, HELLO, Message("assistant", "Hi Ann"), Message("user", "bye")]
    with pytest.raises(errors.ModelError):
        await ask(model, asked)
    assert Received.of(await ask(model, asked)).text == "Hi Ann"
