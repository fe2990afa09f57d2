"""/stop ends what comes before an answer: a summary, a recording that is written down, a file that is read."""

import asyncio

import pytest

from bot.inbound.reading import Reader
from sandbox.model import Hang, Say
from tests.e2e.conftest import PATIENCE_S, Stage
from tests.e2e.test_memory import say


async def test_a_summary_can_be_stopped(stage: Stage) -> None:
    stage.model.script(Say("Noted."), Hang(), Say("Still here."))
    await stage.start()
    await say(stage, "My slate is called Ben.")
    await stage.ann.say(stage.home, "/summary")
    await stage.model.wait_requests(2, PATIENCE_S)
    assert await say(stage, "/stop") == "Stopped."
    assert await say(stage, "Are you there?") == "Still here."
    assert len(stage.home.replies) == 3


async def test_the_reading_of_a_file_can_be_stopped(stage: Stage) -> None:
    begun = asyncio.Event()

    async def reads_for_ever(*_: object) -> None:
        begun.set()
        await asyncio.Event().wait()

    stage.model.answer_with(lambda _: Say("Noted."))
    await stage.start()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Reader, "read", reads_for_ever)
        await stage.ann.document(stage.home, b"words", "a.txt", caption="What is this about?")
        async with asyncio.timeout(PATIENCE_S):
            await begun.wait()
        assert await say(stage, "/stop") == "Stopped."
    assert await say(stage, "Never mind.") == "Noted."
    assert "What is this about?" in str(stage.model.requests[-1].messages)


@pytest.mark.parametrize("telegram_version", ["10.3"])
async def test_the_button_beside_a_draft_stops_it(stage: Stage) -> None:
    slow = Say(" ".join(f"word{number}" for number in range(200)), delay=0.05)
    stage.model.script(slow)
    await stage.start()
    await stage.ann.say(stage.home, "Tell me a long story.")
    await stage.home.wait(lambda chat: chat.draft is not None and "word3" in chat.draft.text, PATIENCE_S)
    await stage.ann.stop(stage.home)
    (answer,) = await stage.replies(1)
    assert "word3" in answer
    assert "word199" not in answer
