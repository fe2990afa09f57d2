"""Whether a conversion dropped anything.

Every letter, digit and symbol of the markdown must stand in the content; markup is ASCII punctuation, and is not
counted. Letters are compared, not words, since a word that is half bold or half link is still one word to the reader.
"""

import html
import re
import string
from collections import Counter

from telegram import MessageEntity

from bot.outbound.content import Content, Rich

# What a conversion may leave out: a list's own numbers and boxes, an address that is its own text, and of the words
# behind a fence all but the language.
_LIST_MARKERS = re.compile(r"^[ \t>]*(?:(?:[-*+]|\d{1,9}[.)])[ \t]+)+(?:\[[ xX]\])?", re.MULTILINE)
_SAME_ADDRESS = re.compile(r"\[([^\]\s]+)\]\(\1\)")
_FENCE_WORDS = re.compile(r"^([ \t>]*(?:`{3,}|~{3,})[ \t]*[^\s`,]*)[^\n`]+$", re.MULTILINE)
_ATTRIBUTE = re.compile(r"""<[^>]*?\s(?:href|class|src)="([^"]*)"[^>]*>""")
_BARE_LINK = re.compile(r'<a href="([^"]*)">\1</a>')
_TAG = re.compile(r"<[^>]*>")
_MARKUP = frozenset(string.punctuation + string.whitespace)


def keeps_everything(markdown: str, content: Content) -> bool:
    """Whether all that the markdown says is in the content."""
    told = _FENCE_WORDS.sub(r"\1", _SAME_ADDRESS.sub(r"\1", _LIST_MARKERS.sub("", markdown)))
    shown = _shown(content)
    return bool(shown.strip()) and not _letters(told) - _letters(shown)


def _shown(content: Content) -> str:
    """What the reader sees, and the addresses behind it."""
    if isinstance(content, Rich):
        return html.unescape(_TAG.sub(" ", _ATTRIBUTE.sub(r" \1 ", _BARE_LINK.sub(r"\1", content.html))))
    units = content.text.encode("utf-16-le")
    behind = (
        _behind(one, units[2 * one.offset : 2 * (one.offset + one.length)].decode("utf-16-le"))
        for one in content.entities
    )
    return " ".join((content.text, *behind))


def _behind(entity: MessageEntity, text: str) -> str:
    """What an entity says beyond its text; an address that is its own text is told once."""
    address = entity.url if entity.url != text else None
    return address or entity.language or ""


def _letters(text: str) -> Counter[str]:
    return Counter(character for character in html.unescape(text) if character not in _MARKUP)
