"""What a chat cost is shown as the model server reported it, with a picture."""

import asyncio
import re

import pytest

from sandbox.model import HoldStream, Say
from sandbox.model.behaviour import Point
from tests.e2e import tables
from tests.e2e.conftest import PATIENCE_S, Stage
from tests.e2e.quick import hurry  # noqa: F401 - a fixture
from tests.e2e.test_memory import SMALL, WORDS, Model, compact, say, talk

PNG = b"\x89PNG\r\n\x1a\n"


async def test_usage_adds_up_what_the_server_reported(stage: Stage) -> None:
    stage.model.answer_with(lambda _: Say("Yes."))
    await stage.start(CACHED_PRICE="0.2")
    assert "reported any usage" in await say(stage, "/usage")
    for number in range(3):
        await say(stage, f"{number} " + "and some words more " * 60)
    shown = await say(stage, "/usage")
    read = sum(count.total for count in stage.model.counts)
    cached = sum(count.cached for count in stage.model.counts)
    assert cached > 0
    for name in ("Today", "This month", "All time"):
        assert f"{name}: 3 answers\nTokens in: {read - cached:,} new, {cached:,} from the cache" in shown
    assert f"saved {0.8 * cached / read:.0%} of the input price" in shown
    picture = stage.home.replies[-1].photo
    assert picture is not None
    assert picture.startswith(PNG)


@pytest.mark.long
async def test_a_compaction_costs_tokens_and_is_no_turn(stage: Stage) -> None:
    Model(stage)
    await stage.start(**SMALL)
    await talk(stage, 6)
    await compact(stage)
    shown = await say(stage, "/usage")
    read = sum(count.total for count in stage.model.counts)
    cached = sum(count.cached for count in stage.model.counts)
    assert len(stage.model.counts) == 7
    assert f"All time: 6 answers\nTokens in: {read - cached:,} new" in shown


async def test_unreported_usage_is_estimated_and_marked(stage: Stage) -> None:
    stage.model.answer_with(lambda _: Say("Yes.", usage=False))
    await stage.start()
    await say(stage, WORDS)
    shown = await say(stage, "/usage")
    read = re.search(r"All time: 1 answer\nTokens in: ([\d,]+) ·", shown)
    assert read is not None
    assert int(read[1].replace(",", "")) == pytest.approx(stage.model.counts[0].total, rel=0.3)
    assert "server didn't report them: 1" in shown


async def test_an_answer_that_was_stopped_costs_too(stage: Stage) -> None:
    hold = HoldStream(3)
    stage.model.script(Say("one two three four", hold=hold))
    await stage.start()
    await stage.ann.say(stage.home, "hello")
    await stage.home.wait(lambda chat: chat.draft is not None, PATIENCE_S)
    await stage.ann.say(stage.home, "/stop")
    await stage.replies(1)
    hold.release()
    assert "server didn't report them: 1" in await say(stage, "/usage")


async def test_an_owner_sees_what_counted_where(stage: Stage) -> None:
    """The kinds of requests of this chat, and all chats; others see only the former."""
    bob = stage.telegram.user("Bob")
    theirs = stage.telegram.private(bob)
    stage.model.answer_with(lambda _: Say("Yes."))
    await stage.start(ACCESS="open", OWNER_IDS=str(stage.ann.id))
    await say(stage, "hello")
    assert "All chats" not in await say(stage, "/usage"), "there is only one"
    await bob.say(theirs, "hello, " + WORDS)
    await theirs.wait(lambda chat: len(chat.replies) == 1, PATIENCE_S)
    await say(stage, "/summary")
    shown = await say(stage, "/usage")
    assert re.search(
        r"What counted this month:\n• \S+ · answers: 1 · for memory, titles, tools: 1 · [\d,]+ tokens in, \d+ out\n\n"
        r"All chats this month:\n• “(Ann|Bob)” · \d+ · [\d,]+ tokens in, \d+ out\n• “(Ann|Bob)” · \d+ · ",
        shown,
    ), shown
    await bob.say(theirs, "/usage")
    await theirs.wait(lambda chat: len(chat.replies) == 2, PATIENCE_S)
    assert "What counted" not in theirs.replies[-1].text
    assert "Ann" not in theirs.replies[-1].text


async def _recorded(stage: Stage, requests: int) -> None:
    """Wait until so many requests are known to the database."""
    async with asyncio.timeout(PATIENCE_S):
        while tables.read(stage, "SELECT count(*) FROM running_requests")[0][0] < requests:  # noqa: ASYNC110
            await asyncio.sleep(0.05)


def _estimated(shown: str) -> int:
    found = re.search(r"server didn't report them: (\d+)", shown)
    return int(found[1]) if found else 0


async def test_answer_stopped_before_first_word_costs_too(stage: Stage) -> None:
    hold = HoldStream("headers")
    stage.model.script(Say("one two", hold=hold))
    await stage.start()
    await stage.ann.say(stage.home, "hello")
    await hold.reached(PATIENCE_S)
    await stage.ann.say(stage.home, "/stop")
    assert await stage.replies(1) == ["Stopped."]
    hold.release()
    assert _estimated(await say(stage, "/usage")) == 1


async def test_answer_restarted_by_edit_costs_too(stage: Stage) -> None:
    hold = HoldStream("headers")
    stage.model.script(Say("one two", hold=hold))
    await stage.start()
    message = await stage.ann.say(stage.home, "hello")
    await hold.reached(PATIENCE_S)
    await stage.ann.edit(message, "hello again")
    await stage.replies(1)
    hold.release()
    assert _estimated(await say(stage, "/usage")) == 1


@pytest.mark.parametrize("point", ["headers", 3])
async def test_killed_answers_cost_too(point: Point, process: Stage) -> None:
    """Each is charged once, in its own chat."""
    bob = process.telegram.user("Bob")
    other = process.telegram.private(bob)
    holds = [HoldStream(point), HoldStream(point)]
    process.model.script(Say("Yes."), *[Say("one two three four", hold=hold) for hold in holds])
    await process.start()
    await say(process, WORDS)
    await process.ann.say(process.home, "hello")
    await bob.say(other, "hello")
    for hold in holds:
        await hold.reached(PATIENCE_S)
    await _recorded(process, len(holds))
    await process.kill()
    await process.start()
    await other.wait(1, PATIENCE_S)
    await process.home.wait(2, PATIENCE_S)
    for person, chat in ((process.ann, process.home), (bob, other)):
        count = len(chat.replies)
        await person.say(chat, "/usage")
        shown = (await chat.wait(count + 1, PATIENCE_S))[-1].text
        assert _estimated(shown) == 1
