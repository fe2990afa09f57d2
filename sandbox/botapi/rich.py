"""Rich messages: what Telegram reads of their HTML, and what it refuses.

Markdown is measured only, not parsed. Blocks are counted, not built.
"""

from collections.abc import Iterator
from html.parser import HTMLParser
from typing import cast

from sandbox.botapi.errors import bad_request
from sandbox.botapi.wire import Json

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
"""Blocks that show something without a word in them."""

TAGS = BLOCKS | frozenset(_INLINE.split())


def words(source: Json, draft: bool = False) -> str:
    """Check an InputRichMessage; returns its words without formatting. Only a draft may be empty or thinking."""
    if sum(name in source for name in ("html", "markdown", "blocks")) != 1:
        raise bad_request("exactly one of html, markdown and blocks must be specified in rich_message")
    text, wordless = str(source.get("markdown", "")), False
    if "blocks" in source:
        text = "\n".join("".join(_said(block)) for block in cast("list[object]", source["blocks"]))
    if "html" in source:
        text, wordless = _read_html(str(source["html"]), draft)
    if not (text.strip() or wordless or draft):
        raise bad_request("message text is empty")
    if len(text) > MAX_CHARACTERS:
        raise bad_request("message is too long")
    return text


def _said(held: object) -> Iterator[str]:
    """The words in blocks, whose kinds are not told apart."""
    if isinstance(held, str):
        yield held
    for one in held if isinstance(held, list) else ():
        yield from _said(one)
    if isinstance(held, dict):
        for name in ("text", "summary", "blocks", "items", "cells"):
            yield from _said(held.get(name))


def _read_html(html: str, draft: bool) -> tuple[str, bool]:
    """The words, and whether there is something to see besides."""
    reader = _Reader(draft)
    reader.feed(html)
    reader.close()
    if reader.open_tags:
        raise unparsable(f'can\'t find end tag corresponding to start tag "{reader.open_tags[-1]}"')
    if reader.blocks > MAX_BLOCKS:
        raise bad_request(f"rich message has too many blocks: {reader.blocks}")
    return "".join(reader.text).strip(), reader.wordless


def unparsable(reason: str) -> Exception:
    """The source is not what it should be."""
    return bad_request(f"can't parse rich message: {reason}")


class _Reader(HTMLParser):
    """Knows the supported tags, holds them to balance, counts blocks and gathers the words."""

    def __init__(self, draft: bool) -> None:
        super().__init__(convert_charrefs=True)
        self.open_tags: list[str] = []
        self.blocks = 0
        self.wordless = False
        self.text: list[str] = []
        self._draft = draft
        self._columns = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002 - the parser's own
        """Open a tag."""
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
        """A tag that closes itself."""
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        """Close the tag that was opened last."""
        if not self.open_tags or self.open_tags[-1] != tag:
            raise unparsable(f'unexpected end tag "{tag}"')
        self.open_tags.pop()
        if tag in BLOCKS or tag == "summary":
            self._break()

    def handle_data(self, data: str) -> None:
        """Gather words."""
        self.text.append(data)

    def _break(self) -> None:
        if self.text and self.text[-1] != "\n":
            self.text.append("\n")
