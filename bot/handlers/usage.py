"""``/usage``: what this chat cost, as the model server reported it."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo

from telegram import Update

from bot.chart import DAYS, usage_chart
from bot.handlers.notices import answer
from bot.intake.arrival import place_of
from bot.language import plural, texts
from storage import Storage
from storage.records import DayUsage, File, FileKind


@dataclass(frozen=True, slots=True)
class UsageHandlers:
    """Adds it up; days are those of `zone`, `clock` gives Unix seconds."""

    storage: Storage
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
        notice = answer(message, self._told(days, today) if days else texts.USAGE_NONE)
        month = [day for day in days if day.day > today - timedelta(days=DAYS)]
        if month:
            chart = await asyncio.to_thread(usage_chart, month, today)
            notice = answer(message, notice.text, file=File(FileKind.PHOTO, chart))
        async with self.storage.transaction() as tx:
            await self.storage.notices.add(tx, notice)
            await self.storage.inbox.done(tx, [update.update_id])

    def _told(self, days: Sequence[DayUsage], today: date) -> str:
        periods = (
            (texts.USAGE_TODAY, [day for day in days if day.day == today]),
            (texts.USAGE_MONTH, [day for day in days if day.day >= today.replace(day=1)]),
            (texts.USAGE_ALL, days),
        )
        return "\n\n".join([*(self._period(name, used) for name, used in periods), texts.USAGE_NOTE])

    def _period(self, name: str, days: Sequence[DayUsage]) -> str:
        read = sum(day.usage.input for day in days)
        cached = sum(day.usage.cached for day in days)
        saved = (1 - self.cached_price) * cached / read if read else 0.0
        return texts.USAGE_PERIOD.format(
            name=name,
            turns=plural(sum(day.turns for day in days), texts.TURNS),
            fresh=f"{read - cached:,}",
            cached=f"{cached:,}",
            output=f"{sum(day.usage.output for day in days):,}",
            saved=f"{saved:.0%}",
        )
