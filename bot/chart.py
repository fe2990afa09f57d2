"""The picture of a month's tokens, day by day."""

import io
from collections.abc import Sequence
from datetime import date, timedelta

from bot.language import short_date, texts
from storage.records import DayUsage

DAYS = 30
_CACHED, _FRESH, _OUTPUT = "#7fb2a6", "#e0a458", "#7a6fb0"
"""Told apart also by those who don't see red or green, on a phone at night as well."""
_SIGNS = ("🟩", "🟧", "🟪")
"""Of these colours, for a caption."""
_WIDE = (
    *("Noto Sans CJK SC", "Noto Sans CJK TC", "Noto Sans CJK JP", "Noto Sans SC", "Noto Sans TC", "Source Han Sans SC"),
    *("WenQuanYi Micro Hei", "WenQuanYi Zen Hei", "Droid Sans Fallback", "PingFang SC", "Microsoft YaHei", "SimHei"),
)
"""Fonts with Chinese letters, one of which a server may have; the one that comes with matplotlib has none."""


def usage_chart(days: Sequence[DayUsage], last: date) -> tuple[bytes, str]:
    """A PNG of the 30 days up to `last`: input from the cache, fresh input and output, one on the other.

    With it comes what the colours mean, where no font can write that into the picture. Takes about half a second the
    first time, for matplotlib's import: to be called in a thread.
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure  # 40 MB and half a second, which only this picture needs
    from matplotlib.ticker import EngFormatter

    dates = [last - timedelta(days=DAYS - 1 - number) for number in range(DAYS)]
    found = {one.day: one.usage for one in days}
    used = [found.get(day) for day in dates]
    cached = [one.cached if one else 0 for one in used]
    fresh = [one.input - one.cached if one else 0 for one in used]
    output = [one.output if one else 0 for one in used]
    named = (texts.CHART_CACHED, texts.CHART_FRESH, texts.CHART_OUTPUT)
    fonts = _fonts("".join(named))
    with rc_context({"font.family": fonts or ["DejaVu Sans"]}):
        figure = Figure(figsize=(7, 4), dpi=120, layout="constrained")
        axes = figure.subplots()
        below = [one + other for one, other in zip(cached, fresh, strict=True)]
        for values, bottom, color, label in zip(
            (cached, fresh, output), ([0] * DAYS, cached, below), (_CACHED, _FRESH, _OUTPUT), named, strict=True
        ):
            axes.bar(range(DAYS), values, bottom=bottom, color=color, label=label)
        weeks = range(DAYS - 1, -1, -7)
        axes.set_xticks(list(weeks), [short_date(dates[at]) if fonts else f"{dates[at]:%m-%d}" for at in weeks])
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
    """Those that can write this; none where that needs one that is not there."""
    from matplotlib.font_manager import fontManager

    if all(letter < "\u2e80" for letter in words):
        return ["DejaVu Sans"]
    here = {font.name for font in fontManager.ttflist}
    wide = [name for name in _WIDE if name in here]
    return ["DejaVu Sans", *wide] if wide else []
