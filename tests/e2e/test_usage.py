"""What a chat cost is shown as the model server reported it, with a picture."""

from sandbox.model import Say
from tests.e2e.conftest import Stage
from tests.e2e.quick import hurry  # noqa: F401 - a fixture
from tests.e2e.test_memory import SMALL, Model, compact, say, talk

PNG = b"\x89PNG\r\n\x1a\n"


async def test_usage_adds_up_what_the_server_reported(stage: Stage) -> None:
    stage.model.answer_with(lambda _: Say("Yes."))
    await stage.start(CACHED_PRICE="0.2")
    assert "not reported any use" in await say(stage, "/usage")
    for number in range(3):
        await say(stage, f"{number} " + "and some words more " * 60)
    shown = await say(stage, "/usage")
    read = sum(count.total for count in stage.model.counts)
    cached = sum(count.cached for count in stage.model.counts)
    assert cached > 0
    for name in ("Today", "This month", "All time"):
        assert f"{name}: 3 turns\nTokens in: {read - cached:,} fresh, {cached:,} from the cache" in shown
    assert f"saved {0.8 * cached / read:.0%} of the price" in shown
    picture = stage.home.replies[-1].photo
    assert picture is not None
    assert picture.startswith(PNG)


async def test_a_compaction_costs_tokens_and_is_no_turn(stage: Stage) -> None:
    Model(stage)
    await stage.start(**SMALL)
    await talk(stage, 6)
    await compact(stage)
    shown = await say(stage, "/usage")
    read = sum(count.total for count in stage.model.counts)
    cached = sum(count.cached for count in stage.model.counts)
    assert len(stage.model.counts) == 7
    assert f"All time: 6 turns\nTokens in: {read - cached:,} fresh" in shown


async def test_a_server_that_reports_nothing_is_not_guessed_at(stage: Stage) -> None:
    stage.model.answer_with(lambda _: Say("Yes.", usage=False))
    await stage.start()
    await say(stage, "hello")
    assert "not reported any use" in await say(stage, "/usage")
