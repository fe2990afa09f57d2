"""The plot of a conversation shows what was stored with its answers, each in its own unit."""

from datetime import UTC

from bot.inspector.course_plot import plot_options
from storage.insights import AnswerLine
from storage.records import Usage


def line(reply_id: int, price: float | None, currency: str | None) -> AnswerLine:
    used = Usage(100, 60, 10)
    return AnswerLine(
        reply_id, None, 1.0, "question", "answer", used, used, "m", price, currency, 1, None, 0, (90, 40, 80), 1.0
    )


def test_each_currency_is_a_line() -> None:
    lines = [line(2, 0.5, "USD"), line(4, 3.5, "CNY"), line(6, None, None)]
    plot = plot_options(lines, UTC)
    prices = {series["name"]: series["data"] for series in plot["series"] if series["name"].startswith("price")}
    assert prices == {"price (USD)": [0.5, None, None], "price (CNY)": [None, 3.5, None]}
    assert [axis["name"] for axis in plot["yAxis"]] == ["tokens", "USD / CNY"]


def test_unknown_prices_have_no_axis() -> None:
    plot = plot_options([line(2, None, None)], UTC)
    assert [axis["name"] for axis in plot["yAxis"]] == ["tokens"]
