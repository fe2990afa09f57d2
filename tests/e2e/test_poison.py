"""What ends the process again and again is set aside, and nothing else is: the bot as a process that dies of it."""

import asyncio

import pytest

from sandbox.model import HoldStream, Say
from tests.e2e import tables
from tests.e2e.conftest import PATIENCE_S, Stage
from tests.e2e.poison import HUNG

DEATHS = 3


async def _supervised(stage: Stage, *, hangs: bool = False) -> None:
    """Be the supervisor: start it again whenever it has died; kill it where it hangs."""
    assert stage.bot is not None
    for _ in range(DEATHS):
        if hangs:
            await _hung(stage)
            await stage.kill()
        else:
            async with asyncio.timeout(PATIENCE_S):
                await stage.bot.wait()
        await stage.start()


async def _hung(stage: Stage) -> None:
    """Wait until its loop stands."""
    hung = stage.folder / HUNG
    async with asyncio.timeout(PATIENCE_S):
        while not hung.exists():  # noqa: ASYNC110 - what hangs tells nobody
            await asyncio.sleep(0.05)
    hung.unlink()


async def _healed(stage: Stage) -> None:
    await stage.end()
    stage.environment.pop("POISON")
    await stage.start()


def _states(stage: Stage) -> list[str]:
    return [row[0] for row in tables.read(stage, "SELECT state FROM inbox ORDER BY update_id")]


async def test_only_poisonous_update_of_batch_is_quarantined(process: Stage) -> None:
    process.model.always(Say("Answered."))
    bob = process.telegram.user("Bob")
    theirs = process.telegram.private(bob)
    await process.start(POISON="files:kill")
    for words in ("good one", "a poison here", "good two"):
        made = process.ann.files.add(words.encode(), "documents", "txt") | {"mime_type": "text/plain"}
        await process.ann.send(process.home, {"document": made, "media_group_id": "7"})
    await bob.say(theirs, "a good morning")
    await _supervised(process)
    assert await process.replies(1, theirs) == ["Answered."]
    await process.replies(3)
    (told,) = [one for one in process.home.replies if one.text.startswith("This made me crash three times")]
    assert [button.text for button in told.buttons] == ["Try again"]
    assert f"of chat {process.home.id} (topic 0) was in flight, so it is set aside" in process.log()
    said = str([message.text for message in process.model.requests[-1].messages])
    assert ("good one" in said, "poison" in said, "good two" in said) == (True, False, True)
    assert _states(process) == ["done", "quarantined", "done", "done"]
    await _healed(process)
    await process.ann.press(told, "Try again")
    await process.replies(4)
    assert "poison" in process.model.requests[-1].messages[-1].text
    assert process.home.message(told.id).buttons == ()


async def test_stored_reply_that_freezes_is_set_aside(process: Stage) -> None:
    process.model.script(Say("this is poison"))
    process.model.always(Say("Answered."))
    await process.start(POISON="splitting:hang")
    await process.ann.say(process.home, "hello")
    await _supervised(process, hangs=True)
    (told,) = await process.home.wait(1, PATIENCE_S)
    assert told.text.startswith("Something I wanted to say here made me crash three times")
    await process.ann.say(process.home, "and now?")
    assert (await process.replies(2))[1] == "Answered."
    await _healed(process)
    await process.ann.press(told, "Try again")
    assert (await process.replies(3))[2] == "this is poison"


async def test_turn_that_kills_indexing_is_left_out(process: Stage) -> None:
    process.model.always(Say("Answered."))
    await process.start()
    for number in range(9):
        await process.ann.say(process.home, "a good morning" if number != 4 else "what a poison")
        await process.replies(number + 1)
    await _ended_index(process)
    await process.start(POISON="indexing:kill")
    await _supervised(process)
    await process.ann.say(process.home, "and now?")
    assert (await process.replies(10))[9] == "Answered."
    found = (await process.shell("doctor")).written
    assert f"indexing of a message of chat {process.home.id}: the bot crashed three times" in found
    assert _indexed(process) > 16


async def test_job_that_kills_every_start_rests(process: Stage) -> None:
    process.model.always(Say("Answered."))
    await process.start(POISON="jobs:kill")
    await _supervised(process)
    await process.ann.say(process.home, "hello")
    assert await process.replies(1) == ["Answered."]
    assert "only the job purge_resets was in flight" in process.log()
    assert "a scheduled job: the bot crashed three times" in (await process.shell("doctor")).written


async def _ended_index(process: Stage) -> None:
    """End the bot, and take its index away as if nothing had been indexed yet."""
    await process.end()
    tables.write(process, "UPDATE chats SET indexed_turn = 0")


def _indexed(process: Stage) -> int:
    return int(tables.read(process, "SELECT indexed_turn FROM chats")[0][0])


@pytest.mark.long
@pytest.mark.parametrize("signals", [1, 2])
async def test_ends_that_were_asked_for_count_nothing(signals: int, process: Stage) -> None:
    process.model.always(Say("Answered."))
    for number in range(4):
        hold = process.telegram.faults.hold("getFile")
        await process.start()
        if not number:
            await process.ann.document(process.home, b"some words", "a.txt")
        await hold.reached(PATIENCE_S)
        for _ in range(signals):  # the second one waits for nothing
            ending = asyncio.create_task(process.end())
            await asyncio.sleep(0.1)
        if signals == 1:
            await process.kill()  # as whoever waits for no drain
        await ending
        hold.release()
    await process.start()
    assert await process.replies(1) == ["Answered."]


@pytest.mark.long
async def test_slow_answer_may_be_killed_at_will(process: Stage) -> None:
    process.model.always(Say("Answered."))
    for number in range(4):
        hold = HoldStream(1)
        process.model.script(Say("Never said.", hold=hold))
        await process.start()
        if not number:
            await process.ann.say(process.home, "hello")
        await hold.reached(PATIENCE_S)
        await process.kill()
    await process.start()
    assert await process.replies(1) == ["Answered."]
