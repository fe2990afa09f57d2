"""Whether a conversion dropped anything.

Every letter, digit and symbol of the markdown must stand in the content; markup is ASCII punctuation, and is not
counted. Letters are compared, not words, since a word that is half bold or half link is still one word to the reader.
"""

import html
import re
import string
from collections import Counter

from bot.outbound.content import Content, Rich

_UNSHOWN = re.compile(
    r"^[ \t>]*(?:(?:[-*+]|\d{1,9}[.)])[ \t]+)+(?:\[[ xX]\])?"  # the converter numbers lists and draws boxes itself
    r"|(?<=```|~~~)([ \t]*[^\s`,]*)[^\n`]+$",  # of a fence's info only the language means something
    re.MULTILINE,
)
_ATTRIBUTE = re.compile(r"""<[^>]*?\s(?:href|class|src)="([^"]*)"[^>]*>""")
_TAG = re.compile(r"<[^>]*>")
_MARKUP = frozenset(string.punctuation + string.whitespace)


def keeps_everything(markdown: str, content: Content) -> bool:
    """Whether all that the markdown says is in the content."""
    told = _UNSHOWN.sub(lambda found: found[1] or "", markdown)
    shown = _shown(content)
    return bool(shown.strip()) and not _letters(told) - _letters(shown)


def _shown(content: Content) -> str:
    """What the reader sees, and the addresses behind it."""
    if isinstance(content, Rich):
        return html.unescape(_TAG.sub(" ", _ATTRIBUTE.sub(r" \1 ", content.html)))
    behind = (one.url if one.url not in content.text else "" for one in content.entities if one.url)
    return " ".join((content.text, *behind, *(one.language for one in content.entities if one.language)))


def _letters(text: str) -> Counter[str]:
    return Counter(character for character in html.unescape(text) if character not in _MARKUP)
