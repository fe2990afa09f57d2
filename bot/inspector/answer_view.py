"""One answer as HTML: what it cost, its window, what recall found, and the notes. All words are escaped."""

from collections.abc import Sequence
from datetime import datetime, tzinfo
from html import escape

from bot.conversation.memory_text import span_times
from bot.conversation.query import strip_framing
from bot.inspector.answer_reader import AnswerDetail, RecalledTurn, notes_diff
from bot.pricing import Amount
from storage.memories import NotesVersion
from storage.records import Role

SIGNS = {
    "+": ' class="d-new"><span role="img" aria-label="new">+',
    "-": ' class="d-gone"><span role="img" aria-label="gone">-',
    " ": "><span>",
}
"""How a line of compared notes begins."""
WORDS = 220
"""The characters shown of a recalled turn."""


def local_time(at: float, zone: tzinfo) -> str:
    """A time in the bot's zone."""
    return f"{datetime.fromtimestamp(at, zone):%Y-%m-%d %H:%M}"


def heading_html(detail: AnswerDetail, zone: tzinfo) -> str:
    """The question and the time, as a title."""
    words = " ".join(strip_framing(detail.line.question).split()) or "The question is gone"
    time = f'<time class="time">{local_time(detail.line.at, zone)}</time>'
    return f'<h2 dir="auto">{escape(words)}</h2>{time}'


def figures_html(detail: AnswerDetail) -> str:
    """Tokens, price and times."""
    line, sent = detail.line, detail.basis.sent
    used = line.own or line.all
    cells = [
        ("Input", f"{used.input:,}", "" if line.own else "estimated"),
        ("from the cache", f"{used.cached:,}", f"{used.cached / used.input:.0%}" if used.input else ""),
        ("Output", f"{used.output:,}", ""),
    ]
    more = line.all.input - used.input, line.all.output - used.output
    if any(more):
        cells.append(("Further requests", f"{more[0]:,} + {more[1]:,}", "tools and failed attempts"))
    if line.price is not None and line.currency is not None:
        cells.append(("Price", Amount(line.price, line.currency).exact, ""))
    if sent is not None:
        first = f"first words after {sent.first_s:.1f} s" if sent.first_s is not None else ""
        cells.append(("Time", f"{sent.total_s:.1f} s", first))
    cells.append(("Model", line.model, ""))
    made = "".join(
        f"<div><dt>{name}</dt><dd>{escape(value)}<small>{note}</small></dd></div>" for name, value, note in cells
    )
    numbers = f'data-input="{used.input}" data-cached="{used.cached}" data-output="{used.output}"'
    return f'<dl class="figures" data-testid="tokens" {numbers} data-price="{line.price or ""}">{made}</dl>'


def window_html(detail: AnswerDetail) -> str:
    """The window as a bar, with the thresholds that a compaction goes by."""
    sent = detail.basis.sent
    if sent is None:
        return '<p class="hint">The thresholds were not recorded for this answer.</p>'
    size = f"About {sent.tokens:,} tokens in {detail.basis.turns:,} turns."
    if sent.low is None or sent.high is None:
        return f'<p class="below">{size} Nothing is compacted in this chat. The model reads {sent.room:,}.</p>'
    most = 1.08 * max(sent.tokens, sent.high)
    fill, low, high = (100 * number / most for number in (sent.tokens, sent.low, sent.high))
    since = " A compaction ran since the answer before." if detail.compacted else ""
    text = (
        f"{size} A compaction is due at {sent.high:,}, and leaves about {sent.low:,}."
        f" The model reads {sent.room:,}.{since}"
    )
    mark = '<span class="chip">▼ compacted</span> ' if detail.compacted else ""
    return (
        f'<div class="window" data-testid="window-bar" role="img" aria-label="{escape(text)}"'
        f' data-tokens="{sent.tokens}" data-low="{sent.low}" data-high="{sent.high}">'
        f'<i style="width:{fill:.1f}%"></i><b class="low" style="left:{low:.1f}%"><span>low</span></b>'
        f'<b class="high" style="left:{high:.1f}%"><span>high</span></b></div><p class="below">{mark}{text}</p>'
    )


def recall_html(found: Sequence[RecalledTurn], zone: tzinfo) -> str:
    """What was found among older turns: its ranks, and whether it was shown."""
    if not found:
        return '<p class="hint" data-testid="recall">Nothing was recalled from earlier.</p>'
    rows = "".join(_found_row(one, zone) for one in found)
    heads = "".join(
        f'<th scope="col">{name}</th>' for name in ("found", "by words", "by meaning", "together", "what was said")
    )
    table = f'<table data-testid="recall"><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>'
    return f'<div class="lines" tabindex="0" role="region" aria-label="Recalled">{table}</div>'


def notes_html(notes: NotesVersion | None, before: NotesVersion | None, zone: tzinfo) -> str:
    """The notes in the prompt, and how they differ from the version before."""
    if notes is None:
        return '<p class="hint" data-testid="notes">There were no notes in this prompt.</p>'
    spans = "; ".join(f"{since} to {until}" for since, until in span_times(notes.covers, zone))
    made = f"Made {local_time(notes.made_at, zone)}, about {notes.tokens:,} tokens."
    title = f"{made} They cover {spans}." if spans else made
    compared = notes_diff(before.text if before else notes.text, notes.text)
    lines = "".join(f"<li{SIGNS[sign]}</span>{escape(line)}</li>" for sign, line in compared)
    against = f"Compared with those of {local_time(before.made_at, zone)}:" if before else "The first version."
    return (
        f'<div data-testid="notes"><p class="below">{title} {against}</p><ul class="diff" dir="auto">{lines}</ul></div>'
    )


def _found_row(one: RecalledTurn, zone: tzinfo) -> str:
    found = one.found
    if not found.shown:
        shown, name = "left out", "left"
    elif not found.searched:
        shown, name = "edited since", "edited"
    else:
        shown, name = ("looked up by the model" if found.looked_up else "shown"), "shown"
    if found.shown and found.searched and found.overall_rank is None:
        shown = "shown with its neighbour"
    ranks = "".join(
        f"<td>{'-' if rank is None else rank}</td>"
        for rank in (found.words_rank, found.meaning_rank, found.overall_rank)
    )
    words = " ".join(strip_framing(one.turn.content).split())
    speaker = one.turn.speaker or ("the bot" if one.turn.role is Role.ASSISTANT else "somebody")
    cut = f"{words[:WORDS]}…" if len(words) > WORDS else words
    return (
        f'<tr class="h-{name}"><td><span class="chip">{shown}</span></td>{ranks}<td dir="auto"><small>'
        f"{local_time(one.turn.at, zone)} · {escape(speaker)}</small><br>{escape(cut)}</td></tr>"
    )


def answer_html(text: str) -> str:
    """What the model answered."""
    words = f'<div class="words" dir="auto">{escape(text)}</div>'
    return f'<div class="piece c-answer" data-testid="answer-text">{words}</div>'
