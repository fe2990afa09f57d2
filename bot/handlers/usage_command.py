"""``/usage``: how many tokens a chat used, as the model server reported or the bot estimated them, with a chart."""

import asyncio
import io
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime, timedelta, tzinfo

from bot.conversation.budget import Budget, Scope
from bot.handlers.budget_command import share_lines
from bot.handlers.context import MessageContext
from bot.handlers.notices import answer
from bot.handlers.usage_parts import UsageParts
from bot.language import grouped, percent, plural, short_date, texts
from storage.records import DayUsage, File, FileKind, Usage
from storage.usage import UsageLog

DAYS = 30
_CACHED, _FRESH, _OUTPUT = "#7fb2a6", "#e0a458", "#7a6fb0"
"""Colors that color-blind people can tell apart, also on a dark screen."""
_SIGNS = ("🟩", "🟧", "🟪")
"""Emoji of these colors, for a caption."""
_OWN_FONT = "DejaVu Sans"
"""The font that comes with matplotlib."""
_MORE_FONTS = (
    *("Noto Sans CJK SC", "Noto Sans CJK TC", "Noto Sans CJK JP", "Noto Sans CJK KR", "Noto Sans SC", "Noto Sans TC"),
    *("Noto Sans JP", "Noto Sans KR", "Source Han Sans SC", "WenQuanYi Micro Hei", "WenQuanYi Zen Hei"),
    *("Droid Sans Fallback", "PingFang SC", "Microsoft YaHei", "SimHei", "Hiragino Sans", "Apple SD Gothic Neo"),
    *("Yu Gothic", "Malgun Gothic", "Noto Sans Devanagari", "Lohit Devanagari", "Kohinoor Devanagari", "Nirmala UI"),
)
"""Fonts that may be installed, with characters that matplotlib's own font lacks."""


def usage_chart(days: Sequence[DayUsage], last: date) -> tuple[bytes, str]:
    """A PNG of the 30 days up to `last`: stacked bars of cached input, fresh input and output.

    Returns a caption as well, which explains the colors if no font can write the legend, and is otherwise empty. The
    first call takes about half a second to import matplotlib, so call it in a thread.
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure  # takes 40 MB and half a second, so it is only imported here
    from matplotlib.ticker import EngFormatter

    dates = [last - timedelta(days=DAYS - 1 - number) for number in range(DAYS)]
    by_day = {entry.day: entry.usage for entry in days}
    used = [by_day.get(day) for day in dates]
    cached = [usage.cached if usage else 0 for usage in used]
    fresh = [usage.input - usage.cached if usage else 0 for usage in used]
    output = [usage.output if usage else 0 for usage in used]
    named = (texts.CHART_CACHED, texts.CHART_FRESH, texts.CHART_OUTPUT)
    fonts = _fonts("".join((*named, texts.CHART_TOKENS, *map(short_date, dates))))
    with rc_context({"font.family": fonts or [_OWN_FONT]}):
        figure = Figure(figsize=(7, 4), dpi=120, layout="constrained")
        axes = figure.subplots()
        below = [a + b for a, b in zip(cached, fresh, strict=True)]
        for values, bottom, color, label in zip(
            (cached, fresh, output), ([0] * DAYS, cached, below), (_CACHED, _FRESH, _OUTPUT), named, strict=True
        ):
            axes.bar(range(DAYS), values, bottom=bottom, color=color, label=label)
        weeks = range(DAYS - 1, -1, -7)
        axes.set_xticks(list(weeks), [short_date(dates[i]) if fonts else f"{dates[i]:%m-%d}" for i in weeks])
        axes.yaxis.set_major_formatter(EngFormatter(sep=""))
        axes.spines[["top", "right"]].set_visible(b=False)
        if fonts:
            axes.set_ylabel(texts.CHART_TOKENS)
            axes.legend(frameon=False, ncols=3, loc="upper center", bbox_to_anchor=(0.5, 1.12))
        png = io.BytesIO()
        figure.savefig(png, format="png")
    meaning = "" if fonts else " · ".join(f"{sign} {name}" for sign, name in zip(_SIGNS, named, strict=True))
    return png.getvalue(), meaning


def _fonts(words: str) -> list[str]:
    """Installed fonts that together have all characters of this text; empty if no font has one of them."""
    from matplotlib.font_manager import findfont, fontManager, get_font

    missing = set(map(ord, words)) - get_font(findfont(_OWN_FONT)).get_charmap().keys()
    fonts = [_OWN_FONT]
    for font in fontManager.ttflist if missing else ():
        if font.name in _MORE_FONTS and (found := missing & get_font(font.fname).get_charmap().keys()):
            fonts.append(font.name)
            missing -= found
    return [] if missing else fonts


class UsageHandlers:
    """Adds up usage; days begin at midnight in `zone`, `clock` gives Unix seconds."""

    def __init__(
        self,
        usage: UsageLog,
        budget: Budget,
        currency: str | None,
        cached_price: float,
        zone: tzinfo,
        clock: Callable[[], float],
        parts: UsageParts,
    ) -> None:
        self._parts = parts
        self._usage = usage
        self._budget = budget
        self._currency = currency
        """The currency of the models' prices; None if they are unknown."""
        self._cached_price = cached_price
        self._zone = zone
        self._clock = clock

    async def usage(self, update: MessageContext) -> None:
        """``/usage``: today, this month, all time, and a chart of the last 30 days."""
        today = datetime.fromtimestamp(self._clock(), self._zone).date()
        days = await self._usage.between(update.chat.id, date.min, today) if update.chat else []
        own = await self._own(update.key.telegram_id, update.user.id if update.user else None)
        month_start = today.replace(day=1)
        models = await self._parts.of_chat(update.chat.id, month_start, today) if update.chat else []
        chats, names = await self._parts.of_all(update, month_start, today)
        said = [self._text(days, today) if days else texts.USAGE_NONE, *own]
        text, file = "\n\n".join("\n".join(lines) for lines in (said, models, chats) if lines), None
        month = [day for day in days if day.day > today - timedelta(days=DAYS)]
        if month:
            chart, meaning = await asyncio.to_thread(usage_chart, month, today)
            text, file = "\n\n".join(filter(None, (text, meaning))), File(FileKind.PHOTO, chart)
        await update.say(answer(update.message, text, file=file, literals=tuple(names), alone=True))

    async def _own(self, telegram_id: int, user_id: int | None) -> list[str]:
        """Today's cost in money, and the budgets that apply here."""
        lines = []
        if self._currency is not None:
            used = await self._budget.used(Scope.CHAT, telegram_id)
            lines.append(texts.USAGE_MONEY.format(money=self._budget.cost(used, self._currency).exact))
        return [*lines, *share_lines(await self._budget.shares(telegram_id, user_id))]

    def _text(self, days: Sequence[DayUsage], today: date) -> str:
        periods = (
            (texts.USAGE_TODAY, [day for day in days if day.day == today]),
            (texts.USAGE_MONTH, [day for day in days if day.day >= today.replace(day=1)]),
            (texts.USAGE_ALL, days),
        )
        return "\n\n".join([*(self._period(name, used) for name, used in periods if used), texts.USAGE_NOTE])

    def _period(self, name: str, days: Sequence[DayUsage]) -> str:
        used = sum((day.usage for day in days), Usage(0, 0, 0))
        saved = (1 - self._cached_price) * used.cached / used.input if used.input else 0.0
        text = (texts.USAGE_PERIOD if used.cached else texts.USAGE_PERIOD_UNCACHED).format(
            name=name,
            turns=plural(sum(day.turns for day in days), texts.TURNS),
            input=grouped(used.input),
            fresh=grouped(used.input - used.cached),
            cached=grouped(used.cached),
            output=grouped(used.output),
        )
        saves = [texts.USAGE_SAVED.format(saved=percent(saved))] if used.cached else []
        return "\n".join([text, *saves, *_details(used)])


def _details(used: Usage) -> Iterator[str]:
    """Lines that only apply to some models and servers."""
    if used.written:
        yield texts.USAGE_WRITTEN.format(count=grouped(used.written))
    if used.reasoning:
        yield texts.USAGE_REASONING.format(count=grouped(used.reasoning))
    if used.image:
        yield texts.USAGE_IMAGES.format(count=grouped(used.image))
    if used.audio:
        yield texts.USAGE_AUDIO.format(count=grouped(used.audio))
    if used.estimated:
        yield texts.USAGE_ESTIMATED.format(count=grouped(used.estimated))
