"""The webhook: an update is acknowledged when it is stored, and only Telegram may post one."""

import httpx
import pytest

from sandbox.botapi import BotApi
from sandbox.model import HoldStream, Say
from tests.e2e.conftest import PATIENCE_S, Stage

UPDATE = {"update_id": 1, "message": {"message_id": 1, "date": 1, "chat": {"id": 1, "type": "private"}, "text": "x"}}


@pytest.fixture
async def url() -> str:
    async with BotApi().run() as url:  # a port that is free
        return url


async def _start(stage: Stage, url: str) -> None:
    await stage.start(WEBHOOK_URL=f"{url}/hook", PORT=url.rpartition(":")[2])
    await stage.telegram.wait_call("setWebhook", timeout=PATIENCE_S)


async def test_a_conversation_goes_through_the_webhook(stage: Stage, url: str) -> None:
    stage.model.script(Say("one"), Say("two"))
    await _start(stage, url)
    await stage.ann.say(stage.home, "hello")
    assert await stage.replies(1) == ["one"]
    await stage.ann.say(stage.home, "more")
    assert await stage.replies(2) == ["one", "two"]
    assert [call for call in stage.telegram.calls if call.method == "getUpdates"] == []


async def test_webhook_kill_mid_answer_loses_nothing(process: Stage, url: str) -> None:
    hold = HoldStream(1)
    process.model.script(Say("never finished", hold=hold), Say("one"), Say("two"))
    await _start(process, url)
    await process.ann.say(process.home, "hello")
    await hold.reached(PATIENCE_S)
    await process.kill()
    await process.ann.say(process.home, "while you were away")
    await process.start()
    assert await process.replies(2) == ["one", "two"]


async def test_only_who_knows_the_secret_may_post(stage: Stage, url: str) -> None:
    await _start(stage, url)
    async with httpx.AsyncClient(base_url=url) as client:
        assert (await client.post("/hook", json=UPDATE)).status_code == 403
        wrong = {"X-Telegram-Bot-Api-Secret-Token": "guess"}
        assert (await client.post("/hook", json=UPDATE, headers=wrong)).status_code == 403
        assert (await client.get("/healthz")).text == "ok"
    assert stage.model.requests == []


async def test_what_is_no_update_is_refused(stage: Stage, url: str) -> None:
    await stage.start(WEBHOOK_URL=f"{url}/hook", PORT=url.rpartition(":")[2], WEBHOOK_SECRET="chosen-secret")
    await stage.telegram.wait_call("setWebhook", timeout=PATIENCE_S)
    headers = {"X-Telegram-Bot-Api-Secret-Token": "chosen-secret"}
    async with httpx.AsyncClient(base_url=url, headers=headers) as client:
        for body in ("not json", "[]", '{"message": {}}'):
            assert (await client.post("/hook", content=body)).status_code == 400
