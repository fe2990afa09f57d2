"""Formatting strangers' texts and Telegram's values for use inside the bot's own descriptions.

Texts that strangers wrote (names, titles, options) become data: one line, of limited length, and without brackets or
quotation marks that could end those of the description.
"""

import re
import unicodedata
from collections.abc import Iterable
from datetime import timedelta
from itertools import islice

from bot.conversation.spoofing import is_closing, is_opening

LONGEST = 100
"""The most characters of a name or a title."""
MOST_ITEMS = 12
"""The most options of a poll or tasks of a list; the others are only counted."""
_DELIMITERS = re.compile('[\\[\\]"\uff3b\uff3d\uff02\u27e6\u27e7\u301a\u301b\u2772\u2773\u2045\u2046]')
"""The characters that delimit descriptions, and similar ones."""
_TITLES = "\u3008\u3009\u300a\u300b"
_NO_SMALL_UNIT = frozenset(
    ("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF", "XPF")
)
"""Currencies without a smaller unit (ISO 4217); the others have hundredths."""


def clean(text: str | None) -> str:
    """A stranger's text as data, see above."""
    line = " ".join("".join(map(_unframed, _DELIMITERS.sub(" ", visible(text or "")))).split())
    return line if len(line) <= LONGEST else line[:LONGEST].rstrip() + "…"


def _unframed(char: str) -> str:
    """A character, with brackets replaced by parentheses, except those around book titles."""
    if char in _TITLES or not (is_opening(char) or is_closing(char)):
        return char
    return "(" if is_opening(char) else ")"


def visible(text: str) -> str:
    """A text with spaces in place of line breaks, directional marks and invisible characters."""
    return "".join(" " if unicodedata.category(char)[0] in "CZ" else char for char in text)


def named(name: str | None, before: str) -> str:
    """A name, preceded by `before`; empty if there is no name."""
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
    """The size of a file, preceded by a comma; empty if it is unknown."""
    if not number:
        return ""
    return f", {number / 1_048_576:.1f} MB" if number >= 104_858 else f", {max(1, round(number / 1024))} KB"


def count(number: int, noun: str) -> str:
    """A number with its noun in singular or plural."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def amount(smallest_units: int, currency: str) -> str:
    """An amount of money."""
    if currency == "XTR":
        return count(smallest_units, "star")
    if currency in _NO_SMALL_UNIT:
        return f"{smallest_units} {clean(currency)}"
    return f"{smallest_units / 100:.2f} {clean(currency)}"
