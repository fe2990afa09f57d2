"""What takes more than a second shows that the bot is at work, and what Telegram does not take is told."""

import pytest

from sandbox.model import HoldStream, Say
from tests.e2e.conftest import PATIENCE_S, Stage
from tests.e2e.quick import hurry  # noqa: F401 - a fixture
from tests.e2e.test_memory import say


async def test_a_summary_under_way_is_seen(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.outbound.preview.AFTER_S", 0.0)
    stage.model.answer_with(lambda _: Say("**Noted.**"))
    await stage.start()
    await say(stage, "My slate is called Ben.")
    hold = HoldStream("headers")
    stage.model.answer_with(lambda _: Say("**Noted.**", hold=hold))
    await stage.ann.say(stage.home, "/summary")
    await stage.home.wait(lambda chat: chat.action == "typing", PATIENCE_S)
    hold.release()
    await stage.replies(2)


async def test_a_refused_upload_is_told_as_text(stage: Stage, hurry: None) -> None:  # noqa: F811
    stage.model.answer_with(lambda _: Say("**Noted.**"))
    stage.telegram.faults.add("sendDocument", code=400, description="Bad Request: not enough rights to send documents")
    await stage.start()
    await say(stage, "My slate is called Ben.")
    told = await say(stage, "/export json")
    assert told.startswith("2 messages")
    assert "didn't accept" in told
