"""A check that a conversion dropped nothing.

Every letter, digit and symbol of the Markdown must be in the content. Of ASCII punctuation, those characters count that
carry meaning where they can't be markup: a price without its dollar is another text. Letters are compared rather than
words, because a word that is half bold or half link is still one word to the reader.
"""

import html
import re
import string
from collections import Counter
from collections.abc import Iterator

from telegram import MessageEntity
from telegramify_markdown.rich import RICH_OPTIONS

from bot.outbound.blocks import TooDenseError, events
from bot.outbound.breaks import MARK, mark_breaks
from bot.outbound.content import Content, Rich
from bot.outbound.markdown import formula_dollars
from bot.outbound.numbering import OrderedList, ordered_lists, shown_numbers

# What a conversion may drop, line by line: bullets and checkboxes of a list, heading marks, an address that is its own
# text, and everything after a fence except the language.
_BULLETS = re.compile(r"^[ \t>]*(?:[-*+](?:[ \t]+|$))*(?:\[[ xX]\](?=[ \t]|$))?(?:#{1,6}(?=[ \t]|$))?")
_CLOSING_SIGNS = re.compile(r"[ \t]#+[ \t]*$")
_UNDERLINE = re.compile(r"[ \t>]*=+[ \t]*")
_SAME_ADDRESS = re.compile(r"\[([^\[\]\s]+)\]\(\1\)")
_FENCE = re.compile(r"(?:`{3,}|~{3,})[ \t]*(?:math(?=[ \t]*$))?([^\s`,]*)")
_SINGLE = re.compile(r"\\([\s\S])|(?<!~)~(?!~)|(?<!\|)\|(?!\|)")
_INSIDE = re.compile(r"(?<=[A-Za-z0-9])_(?=[A-Za-z0-9])|(?<=[0-9])[*.,:](?=[0-9])|(?<!-)-(?=[0-9])")
"""Characters inside a name, a product or a number, which are never markup."""
_ATTRIBUTE = re.compile(r"""<(?>[^<>]*?\s(?:href|class|src)=")([^"<]*+)"[^<>]*+>""")
_BARE_LINK = re.compile(r'<a href="([^"]*)">\1</a>')
_TAG = re.compile(r"<[^<>]*+>")
_CONTENT = frozenset("$%+=#@&/^")
"""Characters that always count; of `~`, `|` and the backslash only those that can't be markup."""
_SINGLES = frozenset("~|\\")
_MARKUP = frozenset(string.punctuation + string.whitespace) - _CONTENT


def keeps_everything(markdown: str, content: Content) -> bool:
    """Whether the content contains everything that the Markdown says."""
    shown = _visible(content)
    try:
        expected = _expected(mark_breaks(markdown).replace(MARK, " "))
    except TooDenseError:
        return False
    return bool(shown.strip()) and not expected - _count(shown, _MARKUP - _SINGLES) - _inside(shown)


def _expected(markdown: str) -> Counter[str]:
    lists = ordered_lists(markdown)
    numbers = "".join(str(number) for ordered in lists for number in ordered.numbers)
    lines = _with_bullets(markdown, lists).split("\n")
    text = _SAME_ADDRESS.sub(r"\1", "\n".join(map(_line, lines)))
    counted = _count(text, _MARKUP)
    counted["$"] -= formula_dollars(markdown)
    return +counted + Counter(numbers) + _singles(markdown) + _inside(text)


def _inside(text: str) -> Counter[str]:
    return Counter(f"inside {sign}" for sign in _INSIDE.findall(html.unescape(text)))


def _line(line: str) -> str:
    """A line without what a conversion may drop."""
    if _UNDERLINE.fullmatch(line):
        return ""
    start = _BULLETS.match(line)
    line = _CLOSING_SIGNS.sub("", line[start.end() :] if start else line)
    fence = _FENCE.match(line)
    if fence is None or (
        line[0] == "`" and "`" in line[fence.end() :]
    ):  # a backtick later on the line means that it isn't a fence
        return line
    return fence[1]


def _with_bullets(markdown: str, lists: list[OrderedList]) -> str:
    """The Markdown without list numbers, which are counted as the reader should see them."""
    data, parts, done = markdown.encode(), list[bytes](), 0
    for start, end in sorted((item.start, item.end) for ordered in lists for item in ordered.items):
        parts += (data[done:start], b"-")
        done = end
    return b"".join((*parts, data[done:])).decode()


def _singles(markdown: str) -> Counter[str]:
    """Characters that are markup only in pairs, before punctuation or in a table, where they are none of these."""
    data, counted, done = markdown.encode(), Counter[str](), 0
    for start, end in (*_tables(markdown), (len(data), len(data))):
        for found in _SINGLE.finditer(data[done:start].decode()):
            if found[1] is None or found[1].isalnum():
                counted[found[0][0]] += 1
        done = end
    return counted


def _tables(markdown: str) -> Iterator[tuple[int, int]]:
    for event, start, end in events(markdown, RICH_OPTIONS):
        match event:
            case {"Start": {"Table": _}}:
                yield start, end


def _visible(content: Content) -> str:
    """What the reader sees, plus the addresses of links."""
    if isinstance(content, Rich):
        numbers = " ".join(map(str, shown_numbers(content.html)))
        seen = html.unescape(_TAG.sub(" ", _ATTRIBUTE.sub(r" \1 ", _BARE_LINK.sub(r"\1", content.html))))
        return f"{seen} {numbers}"
    units = content.text.encode("utf-16-le")
    hidden = (
        _hidden_text(entity, units[2 * entity.offset : 2 * (entity.offset + entity.length)].decode("utf-16-le"))
        for entity in content.entities
    )
    return " ".join((content.text, *hidden))


def _hidden_text(entity: MessageEntity, text: str) -> str:
    """What an entity says in addition to its text; an address that is its own text counts once."""
    address = entity.url if entity.url != text else None
    return address or entity.language or ""


def _count(text: str, without: frozenset[str]) -> Counter[str]:
    return Counter(character for character in html.unescape(text) if character not in without)
