"""Telegram's text formats: text with entities in UTF-16 units, and the checks of rich messages.

Rich Markdown is only measured, not parsed; blocks are counted, not built.
"""

import re
from collections.abc import Iterator, Sequence
from html.parser import HTMLParser
from typing import cast

from sandbox.botapi.wire import Json, bad_request

MAX_UNITS = 4096
_ENTITY_TYPES = (
    "mention hashtag cashtag bot_command url email phone_number bold italic underline strikethrough spoiler "
    "blockquote expandable_blockquote code pre text_link text_mention custom_emoji date_time"
)
ENTITY_TYPES = frozenset(_ENTITY_TYPES.split())
NEEDED = {"text_link": "url", "text_mention": "user", "custom_emoji": "custom_emoji_id", "date_time": "unix_time"}
"""The field that an entity of this type needs."""
DETECTED = {
    "bot_command": re.compile(r"(?<![\w/@.<>])/[A-Za-z0-9_]{1,64}(?:@[A-Za-z0-9_]{3,32})?(?![\w/<>])"),
    "url": re.compile(r"https?://[^\s<>\"]*[^\s<>\".,;:!?')\]]"),
    "mention": re.compile(r"(?<![\w@/])@[A-Za-z][A-Za-z0-9_]{3,31}\b"),
}
MAX_CHARACTERS = 32_768
MAX_BLOCKS = 500
MAX_DEPTH = 16
MAX_COLUMNS = 20
_BLOCKS = (
    "h1 h2 h3 h4 h5 h6 p pre footer hr ul ol li blockquote aside table tr details img video audio figure "
    "tg-math-block tg-map tg-collage tg-slideshow tg-thinking"
)
_INLINE = (
    "a b strong i em u ins s strike del code sub sup mark br input cite caption figcaption summary thead tbody tfoot "
    "td th tg-spoiler tg-emoji tg-math tg-reference tg-time"
)
BLOCKS = frozenset(_BLOCKS.split())
VOID = frozenset({"br", "hr", "img", "input"})
WORDLESS = frozenset({"hr", "img", "video", "audio", "tg-map"})
"""Blocks that show something without text."""
TAGS = BLOCKS | frozenset(_INLINE.split())


def units(text: str) -> int:
    """The length as Telegram counts it."""
    return len(text.encode("utf-16-le")) // 2


def check_text(text: str) -> str:
    """The text as it will be shown, without trailing whitespace; refused if empty or too long."""
    shown = text.rstrip()
    if not shown:
        raise bad_request("message text is empty")
    if units(shown) > MAX_UNITS:
        raise bad_request("message is too long")
    return shown


def entities(text: str, given: Sequence[Json]) -> list[Json]:
    """The given entities, checked, and those that Telegram detects in between."""
    encoded = text.encode("utf-16-le")
    explicit = [clipped for entity in given if (clipped := _clip(entity, encoded))]
    taken = [_span(entity) for entity in explicit]
    found = [entity for entity in detect_entities(text) if not any(_overlap(_span(entity), span) for span in taken)]
    return sorted(explicit + found, key=lambda entity: (_span(entity)[0], -_span(entity)[1]))


def detect_entities(text: str) -> list[Json]:
    """Commands, URLs and mentions in a text."""
    found: list[Json] = []
    for kind, pattern in DETECTED.items():
        for match in pattern.finditer(text):
            entity: Json = {"type": kind, "offset": units(text[: match.start()]), "length": units(match[0])}
            if not any(_overlap(_span(entity), _span(other)) for other in found):
                found.append(entity)
    return sorted(found, key=lambda entity: _span(entity)[0])


def split_message(text: str) -> Iterator[str]:
    """A long text as Telegram's apps send it: several messages, split at a line or word if possible."""
    rest = text
    while units(rest) > MAX_UNITS:
        head = rest.encode("utf-16-le")[: 2 * MAX_UNITS].decode("utf-16-le", "ignore")
        cut = max(head.rfind("\n"), head.rfind(" ")) + 1 or len(head)
        yield rest[:cut].rstrip()
        rest = rest[cut:]
    yield rest


def _clip(entity: Json, encoded: bytes) -> Json | None:
    """The entity clipped to the shown text; None if it covered only trailing whitespace."""
    kind = str(entity["type"])
    if kind not in ENTITY_TYPES:
        raise bad_request(f'unsupported entity type "{kind}"')
    if kind in NEEDED and NEEDED[kind] not in entity:
        raise bad_request(f'field "{NEEDED[kind]}" is missing in entity of type {kind}')
    start, end = _span(entity)
    if start < 0 or end <= start:
        raise bad_request(f"entity has invalid offset {start} or length {end - start}")
    size = len(encoded) // 2
    if any(_inside_pair(encoded, position) for position in (start, end)):
        raise bad_request("entity begins or ends in a middle of a UTF-16 symbol")
    return entity | {"length": min(end, size) - start} if start < size else None


def check_range(text: str, given: Sequence[Json]) -> None:
    """Refuse entities beyond the end of the text as sent."""
    size = units(text)
    for entity in given:
        if _span(entity)[1] > size:
            raise bad_request(f"entity ends after the end of the text at offset {size}")


def _inside_pair(encoded: bytes, position: int) -> bool:
    low = encoded[2 * position : 2 * position + 2]
    return bool(low) and 0xDC00 <= int.from_bytes(low, "little") <= 0xDFFF


def _span(entity: Json) -> tuple[int, int]:
    offset, length = entity["offset"], entity["length"]
    assert isinstance(offset, int)
    assert isinstance(length, int)
    return offset, offset + length


def _overlap(one: tuple[int, int], other: tuple[int, int]) -> bool:
    return one[0] < other[1] and other[0] < one[1]


def rich_text(source: Json, draft: bool = False) -> str:
    """Check an InputRichMessage; returns its plain text. Only a draft may be empty or "thinking"."""
    if sum(name in source for name in ("html", "markdown", "blocks")) != 1:
        raise bad_request("exactly one of html, markdown and blocks must be specified in rich_message")
    text, wordless = str(source.get("markdown", "")), False
    if "blocks" in source:
        text = "\n".join("".join(_block_texts(block)) for block in cast("list[object]", source["blocks"]))
    if "html" in source:
        text, wordless = _read_html(str(source["html"]), draft)
    if not (text.strip() or wordless or draft):
        raise bad_request("message text is empty")
    if len(text) > MAX_CHARACTERS:
        raise bad_request("message is too long")
    return text


def _block_texts(held: object) -> Iterator[str]:
    """The texts in blocks, whatever their types."""
    if isinstance(held, str):
        yield held
    for one in held if isinstance(held, list) else ():
        yield from _block_texts(one)
    if isinstance(held, dict):
        for name in ("text", "summary", "blocks", "items", "cells"):
            yield from _block_texts(held.get(name))


def _read_html(html: str, draft: bool) -> tuple[str, bool]:
    """The text, and whether there is something to see besides."""
    reader = _Reader(draft)
    reader.feed(html)
    reader.close()
    if reader.open_tags:
        raise unparsable(f'can\'t find end tag corresponding to start tag "{reader.open_tags[-1]}"')
    if reader.blocks > MAX_BLOCKS:
        raise bad_request(f"rich message has too many blocks: {reader.blocks}")
    return "".join(reader.text).strip(), reader.wordless


def unparsable(reason: str) -> Exception:
    """A refusal of a malformed source."""
    return bad_request(f"can't parse rich message: {reason}")


class _Reader(HTMLParser):
    """Knows the supported tags, checks their nesting, counts blocks and collects the text."""

    def __init__(self, draft: bool) -> None:
        super().__init__(convert_charrefs=True)
        self.open_tags: list[str] = []
        self.blocks = 0
        self.wordless = False
        self.text: list[str] = []
        self._draft = draft
        self._columns = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002 - the parser's own
        if tag not in TAGS:
            raise unparsable(f'unsupported start tag "{tag}"')
        if tag == "tg-thinking" and not self._draft:
            raise unparsable('tag "tg-thinking" is allowed in drafts only')
        if tag not in VOID:
            self.open_tags.append(tag)
        if len(self.open_tags) > MAX_DEPTH:
            raise unparsable(f"more than {MAX_DEPTH} levels of nesting")
        self.wordless |= tag in WORDLESS
        if tag in BLOCKS:
            self.blocks += 1
            self._columns = 0
        if tag in ("td", "th"):
            self._columns += 1
            if self._columns > MAX_COLUMNS:
                raise unparsable(f"more than {MAX_COLUMNS} columns in a table")
        if tag in BLOCKS or tag == "br":
            self._break()

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open_tags or self.open_tags[-1] != tag:
            raise unparsable(f'unexpected end tag "{tag}"')
        self.open_tags.pop()
        if tag in BLOCKS or tag == "summary":
            self._break()

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    def _break(self) -> None:
        if self.text and self.text[-1] != "\n":
            self.text.append("\n")
