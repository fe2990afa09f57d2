"""The next part of a reply as contents to try, the best form first.

A conversion can come out longer than its source; the part is then made smaller. When a form would hold less than half
of what plain text holds, it is given up: a reply of thousands of signs must not become thousands of messages.
"""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from bot.outbound.content import Content, Text
from bot.outbound.convert import RICH_LIMIT, TEXT_LIMIT, share, thinned, to_plain, to_quote, to_rich, to_text
from bot.outbound.lossless import keeps_everything
from bot.outbound.parser import TooDenseError
from bot.outbound.split import Chunk, next_part, next_plain_part

_TRIES = 8
"""Sizes that are tried for one part."""
_CONTEXT = 1000
"""Characters behind a part that decide what its end is, while the source is still being written."""

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
        fitting = _converted(source, offset, form)
        if fitting is not None and keeps_everything(fitting[0].text, fitting[1]):
            yield Piece(fitting[1], fitting[0].end)
    yield plain_piece(source, offset)


def plain_piece(source: str, offset: int) -> Piece:
    """The part that begins at `offset`, as it was written."""
    chunk = next_plain_part(source, offset, _room(source, offset))
    return Piece(to_plain(chunk.text), chunk.end)


def quoted_piece(source: str, offset: int) -> Piece:
    """The part that begins at `offset`, as it was written, as a quote that can be folded."""
    chunk = next_plain_part(source, offset, _room(source, offset))
    return Piece(to_quote(chunk.text), chunk.end)


def preview_piece(source: str, offset: int, *, rich: bool) -> Piece:
    """The part that begins at `offset`, of a source that is still being written."""
    # Of its beginning little has to be parsed; what is looked at from further on is parsed once for all its parts.
    seen = source if offset else source[: (RICH_LIMIT if rich else TEXT_LIMIT) + _CONTEXT]
    fitting = _converted(seen, offset, to_rich if rich else to_text)
    return plain_piece(source, offset) if fitting is None else Piece(fitting[1], fitting[0].end)


def _converted(source: str, offset: int, form: Callable[[str], Content]) -> tuple[Chunk, Content] | None:
    try:
        return _fitting(source, offset, form)
    except TooDenseError:
        return None
    except Exception as exc:  # noqa: BLE001  # whatever ails the converter, the reply must arrive
        log.error("A part could not be converted: %s", type(exc).__name__)
        return None


def _fitting(source: str, offset: int, form: Callable[[str], Content]) -> tuple[Chunk, Content] | None:
    """The longest piece that fits, about; None when this form holds too little."""
    least = _room(source, offset, TEXT_LIMIT // 2)
    room = RICH_LIMIT if form is to_rich else _room(source, offset)
    for _ in range(_TRIES):
        chunk = next_part(source, offset, room, max(room // 2, min(least, room * 9 // 10)))
        content = form(chunk.text)
        if share(content) > 1 and room <= least and isinstance(content, Text):
            content = thinned(content)
        if (full := share(content)) <= 1:
            return chunk, content
        if room <= least:
            break
        room = max(least, int(min(room, len(chunk.text)) / full * 0.95))
    return None


def _room(source: str, offset: int, limit: int = TEXT_LIMIT) -> int:
    """Characters from `offset` on that fill a text message, which counts UTF-16 units."""
    window = source[offset : offset + limit]
    units = window.encode("utf-16-le", "surrogatepass")[: 2 * limit]
    return len(units.decode("utf-16-le", "ignore"))
