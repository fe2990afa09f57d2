"""A turn as it is shown to the model again: word for word when it is short, else the part that was asked for."""

import re
from collections.abc import Sequence

from bot.conversation.asking import spoken as said
from bot.conversation.tokens import MESSAGE_TOKENS, TokenCounter
from storage.records import Spoken

WHOLE_TOKENS = 200
"""A turn up to this length is shown whole."""
PART_TOKENS = 150
"""About so much of a longer one is shown."""
_PIECE = re.compile(r"\s*\S.*?(?:[.!?。\uff01\uff1f…](?=\s|$)|[。\uff01\uff1f]|\n|$)", re.DOTALL)
THE_BOT = "you"
"""How the bot's own lines are headed; it is the bot that reads them."""


def line(turn: Spoken, terms: Sequence[str], count_tokens: TokenCounter) -> str:
    """The turn as one entry: who speaks and what.

    Further lines are indented, whatever breaks them, and nobody is called as the bot is: so no words can pass for an
    entry of their own, nor for the bot's.
    """
    words = said(turn.content)
    counted = turn.tokens or count_tokens(words)
    if counted > WHOLE_TOKENS + MESSAGE_TOKENS:
        words = _part(words, terms, count_tokens)
    speaker = turn.speaker or THE_BOT
    name = f"{speaker} (a person)" if turn.speaker and speaker.casefold() == THE_BOT else speaker
    return f"{name}: " + "\n  ".join(words.removeprefix(f"{speaker}: ").splitlines())


def _part(words: str, terms: Sequence[str], count_tokens: TokenCounter) -> str:
    pieces = _PIECE.findall(words.rstrip()) or [""]  # at blanks without an end each of them would be tried anew
    stems = [_root(term) for term in terms]
    scores = [sum(stem in piece.casefold() for stem in stems) for piece in pieces]
    first = last = max(range(len(pieces)), key=lambda at: (scores[at], -at))
    room = PART_TOKENS - count_tokens(pieces[first])
    while room > 0 and (first > 0 or last < len(pieces) - 1):
        forward = last < len(pieces) - 1
        first, last = (first, last + 1) if forward else (first - 1, last)
        room -= count_tokens(pieces[last if forward else first])
    shown = "".join(pieces[first : last + 1]).strip()
    if count_tokens(shown) > 2 * PART_TOKENS:  # a single sentence without an end
        shown = _around(shown, stems)
    before, after = "… " if first > 0 else "", " …" if last < len(pieces) - 1 or len(shown) < len(words) else ""
    return before + shown + after


def _around(text: str, stems: Sequence[str], reach: int = 250) -> str:
    found = re.search("|".join(map(re.escape, stems)) or "$", text, re.IGNORECASE)
    start = max(0, (found.start() if found else 0) - reach)
    return text[start : start + 2 * reach]


def _root(term: str) -> str:
    """A term without its inflection, roughly: the index stems better, and has chosen this turn already."""
    return term[: max(4, len(term) - 2)]
