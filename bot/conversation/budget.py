"""Daily budgets per user, per chat and in total. No budget applies until it is set.

Usage is what the model server reported, input and output, or an estimate where it reported nothing. A budget is checked
before a request: an answer in progress is finished, and the next one refused. A refused message stays in the
conversation, so that /retry or the next message gets it answered after midnight.
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta, tzinfo
from enum import Enum, StrEnum

from bot.errors import BudgetSpent, ChatBudgetSpent, TotalBudgetSpent, UserBudgetSpent
from bot.pricing import Amount, Price
from storage.database import Database
from storage.records import Chat, Usage
from storage.usage import EVERYBODY, ByModel, UsageLog

NEARLY = 0.8
"""The used share from which people are warned."""
OFF = "off"


class ModelRole(Enum):
    """What a model is used for, if not for answers."""

    MEANING = "search by meaning"
    VOICE = "voice messages"


class Scope(StrEnum):
    """Whose budget it is."""

    USER = "user"
    CHAT = "chat"
    TOTAL = "total"


SPENT: Mapping[Scope, type[BudgetSpent]] = {
    Scope.USER: UserBudgetSpent,
    Scope.CHAT: ChatBudgetSpent,
    Scope.TOTAL: TotalBudgetSpent,
}


@dataclass(frozen=True, slots=True)
class Share:
    """How much of a budget is used; `used` has the same unit as `amount`."""

    scope: Scope
    number: int
    """A user's or a Telegram chat's id, or 0 for everyone together."""
    amount: Amount
    used: Amount

    @property
    def ratio(self) -> float:
        """1 or more means used up."""
        return self.used.number / self.amount.number


class Budget:
    """Computes and enforces budgets. `settings` apply unless an owner changed them; days are those of `zone`.

    `price`: the price of a model, None if it is unknown. `is_owner`: owners have no user budget, but what they use
    counts in the others. `embedding_model`: its tokens cost a fraction of others, so they count in money only; counted
    as tokens, indexing one old chat would use up a day's budget.
    """

    def __init__(
        self,
        database: Database,
        usage: UsageLog,
        settings: Mapping[Scope, Amount],
        price: Callable[[str], Price | None],
        is_owner: Callable[[int], Awaitable[bool]],
        zone: tzinfo,
        clock: Callable[[], float],
        *,
        embedding_model: str | None = None,
    ) -> None:
        self._database = database
        self._usage = usage
        self._settings = settings
        self._price = price
        self._is_owner = is_owner
        self._zone = zone
        self._clock = clock
        self._embedding_model = embedding_model
        self._changed: dict[tuple[Scope, int], Amount | None] = {}

    @property
    def changed(self) -> Mapping[tuple[Scope, int], Amount | None]:
        """Budgets set by owners (None: off) by scope and id (0: everyone). Cached because every message reads them."""
        return self._changed

    async def load(self) -> None:
        """Load the budgets set by owners, in this process or another."""
        self._changed = {
            (Scope(scope), number): None if text == OFF else Amount.parse(text)
            for (scope, number), text in (await self._usage.budgets()).items()
        }

    async def set(self, scope: Scope, number: int, amount: Amount | None, *, back: bool = False) -> None:
        """Set a budget, switch it off (None), or return to the default (`back`)."""
        text = None if back else OFF if amount is None else amount.written
        async with self._database.transaction() as tx:
            await self._usage.set_budget(tx, scope, number, text)
            await tx.announce_change()
        if back:
            self._changed.pop((scope, number), None)
        else:
            self._changed[scope, number] = amount

    async def check(self, chat: Chat, user_id: int | None) -> None:
        """Raise BudgetSpent if a budget that applies to this chat and user is used up today."""
        for share in await self.shares(chat.key.telegram_id, user_id):
            if share.ratio >= 1:
                spent = SPENT[share.scope](f"{share.used} of {share.amount}")
                spent.words = {"zone": str(self._zone)}
                spent.until = self._midnight().timestamp()
                raise spent

    async def shares(self, telegram_id: int, user_id: int | None) -> list[Share]:
        """The used shares of all budgets that apply to a user in a Telegram chat."""
        found = []
        for scope, number, amount in self._applicable(telegram_id, user_id):
            if scope is Scope.USER and await self._is_owner(number):
                continue
            found.append(Share(scope, number, amount, self.cost(await self._used(scope, number), amount.currency)))
        return found

    def cost(self, used: ByModel, currency: str) -> Amount:
        """The cost in tokens (no currency) or in money."""
        if not currency:
            counted = (usage for model, usage in used.items() if model != self._embedding_model)
            return Amount(sum(usage.input + usage.output for usage in counted))
        return Amount(sum(self._money(model, usage) for model, usage in used.items()), currency)

    def money(self, used: ByModel) -> Amount | None:
        """The cost in money, or None if a price is unknown or the prices have different currencies."""
        currencies = {price.currency if (price := self._price(model)) else "" for model in used}
        if len(currencies) != 1 or "" in currencies:
            return None
        return self.cost(used, *currencies)

    def limit(self, scope: Scope, number: int = 0) -> Amount | None:
        """The budget of someone, or the default for everyone (0); None if there is none."""
        for key in ((scope, number), (scope, 0)):
            if key in self._changed:
                return self._changed[key]
        return self._settings.get(scope)

    async def used(self, scope: Scope, number: int = 0) -> ByModel:
        """What someone used today, or everyone together."""
        return await self._used(scope, number)

    def today(self) -> datetime:
        """The current time in the zone whose midnight ends the day."""
        return datetime.fromtimestamp(self._clock(), self._zone)

    def _applicable(self, telegram_id: int, user_id: int | None) -> Iterator[tuple[Scope, int, Amount]]:
        for scope, number in ((Scope.USER, user_id), (Scope.CHAT, telegram_id), (Scope.TOTAL, EVERYBODY)):
            amount = self.limit(scope, number) if number is not None else None
            if amount is not None and number is not None:
                yield scope, number, amount

    async def _used(self, scope: Scope, number: int) -> ByModel:
        if scope is Scope.CHAT:
            return await self._usage.of_chat(number, self.today().date())
        return await self._usage.of_user(number, self.today().date())

    def _money(self, model: str, usage: Usage) -> float:
        price = self._price(model)
        if price is None:  # a model that was used before its price was removed
            return 0.0
        fresh = max(0, usage.input - usage.cached - usage.written)
        return price.of(fresh, usage.cached, usage.written, usage.output, usage.audio)

    def _midnight(self) -> datetime:
        return datetime.combine(self.today().date() + timedelta(days=1), time(), self._zone)
