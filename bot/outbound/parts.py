"""The next part of a reply as contents to try, the best form first."""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from bot.outbound.content import Content
from bot.outbound.convert import RICH_LIMIT, TEXT_LIMIT, share, to_plain, to_quote, to_rich, to_text
from bot.outbound.lossless import keeps_everything
from bot.outbound.split import Chunk, next_part

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Piece:
    """One message's content, and the end of what it tells of the source."""

    content: Content
    end: int


def pieces(source: str, offset: int, *, rich: bool) -> Iterator[Piece]:
    """The part that begins at `offset`, in every form that tells all of it; the last one is plain text.

    They are made one by one, when the one before was refused, and end at different places.
    """
    for form in (to_rich, to_text) if rich else (to_text,):
        try:
            chunk, content = _fitting(source, offset, form)
        except Exception as exc:  # noqa: BLE001  # whatever ails the converter, the reply must arrive
            log.error("A part could not be converted: %s", type(exc).__name__)
            continue
        if keeps_everything(chunk.text, content):
            yield Piece(content, chunk.end)
    yield plain_piece(source, offset)


def plain_piece(source: str, offset: int) -> Piece:
    """The part that begins at `offset`, as it was written."""
    chunk, content = _fitting(source, offset, to_plain)
    return Piece(content, chunk.end)


def quoted_piece(source: str, offset: int) -> Piece:
    """The part that begins at `offset`, as it was written, as a quote that can be folded."""
    chunk, content = _fitting(source, offset, to_quote)
    return Piece(content, chunk.end)


def preview_piece(source: str, offset: int, *, rich: bool) -> Piece:
    """The part that begins at `offset`, of a source that is still being written."""
    chunk, content = _fitting(source, offset, to_rich if rich else to_text)
    return Piece(content, chunk.end)


def _fitting(source: str, offset: int, form: Callable[[str], Content]) -> tuple[Chunk, Content]:
    """The longest piece that fits, about: a conversion can come out longer than its source."""
    limit = RICH_LIMIT if form is to_rich else TEXT_LIMIT
    while True:
        chunk = next_part(source, offset, limit)
        content = form(chunk.text)
        full = share(content)
        if full <= 1:
            return chunk, content
        limit = int(len(chunk.text) / full * 0.95)
