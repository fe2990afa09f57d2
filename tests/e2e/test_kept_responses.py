"""What the model's server keeps of a chat goes when it goes here."""

import asyncio
from collections.abc import Callable

import pytest

from bot import scheduler
from bot.conversation import response_deletion
from tests.e2e.conftest import PATIENCE_S, Stage
from tests.e2e.quick import hurry as hurry
from tests.e2e.test_forget import confirm
from tests.e2e.test_memory import Model, say
from tests.e2e.test_responses import keeping
from tests.selection import first


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scheduler, "RESPONSES_EVERY_S", 0.1)
    monkeypatch.setattr(response_deletion, "AGAIN_AFTER_S", 0.1)


async def _until(condition: Callable[[], bool]) -> None:
    for _ in range(int(PATIENCE_S / 0.02)):
        if condition():
            return
        await asyncio.sleep(0.02)
    pytest.fail("it never came to that")


async def test_a_reset_deletes_what_the_server_keeps(stage: Stage) -> None:
    Model(stage)
    await stage.start(**keeping(stage))
    await say(stage, "my word is red")
    await say(stage, "hello")
    assert len(stage.model.responses.ids) == 2
    await say(stage, "/reset")
    await _until(lambda: stage.model.responses.ids == ())
    await say(stage, "hello again")
    await asyncio.sleep(0.3)
    assert len(stage.model.responses.ids) == 1


async def test_a_forgotten_message_is_not_kept_elsewhere(stage: Stage) -> None:
    model = Model(stage)
    await stage.start(**keeping(stage))
    await say(stage, "my boat is called Zanzibar")
    await say(stage, "/forget zanzibar")
    assert len(stage.model.responses.ids) == 1
    await confirm(stage)
    await _until(lambda: stage.model.responses.ids == ())
    await say(stage, "and now?")
    await say(stage, "and then?")
    assert [request.new for request in model.asked][-1] == 1


@pytest.mark.parametrize("status", first([503, 429, 401]))
async def test_deletion_goes_on_after_trouble_and_restart(stage: Stage, status: int) -> None:
    Model(stage)
    await stage.start(**keeping(stage))
    await say(stage, "my word is red")
    stage.model.responses.deletion_status = status
    await say(stage, "/reset")
    await stage.end()
    stage.model.responses.deletion_status = 200
    await stage.start(**keeping(stage))
    await _until(lambda: stage.model.responses.ids == ())


async def test_what_the_server_has_lost_is_done_with(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    Model(stage)
    await stage.start(**keeping(stage))
    await say(stage, "my word is red")
    stage.model.responses.expire()
    before = len(stage.model.refused)
    await say(stage, "/reset")
    await _until(lambda: len(stage.model.refused) > before)
    await asyncio.sleep(0.5)
    assert len(stage.model.refused) == before + 1
