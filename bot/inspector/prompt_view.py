"""The messages array as HTML: a strip of the whole prompt, and each message in its colours. All words are escaped."""

from collections.abc import Iterator
from html import escape
from itertools import groupby

from bot.conversation.past_prompt import Fidelity
from bot.conversation.prompt import PieceKind
from bot.inspector.cached_share import CacheState, ShownMessage, ShownPiece, ShownPrompt
from storage.records import MediaKind, Medium, Usage

FIDELITY = {
    Fidelity.EXACT: ("✓ exactly as sent", "The digest stored with the answer is that of these messages."),
    Fidelity.CHANGED: (
        "rebuilt: edited or forgotten since",
        "Something that this prompt may have contained was edited or forgotten. What is gone is not shown.",
    ),
    Fidelity.OTHER: (
        "rebuilt: differs from what was sent",
        "A setting, a message that the model refused, or the version of Keepsake differs from then.",
    ),
    Fidelity.UNKNOWN: (
        "rebuilt: not recorded",
        "The answer is older than the record that says how its prompt was built.",
    ),
}
LEGEND = (
    ("cached", "read from the provider's cache"),
    ("new", "read for the first time"),
    ("notes", "the bot's notes on what left the window"),
    ("recalled", "found by searching, or edited since; only in this request"),
    ("unknown", "the server reported no usage"),
)
OPEN_AT_END = 1
"""How many of the last messages are unfolded, whatever came from the cache."""


def colour(piece: ShownPiece) -> str:
    """The name of a piece's colour in the legend."""
    if piece.kind in (PieceKind.RECALLED, PieceKind.EDITED):
        return "recalled"
    if piece.kind is PieceKind.NOTES:
        return "notes"
    return {CacheState.NEW: "new", CacheState.UNKNOWN: "unknown"}.get(piece.state, "cached")


def legend_html() -> str:
    """What the colours mean."""
    items = "".join(f'<li><span class="swatch c-{name}"></span><b>{name}</b> {text}</li>' for name, text in LEGEND)
    return f'<ul class="legend" data-testid="legend" aria-label="Colours">{items}</ul>'


def fidelity_html(fidelity: Fidelity) -> str:
    """Whether these are the messages that were sent."""
    short, long = FIDELITY[fidelity]
    return f'<span class="badge f-{fidelity}" data-testid="fidelity" title="{escape(long)}">{escape(short)}</span>'


def strip_html(shown: ShownPrompt, own: Usage | None) -> str:
    """The whole prompt as one bar, and below it how much of it was cached."""
    total = shown.tokens or 1.0
    parts = [("cached" if own and own.cached else "new", "tools", shown.tools)] if shown.tools else []
    for (name, kind), some in groupby(shown.pieces, key=lambda piece: (colour(piece), piece.kind)):
        parts.append((name, kind, sum(piece.tokens for piece in some)))
    bars = "".join(
        f'<span class="c-{name}" style="flex-grow:{max(tokens, total / 250):.1f}"'
        f' title="{kind}: about {tokens:,.0f} tokens"></span>'
        for name, kind, tokens in parts
    )
    if own is None:
        below = "The server reported no usage, so what was cached is not known."
        share = 0.0
    else:
        share = own.cached / own.input if own.input else 0.0
        below = f"{own.cached:,} of {own.input:,} tokens came from the cache ({share:.0%})"
    label = f"The prompt: about {total:,.0f} tokens. {below}"
    return (
        f'<div class="strip" role="img" aria-label="{escape(label)}"><div class="bars">{bars}</div>'
        f'<div class="reach"><i style="width:{100 * share:.1f}%"></i></div></div><p class="below">{below}</p>'
    )


def array_html(shown: ShownPrompt) -> str:
    """All messages; turns that came from the cache are folded."""
    last = len(shown.messages)
    made = [_message(message, at, folded=at < last - OPEN_AT_END) for at, message in enumerate(shown.messages)]
    return f'<div class="array" data-testid="prompt">{"".join(made)}</div>'


def _message(message: ShownMessage, at: int, *, folded: bool) -> str:
    colours = {colour(piece) for piece in message.pieces}
    opened = "" if folded and at and colours <= {"cached", "unknown"} else " open"
    edge = colour(message.pieces[0]) if message.pieces else "unknown"
    first = next((line for piece in reversed(message.pieces) for line in piece.text.splitlines() if line.strip()), "")
    return (
        f'<details class="message c-{edge}" data-testid="prompt-message-{at}"{opened}>'
        f'<summary><b class="role">{escape(message.role)}</b>'
        f'<span class="first" dir="auto">{escape(first[:160])}</span>'
        f'<span class="count">{message.tokens:,.0f}</span></summary>{"".join(_pieces(message))}</details>'
    )


def _pieces(message: ShownMessage) -> Iterator[str]:
    for piece in message.pieces:
        kind = message.role if piece.kind is PieceKind.TURN else piece.kind
        chip = f"{kind} · {piece.state}" if kind != piece.state else kind
        media = "".join(map(_medium, piece.media))
        yield (
            f'<div class="piece c-{colour(piece)}" data-testid="piece-{piece.kind}" data-state="{piece.state}">'
            f'<span class="chip" title="about {piece.tokens:,.0f} tokens">{chip}</span>{media}'
            f'<div class="words" dir="auto">{escape(piece.text.strip(chr(10)))}</div></div>'
        )


def _medium(medium: Medium) -> str:
    address = f"media/{escape(medium.hash)}"
    if medium.kind is MediaKind.IMAGE:
        return f'<img src="{address}" alt="The picture that was sent" loading="lazy">'
    return f'<audio controls src="{address}" aria-label="The sound that was sent"></audio>'
