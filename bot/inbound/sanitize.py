"""Strangers' words and Telegram's figures in the form in which they stand inside a text of ours.

Whatever strangers wrote (names, titles, options) is data there: one line, bounded, and without brackets or quotation
marks that could end what is ours.
"""

import re
import unicodedata
from collections.abc import Iterable
from datetime import timedelta
from itertools import islice

from bot.conversation.spoofing import is_closing, is_opening

LONGEST = 100
"""Characters of a name or a title."""
MOST_ITEMS = 12
"""Options of a poll, tasks of a list; the rest is counted."""
_OURS = re.compile('[\\[\\]"\uff3b\uff3d\uff02\u27e6\u27e7\u301a\u301b\u2772\u2773\u2045\u2046]')
"""What frames our texts, and what looks like it."""
_TITLES = "\u3008\u3009\u300a\u300b"
_NO_SMALL_UNIT = frozenset(
    ("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF", "XPF")
)
"""Currencies whose smallest unit is the whole one (ISO 4217); of the others it is a hundredth."""


def clean(text: str | None) -> str:
    """A stranger's text as data."""
    line = " ".join("".join(map(_unframed, _OURS.sub(" ", visible(text or "")))).split())
    return line if len(line) <= LONGEST else line[:LONGEST].rstrip() + "…"


def _unframed(char: str) -> str:
    """A sign, without the look of our brackets; titles of books have brackets of their own."""
    if char in _TITLES or not (is_opening(char) or is_closing(char)):
        return char
    return "(" if is_opening(char) else ")"


def visible(text: str) -> str:
    """A text with blanks for whatever breaks a line, turns the direction of writing, or is not seen at all."""
    return "".join(" " if unicodedata.category(char)[0] in "CZ" else char for char in text)


def named(name: str | None, before: str) -> str:
    """A name behind what introduces it; nothing for no name."""
    return f"{before}{shown}" if (shown := clean(name)) else ""


def listed(texts: Iterable[str], separator: str = "; ") -> str:
    """The first items of a list, and how many more there are."""
    items = iter(texts)
    first = list(islice(items, MOST_ITEMS))
    more = sum(1 for _ in items)
    return separator.join([*first, f"and {more} more"] if more else first)


def duration(value: int | timedelta | None) -> str:
    """Hours, minutes and seconds; python-telegram-bot gives a duration as one type or the other."""
    seconds = int(value.total_seconds()) if isinstance(value, timedelta) else int(value or 0)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def size(number: int | None) -> str:
    """The size of a file, behind what it belongs to."""
    if not number:
        return ""
    return f", {number / 1_048_576:.1f} MB" if number >= 104_858 else f", {max(1, round(number / 1024))} KB"


def count(number: int, noun: str) -> str:
    """So many of something."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def amount(smallest_units: int, currency: str) -> str:
    """A sum of money."""
    if currency == "XTR":
        return count(smallest_units, "star")
    if currency in _NO_SMALL_UNIT:
        return f"{smallest_units} {clean(currency)}"
    return f"{smallest_units / 100:.2f} {clean(currency)}"
