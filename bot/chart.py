"""The picture of a month's tokens, day by day."""

import io
from collections.abc import Sequence
from datetime import date, timedelta

from storage.records import DayUsage

DAYS = 30
_CACHED, _FRESH, _OUTPUT = "#7fb2a6", "#e0a458", "#7a6fb0"
"""Told apart also by those who don't see red or green, on a phone at night as well."""


def usage_chart(days: Sequence[DayUsage], last: date) -> bytes:
    """A PNG of the 30 days up to `last`: input from the cache, fresh input and output, one on the other.

    Takes about half a second the first time, for matplotlib's import: to be called in a thread.
    """
    from matplotlib.figure import Figure  # 40 MB and half a second, which only this picture needs
    from matplotlib.ticker import EngFormatter

    dates = [last - timedelta(days=DAYS - 1 - number) for number in range(DAYS)]
    found = {one.day: one.usage for one in days}
    used = [found.get(day) for day in dates]
    cached = [one.cached if one else 0 for one in used]
    fresh = [one.input - one.cached if one else 0 for one in used]
    output = [one.output if one else 0 for one in used]
    figure = Figure(figsize=(7, 4), dpi=120, layout="constrained")
    axes = figure.subplots()
    axes.bar(range(DAYS), cached, color=_CACHED, label="input, cached")
    axes.bar(range(DAYS), fresh, bottom=cached, color=_FRESH, label="input, fresh")
    below = [one + other for one, other in zip(cached, fresh, strict=True)]
    axes.bar(range(DAYS), output, bottom=below, color=_OUTPUT, label="output")
    weeks = range(DAYS - 1, -1, -7)
    axes.set_xticks(list(weeks), [f"{dates[at].day} {dates[at]:%b}" for at in weeks])
    axes.yaxis.set_major_formatter(EngFormatter(sep=""))
    axes.set_ylabel("tokens a day")
    axes.spines[["top", "right"]].set_visible(b=False)
    axes.legend(frameon=False, ncols=3, loc="upper center", bbox_to_anchor=(0.5, 1.12))
    png = io.BytesIO()
    figure.savefig(png, format="png")
    return png.getvalue()
