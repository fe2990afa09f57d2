"""Overview as HTML: what models cost by day, what failed, and which answers were slow. All words are escaped."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, tzinfo
from html import escape
from urllib.parse import urlencode

from bot.inspector.answer_view import local_time
from bot.pricing import Amount
from storage.insights import AnswerLine, Failure
from storage.records import ChatKey, ModelUsage, Usage

Priced = Callable[[str, Usage], Amount | None]
"""What a model's usage costs; None if its price isn't known."""


def address(key: ChatKey, message_id: int | None) -> str:
    """The address of an answer in the inspector."""
    wanted = {"chat": key.telegram_id, "topic": key.thread_id or "", "message": message_id or ""}
    return f"?{urlencode({name: value for name, value in wanted.items() if value != ''})}"


def costs_html(costs: Mapping[date, Sequence[ModelUsage]], priced: Priced, name: str) -> str:
    """A row for each model and day; `name`: of the table."""
    rows = [row for day, used in costs.items() for row in _day(day, used, priced)]
    return _table(name, ("day", "model", "input", "from the cache", "output", "price"), rows, "Nothing was used.")


def failures_html(failures: Sequence[Failure]) -> str:
    """A row for each kind of failure."""
    rows = []
    for one in failures:
        chats = ", ".join(
            f'<a href="{escape(address(ChatKey(number), None))}">{number}</a> ({count})' for number, count in one.chats
        )
        rows.append((escape(one.kind), _number(one.count), chats or "-"))
    return _table("failures", ("kind", "how many", "most of them in"), rows, "")


def slow_html(slow: Sequence[tuple[ChatKey, AnswerLine]], zone: tzinfo) -> str:
    """The slowest answers, with links to them."""
    rows = []
    for key, line in slow:
        link = f'<a href="{escape(address(key, line.message_id))}">{local_time(line.at, zone)}</a>'
        rows.append(
            (link, f"{line.total_s or 0:.1f} s", _number(line.all.output), escape(line.model), _cut(line.question))
        )
    heads = ("answer", "took", "output tokens", "model", "question")
    return _table("slow", heads, rows, "No times are stored yet.")


def _day(day: date, used: Sequence[ModelUsage], priced: Priced) -> Iterator[tuple[str, ...]]:
    for at, one in enumerate(used):
        amount = priced(one.model, one.usage)
        yield (
            day.isoformat() if not at else "",
            escape(one.model),
            _number(one.usage.input),
            f"{_number(one.usage.cached)} <small>{_share(one.usage)}</small>",
            _number(one.usage.output),
            amount.exact if amount else "-",
        )


def _share(usage: Usage) -> str:
    return f"{usage.cached / usage.input:.0%}" if usage.input else ""


def _number(count: int) -> str:
    return f"{count:,}"


def _cut(text: str) -> str:
    return f'<span dir="auto">{escape(" ".join(text.split())[:80])}</span>'


def _table(name: str, heads: Sequence[str], rows: Sequence[Sequence[str]], empty: str) -> str:
    """A table; the cells of `rows` are HTML."""
    if not rows:
        return f'<p class="hint" data-testid="{name}">{empty}</p>'
    head = "".join(f'<th scope="col">{title}</th>' for title in heads)
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    table = f'<table data-testid="{name}"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'
    return f'<div class="lines" tabindex="0" role="region" aria-label="{name}">{table}</div>'
