import html
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator

import pytest

from bot.outbound.content import Content, Rich
from bot.outbound.formatting import TEXT_LIMIT, limit_share, mark_literals
from bot.outbound.splitting import Piece, pieces, plain_piece, preview_piece, quoted_piece
from tests.outbound.nasty import NASTY
from tests.selection import some

NextPiece = Callable[[str, int], Piece]


def formatted(source: str, offset: int) -> Piece:
    return next(pieces(source, offset, rich=False))


def rich(source: str, offset: int) -> Piece:
    return next(pieces(source, offset, rich=True))


def previewed(source: str, offset: int) -> Piece:
    return preview_piece(source, offset, rich=False)


def previewed_rich(source: str, offset: int) -> Piece:
    return preview_piece(source, offset, rich=True)


PREVIEWS: tuple[NextPiece, ...] = (previewed, previewed_rich)
QUICK_S = 0.02
"""Too short a time to tell how it grows."""
FORMS: tuple[NextPiece, ...] = (formatted, rich, plain_piece, quoted_piece, *PREVIEWS)


def parts(source: str, form: NextPiece) -> Iterator[Content]:
    offset = 0
    while source[offset:].strip():
        piece = form(source, offset)
        assert piece.end > offset
        yield mark_literals(piece.content, ["a", "~"])
        offset = piece.end


def cpu_seconds(source: str, form: NextPiece) -> float:
    began = time.thread_time()
    for _ in parts(source, form):
        pass
    return time.thread_time() - began


def letters(text: str) -> Counter[str]:
    return Counter(filter(str.isalnum, text))


def shown(content: Content) -> str:
    """With the addresses, languages and numbers that stand in tags."""
    return html.unescape(content.html) if isinstance(content, Rich) else repr(content)


@pytest.mark.parametrize("name", some(NASTY, 8))
def test_time_grows_as_the_text_does(name: str) -> None:
    for form in FORMS:
        if cpu_seconds(NASTY[name](1600), form) < 10 * QUICK_S:
            continue
        # The best of three: now and then the collector of garbage has its turn in one.
        short, long = (min(cpu_seconds(NASTY[name](size), form) for _ in range(3)) for size in (400, 1600))
        assert long < 10 * max(short, QUICK_S), form.__name__


@pytest.mark.parametrize("name", some(NASTY, 8))
def test_all_text_arrives_in_few_parts_that_fit(name: str) -> None:
    source = NASTY[name](4_500)
    most = len(source.encode("utf-16-le")) / TEXT_LIMIT + 2.5
    told = letters(re.sub(r"\d+\.|<br>", "", html.unescape(source)))
    for form in FORMS:
        contents = list(parts(source, form))
        assert len(contents) <= most, form.__name__
        assert all(limit_share(content) <= 1 for content in contents)
        assert form in PREVIEWS or told <= letters(" ".join(map(shown, contents))), form.__name__
