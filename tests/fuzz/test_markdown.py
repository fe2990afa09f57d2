"""An answer of any signs arrives whole: every letter and digit, in order, in parts that fit."""

import html
import re
from collections import Counter
from collections.abc import Callable, Iterator

from hypothesis import given
from hypothesis import strategies as st

from bot.outbound.content import Content, Rich
from bot.outbound.formatting import TEXT_LIMIT, limit_share
from bot.outbound.splitting import Piece, pieces, plain_piece
from tests.fuzz.mutations import fuzzed

MARKS = (
    *("*", "**", "_", "__", "~~", "||", "`", "```\n", "```py\n", "~~~\n", "$", "$$", "\\(", "\\)", "\\[", "\\]"),
    *("# ", "> ", "- ", "+ ", "1. ", "1999. ", "- [ ] ", "| ", "|---|\n", "\n", "\n\n", "  ", "    ", "\t", "---\n"),
    *("[", "](", ")", "](https://e.org/a_b)", "<", ">", "<b>", "</b>", "<details>", "&amp;", "&lt", "![", "\\"),
    *("<!--", "-->", "===\n", "https://e.org/~u?x=1&y=_2", "a@b.c", "5$", "2*3", "\x00", "\u2028", "\u202e"),
    *("👩\u200d👧", "e\u0301", "你好", "مرحبا"),
)
WORDS = st.integers(1, 99999).map("w{}".format)
SOURCES = st.lists(st.sampled_from(MARKS) | WORDS, max_size=40).map("".join)
LONG = (
    st.tuples(SOURCES, st.integers(1, 300))
    .map(lambda drawn: drawn[0] * drawn[1])
    .filter(lambda text: len(text) < 15_000)
)
HIDDEN = re.compile(r"\d+\.|<br>|<[^<>]*>|&\w+;?")
"""What is counted in another form: numbers of lists, tags and entities."""


@fuzzed(100)
@given(SOURCES, st.booleans())
def test_words_arrive_in_parts_that_fit(source: str, rich: bool) -> None:
    words = re.findall(r"w\d+", HIDDEN.sub(" ", source))
    shown = Counter(re.findall(r"w\d+", " ".join(map(_shown, _parts(source, lambda at: _first(source, at, rich))))))
    assert not Counter(words) - shown


@fuzzed(20)
@given(LONG, st.booleans())
def test_long_text_is_split_into_parts_that_fit(source: str, rich: bool) -> None:
    count = len(list(_parts(source, lambda at: _first(source, at, rich))))
    assert count <= 2 * len(source.encode("utf-16-le")) / TEXT_LIMIT + 2


@fuzzed(60)
@given(LONG)
def test_plain_text_keeps_every_character(source: str) -> None:
    told = "".join(map(_shown, _parts(source, lambda at: plain_piece(source, at))))
    assert _solid(told) == _solid(source)


def _first(source: str, offset: int, rich: bool) -> Piece:
    return next(pieces(source, offset, rich=rich))


def _parts(source: str, form: Callable[[int], Piece]) -> Iterator[Content]:
    """All parts, each of which fits and gets further."""
    offset = 0
    while source[offset:].strip():
        piece = form(offset)
        assert piece.end > offset
        assert limit_share(piece.content) <= 1
        yield piece.content
        offset = piece.end


def _shown(content: Content) -> str:
    if isinstance(content, Rich):
        return html.unescape(content.html)
    return content.text + " ".join(entity.url or entity.language or "" for entity in content.entities)


def _solid(text: str) -> str:
    return "".join(filter(str.isalnum, text))
