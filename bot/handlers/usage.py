"""``/usage``: what this chat cost, as the model server reported it, or as we estimate it where it did not."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo

from telegram import Update

from bot.chart import DAYS, usage_chart
from bot.conversation.budget import Budget, Scope
from bot.handlers.budget import shares_told
from bot.handlers.notices import answer
from bot.intake.arrival import place_of
from bot.language import plural, texts
from storage import Storage
from storage.records import DayUsage, File, FileKind, Usage


@dataclass(frozen=True, slots=True)
class UsageHandlers:
    """Adds it up; days are those of `zone`, `clock` gives Unix seconds."""

    storage: Storage
    budget: Budget
    currency: str | None
    """Of the models' prices; None: they are not known."""
    cached_price: float
    zone: tzinfo
    clock: Callable[[], float]

    async def usage(self, update: Update, _: object) -> None:
        """``/usage``: today, this month, all time, and a chart of the last 30 days."""
        message = update.message
        assert message is not None
        today = datetime.fromtimestamp(self.clock(), self.zone).date()
        chat = await self.storage.chats.find(place_of(message))
        days = await self.storage.usage.between(chat.id, date.min, today) if chat else []
        user = message.from_user
        own = await self._own(message.chat.id, user.id if user else None)
        notice = answer(message, "\n".join([self._told(days, today) if days else texts.USAGE_NONE, *own]), alone=True)
        month = [day for day in days if day.day > today - timedelta(days=DAYS)]
        if month:
            chart, meaning = await asyncio.to_thread(usage_chart, month, today)
            text = "\n\n".join(filter(None, (notice.text, meaning)))
            notice = answer(message, text, file=File(FileKind.PHOTO, chart), alone=True)
        async with self.storage.transaction() as tx:
            await self.storage.notices.add(tx, notice)
            await self.storage.inbox.done(tx, [update.update_id])

    async def _own(self, telegram_id: int, user_id: int | None) -> list[str]:
        """What today came to in money, and the budgets that hold here."""
        told = []
        if self.currency is not None:
            used = await self.budget.used(Scope.CHAT, telegram_id)
            told.append(texts.USAGE_MONEY.format(money=self.budget.cost(used, self.currency).exact))
        return [*told, *shares_told(await self.budget.shares(telegram_id, user_id))]

    def _told(self, days: Sequence[DayUsage], today: date) -> str:
        periods = (
            (texts.USAGE_TODAY, [day for day in days if day.day == today]),
            (texts.USAGE_MONTH, [day for day in days if day.day >= today.replace(day=1)]),
            (texts.USAGE_ALL, days),
        )
        return "\n\n".join([*(self._period(name, used) for name, used in periods), texts.USAGE_NOTE])

    def _period(self, name: str, days: Sequence[DayUsage]) -> str:
        used = sum((day.usage for day in days), Usage(0, 0, 0))
        saved = (1 - self.cached_price) * used.cached / used.input if used.input else 0.0
        told = texts.USAGE_PERIOD.format(
            name=name,
            turns=plural(sum(day.turns for day in days), texts.TURNS),
            fresh=f"{used.input - used.cached:,}",
            cached=f"{used.cached:,}",
            output=f"{used.output:,}",
        )
        saves = [texts.USAGE_SAVED.format(saved=f"{saved:.0%}")] if used.cached else []
        return "\n".join([told, *saves, *_details(used)])


def _details(used: Usage) -> Iterator[str]:
    """What there is to say only of some models and servers."""
    if used.written:
        yield texts.USAGE_WRITTEN.format(count=f"{used.written:,}")
    if used.reasoning:
        yield texts.USAGE_REASONING.format(count=f"{used.reasoning:,}")
    if used.image:
        yield texts.USAGE_IMAGES.format(count=f"{used.image:,}")
    if used.audio:
        yield texts.USAGE_AUDIO.format(count=f"{used.audio:,}")
    if used.estimated:
        yield texts.USAGE_ESTIMATED.format(count=f"{used.estimated:,}")
