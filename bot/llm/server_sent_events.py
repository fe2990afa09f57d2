"""Server-sent events whose data are JSON objects, read so that one which can't be read costs no other.

The openai client's own reader ends an answer at the first event that is not UTF-8, not JSON or not an object, and does
not tell a stream that said ``[DONE]`` from one whose line was closed.
"""

import asyncio
import json
import re
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing, suppress
from dataclasses import dataclass

import httpx2

from bot.errors import NoAnswerInTime, StreamCut
from bot.llm.failures import failure_in, of_told, unreached
from bot.llm.lenient import Object

DONE = "[DONE]"
MOST_BYTES = 2**25
"""Of an event, or of a body that is none: a minute of speech in base64 is a tenth of it."""
DRAIN_S = 0.1
"""So long is waited behind ``[DONE]`` for the end of the body: only then can the next request use this connection."""
_LINE_END = re.compile(rb"\r\n|\r|\n")
_AGAIN = re.compile(r"\A(?:\s?data:)+")
"""The name of the field, once more: from a proxy that wraps lines which are wrapped."""
_FIELDS = ("", "data", "event", "id", "retry")
_WHOLE = ("choices", "output", "output_text")
_EXCERPT = 30
"""Characters that are logged: further on stands what was answered, which is nobody's business."""


@dataclass(frozen=True, slots=True)
class Event:
    """An event by its name, which is empty for most."""

    name: str
    data: Object


async def events(response: httpx2.Response) -> AsyncGenerator[Event | None, None]:
    """What a stream tells; None, and no more, when it says that it is done.

    A server that does not stream but answers with one JSON object is read as one event, and is done. Raises StreamCut
    for a line that breaks or holds half an object, NoAnswerInTime for one that falls silent.
    """
    async with aclosing(told_in(_pieces(response), response.url.host)) as told:
        async for event in told:
            yield event


async def told_in(body: AsyncGenerator[bytes, None], host: str) -> AsyncGenerator[Event | None, None]:
    """What a stream of these bytes tells (see ``events``)."""
    async with aclosing(body) as pieces:
        async for name, data in _blocks(pieces):
            if data == DONE:
                yield None
                with suppress(TimeoutError):
                    async with asyncio.timeout(DRAIN_S):
                        async for _ in pieces:
                            pass
                return
            values = list(_objects(data))
            if name is None:  # what is no answer either
                values = [value for value in values if any(map(value.get, _WHOLE)) or failure_in(value)]
            if not values and (name is None or name == "error"):
                raise of_told(data, host=host)
            for value in values:
                yield Event(name or "", value)
            if name is None and len(values) == 1:  # several are lines of pieces, and the last may be missing
                yield None


async def _pieces(response: httpx2.Response) -> AsyncGenerator[bytes, None]:
    try:
        async for piece in response.aiter_bytes():
            yield piece
    except httpx2.TimeoutException as exc:
        raise unreached(NoAnswerInTime(f"{type(exc).__name__}: the stream fell silent")) from exc
    except Exception as exc:  # whatever a transport may raise, the line is broken
        raise StreamCut(f"{type(exc).__name__}: {exc}") from exc


async def _lines(pieces: AsyncIterator[bytes]) -> AsyncGenerator[str, None]:
    begun, after_return, first = bytearray(), False, True
    async for piece in pieces:
        piece = piece[1:] if after_return and piece.startswith(b"\n") else piece
        after_return = piece.endswith(b"\r")
        *ended, rest = _LINE_END.split(piece)
        for part in ended:
            begun += part
            line = begun.decode("utf-8", "replace")
            yield line.removeprefix("\ufeff") if first else line
            begun, first = bytearray(), False
        begun += rest
        if len(begun) > MOST_BYTES:
            raise StreamCut(f"a line of more than {MOST_BYTES} bytes")
    if begun:
        yield begun.decode("utf-8", "replace").removeprefix("\ufeff")


async def _blocks(pieces: AsyncIterator[bytes]) -> AsyncGenerator[tuple[str | None, str], None]:
    """The names and the data of events, or (without a name) the whole of what is no event stream."""
    block = _Block()
    async for line in _lines(pieces):
        for told in block.add(line):
            yield told
    for told in block.rest():
        yield told


class _Block:
    """Lines of data that belong together until an empty one, which is missing behind the last event of some servers."""

    def __init__(self) -> None:
        self._name = ""
        self._data: list[str] = []
        self._bare: list[str] = []
        self._size = 0
        self._streams = False

    def add(self, line: str) -> Iterator[tuple[str | None, str]]:
        """A line; gives the event that is whole with it."""
        if not line:
            yield from self._ended()
            return
        self._size += len(line)
        if self._size > MOST_BYTES:
            raise StreamCut(f"an event of more than {MOST_BYTES} characters")
        field, _, value = line.partition(":")
        if field == "data":
            self._streams = True
            value = _AGAIN.sub("", value)
            if value.strip(' \t"').upper() == DONE:  # also without an empty line around it
                yield from self._ended()
                yield "", DONE
            else:
                self._data.append(value.removeprefix(" "))
        elif field == "event":
            self._name = value.strip()
        elif field == "error" and value.lstrip().startswith("{"):  # llama.cpp until 2025
            self._streams = True
            yield from self._ended()
            yield "error", value.strip()
        elif field not in _FIELDS and not self._streams:
            self._bare.append(line)

    def rest(self) -> Iterator[tuple[str | None, str]]:
        """What there is when no more lines come."""
        yield from self._ended()
        if self._bare and not self._streams:
            yield None, "\n".join(self._bare)

    def _ended(self) -> Iterator[tuple[str | None, str]]:
        if self._data:
            yield self._name, "\n".join(self._data)
        if self._streams:
            self._size = 0
        self._name, self._data = "", []


def _objects(data: str) -> Iterator[Object]:
    """The objects in the data of an event; of several lines, each may be one by itself.

    What is something else (null, a text, the word of a keep-alive) is none. Raises StreamCut for half an object.
    """
    try:
        values = [_json(data)]
    except ValueError:
        lines = data.splitlines() if "\n" in data else [data]
        values = [_json_or_none(line) for line in lines]
    for value in values:
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, dict):
                yield item


def _json_or_none(line: str) -> object:
    try:
        return _json(line)
    except ValueError as exc:
        if line.lstrip().startswith(("{", "[{")):
            raise StreamCut(f"a piece of the stream is no JSON ({exc}): {line[:_EXCERPT]!r}") from exc
        return None


def _json(data: str) -> object:
    try:
        return json.loads(data, strict=False)
    except RecursionError as exc:
        raise ValueError("nested too deep") from exc
