"""Refusals in other forms than DashScope's own, at its interface: a gateway's, a proxy's, a page."""

import pytest

from bot import errors
from bot.llm.dashscope import DashScopeServer
from bot.llm.interface import Message
from bot.llm.model import Model
from sandbox.model import Fail, ModelServer

FOREIGN: list[tuple[int, str, type[errors.ModelError]]] = [
    (400, '{"error": {"message": "prompt is too long", "code": null}}', errors.ContextTooLong),
    (400, '[{"error": {"message": "prompt is too long"}}]', errors.ContextTooLong),
    (400, '{"error": "prompt is too long"}', errors.ContextTooLong),
    (422, '{"detail": [{"msg": "prompt is too long"}]}', errors.ContextTooLong),
    (400, '{"code": 400, "message": {"detail": "prompt is too long"}}', errors.ContextTooLong),
    (400, '{"code": null, "message": "prompt is too long"}', errors.ContextTooLong),
    (400, "prompt is too long", errors.ContextTooLong),
    (401, "null", errors.WrongKey),
    (403, "{}", errors.NoPermission),
    (400, "{", errors.RequestRefused),
    (503, "\xff", errors.ServerTrouble),
]


@pytest.mark.parametrize("form", ["application/json", "text/html", "text/event-stream"])
async def test_a_refusal_of_any_form_is_read(monkeypatch: pytest.MonkeyPatch, form: str) -> None:
    server = ModelServer()
    async with server.run():
        client = DashScopeServer(base_url=server.dashscope_url, api_key="sk-any", extra_body={}, timeout=5.0)
        model = client.of("qwen-plus")
        await _all(server, model, form)
        await client.close()


async def _all(server: ModelServer, model: Model, form: str) -> None:
    for status, body, kind in FOREIGN:
        server.script(Fail(status, body=body.encode("latin-1"), headers={"Content-Type": form}))
        with pytest.raises(errors.ModelError) as caught:
            _ = [event async for event in model.stream([Message("user", "hello")])]
        assert type(caught.value) is kind, (status, body, str(caught.value))
        assert caught.value.reached, body
