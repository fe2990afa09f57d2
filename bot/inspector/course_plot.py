"""The plot of a conversation: the size of each prompt, what of it was cached, the price, and where it was compacted."""

from collections.abc import Sequence
from datetime import tzinfo
from itertools import pairwise
from typing import Any

from bot.inspector.answer_reader import is_compacted
from bot.inspector.answer_view import local_time
from storage.insights import AnswerLine

INK = "#737b89"
"""Legible on light and on dark."""
COLOURS = {"cached": "#5b8def", "new": "#e8953a", "price": "#8b5fd6", "low": "#8a94a6", "high": "#d05a5a"}
SHOWN_AT_FIRST = 300
"""How many of the newest answers are in view before one scrolls."""


def plot_options(lines: Sequence[AnswerLine], zone: tzinfo) -> dict[str, Any]:
    """The options of ECharts; the index of a point is that of its answer in `lines`."""
    currencies = list(dict.fromkeys(line.currency for line in lines if line.currency))
    used = [line.own or line.all for line in lines]
    compactions = [at for at, (before, after) in enumerate(pairwise(lines), 1) if is_compacted(before, after)]
    bars = {
        "from the cache": ("cached", [one.cached for one in used]),
        "new": ("new", [max(one.input - one.cached, 0) for one in used]),
    }
    series: list[dict[str, Any]] = [
        {"name": name, "type": "bar", "stack": "prompt", "data": data, "itemStyle": {"color": COLOURS[colour]}}
        | {"barCategoryGap": "12%", "cursor": "pointer"}
        for name, (colour, data) in bars.items()
    ]
    series[0]["itemStyle"]["decal"] = {"symbol": "rect", "dashArrayX": [1, 0], "dashArrayY": [2, 5], "rotation": -0.8}
    series[1]["markLine"] = {
        "symbol": ["none", "triangle"],
        "label": {"formatter": "compacted", "color": INK, "fontSize": 10},
        "lineStyle": {"color": INK, "type": "dashed"},
        "data": [{"xAxis": at} for at in compactions],
        "silent": True,
        "animation": False,
    }
    for at, name in ((1, "low"), (2, "high")):
        data = [line.window[at] if line.window else None for line in lines]
        series.append(_line(f"{name} threshold", data, COLOURS[name], "dotted"))
    for at, currency in enumerate(currencies):
        prices = [line.price if line.currency == currency else None for line in lines]
        kind = "dashed" if at else "solid"
        series.append(_line(f"price ({currency})", prices, COLOURS["price"], kind) | {"yAxisIndex": 1})
    first = max(0, len(lines) - SHOWN_AT_FIRST)
    return {
        "aria": {"enabled": True},
        "animation": False,
        "backgroundColor": "transparent",
        "textStyle": {"color": INK},
        "tooltip": {"trigger": "axis", "confine": True},
        "legend": {"top": 0, "textStyle": {"color": INK}, "icon": "roundRect"},
        "grid": {"left": 56, "right": 56 if currencies else 16, "top": 56, "bottom": 72},
        "xAxis": {
            "type": "category",
            "data": [local_time(line.at, zone) for line in lines],
            "axisLabel": {"color": INK},
        },
        "yAxis": [
            _axis("tokens"),
            *([_axis(" / ".join(currencies)) | {"splitLine": {"show": False}}] if currencies else []),
        ],
        "dataZoom": [
            {"type": "inside", "startValue": first},
            {"type": "slider", "startValue": first, "height": 18, "bottom": 12},
        ],
        "series": series,
    }


def plot_summary(lines: Sequence[AnswerLine]) -> str:
    """The plot in words, for those who don't see it."""
    used = [line.own or line.all for line in lines]
    read, cached = sum(one.input for one in used), sum(one.cached for one in used)
    compactions = sum(is_compacted(before, after) for before, after in pairwise(lines))
    share = f"{cached / read:.0%}" if read else "none"
    times = "once" if compactions == 1 else f"{compactions} times"
    answers = "1 answer" if len(lines) == 1 else f"{len(lines)} answers"
    return f"{answers} read {read:,} tokens, {share} of them from the cache; compacted {times}."


def _axis(name: str) -> dict[str, Any]:
    return {"type": "value", "name": name, "axisLabel": {"color": INK}, "splitLine": {"lineStyle": {"opacity": 0.2}}}


def _line(name: str, data: Sequence[float | None], colour: str, kind: str) -> dict[str, Any]:
    return {
        "name": name,
        "type": "line",
        "data": list(data),
        "symbol": "none" if kind == "dotted" else "circle",
        "symbolSize": 4,
        "step": "middle" if kind == "dotted" else False,
        "lineStyle": {"color": colour, "type": kind, "width": 1.5},
        "itemStyle": {"color": colour},
    }
