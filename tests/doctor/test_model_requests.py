"""A visit tells what it will take and what it took, and takes no more than that."""

from bot.conversation.tokens import estimate
from bot.doctor import model_requests
from bot.doctor.model_requests import QUESTION, Bill, BilledModels, announcement, ask
from bot.doctor.report import Severity
from bot.errors import BudgetSpent
from bot.llm.stream_events import Usage
from bot.pricing import Price
from sandbox.model import Fail, Say
from tests.doctor.conftest import World

PRICE = Price(1.0, 0.2, 1.25, 4.0, "USD")


async def test_bill_shows_tokens_and_cost(world: World) -> None:
    settings = world.settings()
    paid = Bill(estimate, lambda _: PRICE)
    async with world.models(settings) as models:
        await ask(BilledModels(models, paid).of("stand-in"), QUESTION, 5.0)
    assert (paid.requests, paid.finding().mark) == (1, Severity.FINE)
    assert paid.finding().found.startswith("1 request, ")
    assert paid.finding().found.endswith(" USD")


async def test_what_is_not_reported_is_estimated(world: World) -> None:
    world.model.always(Say("Yes.", usage=False))
    free = Bill(estimate)
    async with world.models(world.settings()) as models:
        await ask(BilledModels(models, free).of("stand-in"), QUESTION, 5.0)
    assert "partly estimated" in free.finding().found
    assert "price_input" in free.finding().advice


async def test_beyond_its_bound_nothing_is_asked(world: World) -> None:
    spent = Bill(estimate)
    spent.add("stand-in", Usage(model_requests.MOST_TOKENS, 0, 1), 0, 0)
    async with world.models(world.settings()) as models:
        answer = await ask(BilledModels(models, spent).of("stand-in"), QUESTION, 5.0)
    assert isinstance(answer.error, BudgetSpent)
    assert world.model.requests == []


async def test_who_talks_without_end_is_cut(world: World) -> None:
    world.model.always(Say("word " * 50_000, chunk=500))
    cut = Bill(estimate)
    async with world.models(world.settings()) as models:
        answer = await ask(BilledModels(models, cut).of("stand-in"), QUESTION, 5.0)
    assert answer.error is None
    assert len(answer.text) < 2 * model_requests.MOST_SAID


async def test_a_filter_that_refuses_is_told(world: World) -> None:
    world.model.script(Fail(400, "data_inspection_failed"))
    shy = Bill(estimate)
    assert shy.filter().mark is Severity.FINE
    async with world.models(world.settings()) as models:
        await ask(BilledModels(models, shy).of("stand-in"), QUESTION, 5.0)
    assert shy.filter().mark is Severity.NOTE


def test_the_price_is_told_before() -> None:
    assert "USD" in announcement("stand-in at home", PRICE)
    assert "Ctrl-C" in announcement("stand-in at home", None)
