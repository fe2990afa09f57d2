"""A budget is what is used of it today, in tokens or in money; it is renewed by the clock."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from bot.conversation.budget import Budget, Scope
from bot.errors import BudgetSpent, ChatBudgetSpent, TotalBudgetSpent, UserBudgetSpent
from bot.pricing import Amount, Price
from storage import Storage
from storage.records import Chat, ChatKey, Usage

BERLIN = ZoneInfo("Europe/Berlin")
ANN, BOB, OWNER, GROUP = 7, 8, 9, -100
NOON = datetime(2026, 11, 23, 12, tzinfo=BERLIN).timestamp()
TODAY = date(2026, 11, 23)


def no_price(_: str) -> Price | None:
    return None


async def never(_: int) -> bool:
    return False


async def is_owner(user_id: int) -> bool:
    return user_id == OWNER


class Clock:
    now = NOON

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


async def chat_at(storage: Storage, number: int) -> Chat:
    async with storage.transaction() as tx:
        return await storage.chats.ensure(tx, ChatKey(number), private=number > 0, now=NOON)


async def use(storage: Storage, chat: Chat, user_id: int | None, tokens: int, *, model: str = "m") -> None:
    usage = Usage(tokens - 10, 0, 10)
    async with storage.transaction() as tx:
        await storage.usage.record(tx, chat.id, TODAY, model, usage)
        await storage.usage.record_for_user(tx, user_id, TODAY, model, usage)


def budget(storage: Storage, clock: Clock, **held: str) -> Budget:
    settings = {Scope(scope): Amount.parse(text) for scope, text in held.items()}
    return Budget(storage.database, storage.usage, settings, price, is_owner, BERLIN, clock)


def price(model: str) -> Price | None:
    return Price(input=2.0, cached=1.0, written=3.0, output=10.0, currency="USD") if model == "m" else None


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("200000", "200,000"),
        ("200k", "200,000"),
        ("1.5M tokens", "1,500,000"),
        ("0.50 usd", "0.50 USD"),
        ("2EUR", "2.00 EUR"),
    ],
)
def test_an_amount_is_tokens_or_money(text: str, shown: str) -> None:
    assert str(Amount.parse(text)) == shown


@pytest.mark.parametrize(
    "text",
    ["", "many", "-5", "0", "0 USD", "5 dollars", "1e5", "200kk", "9" * 400, "1" + "0" * 15 + " USD", "999999999999M"],
)
def test_what_is_neither_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must be"):
        Amount.parse(text)


async def test_nothing_holds_until_it_is_set(storage: Storage, clock: Clock) -> None:
    home = await chat_at(storage, ANN)
    await use(storage, home, ANN, 1_000_000)
    await budget(storage, clock).check(home, ANN)


@pytest.mark.parametrize(
    ("scope", "kind"), [("user", UserBudgetSpent), ("chat", ChatBudgetSpent), ("total", TotalBudgetSpent)]
)
async def test_exhausted_budget_stops_requests(
    storage: Storage, clock: Clock, scope: str, kind: type[BudgetSpent]
) -> None:
    home = await chat_at(storage, ANN)
    held = budget(storage, clock, **{scope: "1000"})
    await use(storage, home, ANN, 999)
    await held.check(home, ANN)
    await use(storage, home, ANN, 11)
    with pytest.raises(kind) as caught:
        await held.check(home, ANN)
    assert "Europe/Berlin" in caught.value.sentence
    assert datetime.fromtimestamp(caught.value.until, BERLIN) == datetime(2026, 11, 24, tzinfo=BERLIN)
    clock.now = caught.value.until - 1
    with pytest.raises(kind):
        await held.check(home, ANN)
    clock.now = caught.value.until
    await held.check(home, ANN)


async def test_budget_is_per_person_across_chats(storage: Storage, clock: Clock) -> None:
    """One person's chats share a budget; two people in one chat have one each."""
    home, group = await chat_at(storage, ANN), await chat_at(storage, GROUP)
    held = budget(storage, clock, user="1000")
    await use(storage, home, ANN, 600)
    await use(storage, group, ANN, 600)
    await use(storage, group, BOB, 600)
    await held.check(group, BOB)
    await held.check(group, None)
    with pytest.raises(UserBudgetSpent):
        await held.check(group, ANN)


async def test_the_topics_of_a_group_share_its_budget(storage: Storage, clock: Clock) -> None:
    async with storage.transaction() as tx:
        first = await storage.chats.ensure(tx, ChatKey(GROUP, 1), private=False, now=NOON)
        second = await storage.chats.ensure(tx, ChatKey(GROUP, 2), private=False, now=NOON)
    await use(storage, first, ANN, 600)
    await use(storage, second, BOB, 600)
    with pytest.raises(ChatBudgetSpent):
        await budget(storage, clock, chat="1000").check(first, ANN)


async def test_owner_has_no_own_budget_but_counts(storage: Storage, clock: Clock) -> None:
    """Their use counts toward the budget of everyone."""
    home = await chat_at(storage, OWNER)
    await use(storage, home, OWNER, 5000)
    await budget(storage, clock, user="1000").check(home, OWNER)
    with pytest.raises(TotalBudgetSpent):
        await budget(storage, clock, total="1000").check(home, ANN)


async def test_cost_distinguishes_fresh_cached_written_and_output(storage: Storage, clock: Clock) -> None:
    home = await chat_at(storage, ANN)
    usage = Usage(input=1_000_000, cached=500_000, written=200_000, output=100_000)
    async with storage.transaction() as tx:
        await storage.usage.record_for_user(tx, ANN, TODAY, "m", usage)
    [share] = await budget(storage, clock, user="10 USD").shares(ANN, ANN)
    assert share.used.number == pytest.approx(0.3 * 2 + 0.5 * 1 + 0.2 * 3 + 0.1 * 10)
    assert share.ratio == pytest.approx(0.27)
    await budget(storage, clock, user="2.71 USD").check(home, ANN)
    with pytest.raises(UserBudgetSpent):
        await budget(storage, clock, user="2.69 USD").check(home, ANN)


async def test_owners_budget_change_wins_and_survives_restart(storage: Storage, clock: Clock) -> None:
    held = budget(storage, clock, user="1000")
    await held.set(Scope.USER, 0, Amount.parse("500"))
    await held.set(Scope.USER, ANN, None)
    await held.set(Scope.TOTAL, 0, Amount.parse("0.50 USD"))
    await held.set(Scope.CHAT, 0, Amount.parse("0.000001 USD"))
    await held.set(Scope.CHAT, -5, Amount.parse("999999999M"))
    for one in (held, budget(storage, clock, user="1000")):
        await one.load()
        assert one.limit(Scope.USER, BOB) == Amount(500)
        assert one.limit(Scope.USER, ANN) is None
        assert one.limit(Scope.TOTAL) == Amount(0.5, "USD")
        assert one.limit(Scope.CHAT) == Amount(0.000001, "USD")
        assert one.limit(Scope.CHAT, -5) == Amount(999_999_999_000_000)
    await held.set(Scope.USER, 0, None, back=True)
    assert held.limit(Scope.USER, BOB) == Amount(1000)
    again = budget(storage, clock, user="1000")
    await again.load()
    assert again.limit(Scope.USER, BOB) == Amount(1000)


async def test_the_day_begins_where_the_settings_say(storage: Storage, clock: Clock) -> None:
    clock.now = datetime(2026, 11, 23, 23, 30, tzinfo=UTC).timestamp()  # half past midnight in Berlin
    assert budget(storage, clock).today().date() == date(2026, 11, 24)
