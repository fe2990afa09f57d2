"""Server-sent events with JSON objects, read so that a malformed event doesn't cost the others.

The openai client's own reader ends an answer at the first event that isn't UTF-8, JSON or an object, and can't tell a
stream that ended with ``[DONE]`` from a lost connection.
"""

import asyncio
import json
import re
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing, suppress
from dataclasses import dataclass

import httpx2

from bot.errors import NoAnswerInTime, StreamCut
from bot.llm.failures import failure_in, failure_in_place_of_answer, mark_unreached
from bot.llm.lenient import Object

DONE = "[DONE]"
MOST_BYTES = 2**25
"""The most bytes of an event, or of a body that isn't a stream; a minute of speech in base64 is a tenth of it."""
DRAIN_S = 0.1
"""How long to wait after ``[DONE]`` for the end of the body, without which the connection can't be reused."""
_LINE_END = re.compile(rb"\r\n|\r|\n")
_AGAIN = re.compile(r"\A(?:\s?data:)+")
"""The field name repeated, by a proxy that wraps already wrapped lines."""
_FIELDS = ("", "data", "event", "id", "retry")
_WHOLE = ("choices", "output", "output_text")


@dataclass(frozen=True, slots=True)
class Event:
    """An event with its name, which is usually empty."""

    name: str
    data: Object


async def read_events(response: httpx2.Response) -> AsyncGenerator[Event | None, None]:
    """The events of a stream, and finally None if the server says that it is done.

    A single JSON object from a server that doesn't stream counts as one event that is done. Raises StreamCut if the
    connection breaks or an object is incomplete, NoAnswerInTime if it falls silent.
    """
    async with aclosing(parse_events(_pieces(response), response.url.host)) as events:
        async for event in events:
            yield event


async def parse_events(body: AsyncGenerator[bytes, None], host: str) -> AsyncGenerator[Event | None, None]:
    """The events in a stream of bytes (see ``events``)."""
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
            if name is None:  # drop objects that are no answer either
                values = [value for value in values if any(map(value.get, _WHOLE)) or failure_in(value)]
            if not values and (name is None or name == "error"):
                raise failure_in_place_of_answer(data, host=host)
            for value in values:
                yield Event(name or "", value)
            if name is None and len(values) == 1:  # several objects are lines of deltas, and the last may be missing
                yield None


async def _pieces(response: httpx2.Response) -> AsyncGenerator[bytes, None]:
    try:
        async for piece in response.aiter_bytes():
            yield piece
    except httpx2.TimeoutException as exc:
        raise mark_unreached(NoAnswerInTime(f"{type(exc).__name__}: the stream fell silent")) from exc
    except Exception as exc:  # whatever a transport raises, the connection is broken
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
    """The name and data of each event; a body that isn't an event stream comes as a whole, with the name None."""
    block = _Block()
    async for line in _lines(pieces):
        for event in block.add(line):
            yield event
    for event in block.rest():
        yield event


class _Block:
    """The lines of one event up to an empty line, which some servers omit after the last one."""

    def __init__(self) -> None:
        self._name = ""
        self._data: list[str] = []
        self._bare: list[str] = []
        self._size = 0
        self._streams = False

    def add(self, line: str) -> Iterator[tuple[str | None, str]]:
        """Add a line; yields events that it completes."""
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
            if value.strip(' \t"').upper() == DONE:  # even without empty lines around it
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
        """Yield what remains at the end of the body."""
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
    """The objects in an event's data; each of several lines may be one.

    Other values (null, a string, a keep-alive word) are skipped. Raises StreamCut for an incomplete object.
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
            raise StreamCut(f"a piece of the stream, of {len(line)} characters, isn't JSON ({exc})") from exc
        return None


def _json(data: str) -> object:
    try:
        return json.loads(data, strict=False)
    except RecursionError as exc:
        raise ValueError("nested too deep") from exc
