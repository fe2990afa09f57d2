"""Plays an answer on the wire as its behaviour says, and notices when the client does not stay for the end."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from typing import Protocol

from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from sandbox.model.behaviour import Cut, Fail, NoFinish, Point, Say
from sandbox.model.wire import error_body

SPEECH_BYTES = 9_600
"""Of a spoken answer in a delta: a fifth of a second."""


class Spoken(Protocol):
    """The bytes of one answer, in the form of its interface."""

    @property
    def spoken(self) -> bool: ...  # noqa: D102

    def opening(self) -> bytes: ...  # noqa: D102

    def delta(self, field: str, text: str) -> bytes: ...  # noqa: D102

    def speech(self, samples: bytes) -> bytes: ...  # noqa: D102

    def finish(self) -> bytes: ...  # noqa: D102

    def whole(self, finish_reason: str | None) -> bytes: ...  # noqa: D102


class Playback(Response):
    """A response made of ASGI messages; one that ends without its last message drops the connection."""

    def __init__(
        self, messages: AsyncIterator[Message], closing: asyncio.Event, on_abandoned: Callable[[], None]
    ) -> None:
        self._messages = messages
        self._closing = closing
        self._on_abandoned = on_abandoned

    async def __call__(self, _: Scope, receive: Receive, send: Send) -> None:
        """Play until the answer ends, the client leaves, or the server closes."""
        playing = asyncio.create_task(self._play(send), name="model answer")
        leaving = asyncio.create_task(_left(receive), name="model client")
        closing = asyncio.create_task(self._closing.wait(), name="model closing")
        tasks = {playing, leaving, closing}
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            if leaving.done() and not playing.done():
                self._on_abandoned()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
        if not playing.cancelled():
            playing.result()

    async def _play(self, send: Send) -> None:
        async for message in self._messages:
            await send(message)


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def failure(fail: Fail) -> AsyncIterator[Message]:
    """A refusal."""
    kind = "server_error" if fail.status >= 500 else "invalid_request_error"
    yield _start(fail.status, "application/json", fail.headers.items())
    yield _body(fail.body if fail.body is not None else error_body(fail.message, kind, code=fail.code), more=False)


async def silence() -> AsyncIterator[Message]:
    """No answer, ever."""
    await asyncio.Event().wait()
    yield _body(b"", more=False)


async def streamed(say: Say, completion: Spoken) -> AsyncIterator[Message]:
    """Server-sent events, a delta each."""
    await _stand(say, "headers")
    yield _start(200, "text/event-stream; charset=utf-8")
    yield _body(completion.opening())
    text = say.text[: say.after] if isinstance(say, Cut) else say.text
    deltas = [("reasoning_content", piece) for piece in _pieces(say.reasoning, say.chunk)]
    deltas += [("content", piece) for piece in _pieces(text, say.chunk)]
    for number, (field, piece) in enumerate(deltas, start=1):
        yield _body(completion.delta(field, piece))
        await _stand(say, number)
        await asyncio.sleep(say.delay)
    for start in range(0, len(say.speech) if completion.spoken else 0, SPEECH_BYTES):
        yield _body(completion.speech(say.speech[start : start + SPEECH_BYTES]))
    await _stand(say, "finish")
    if not isinstance(say, Cut):
        yield _body(b"" if isinstance(say, NoFinish) else completion.finish(), more=False)


async def whole(say: Say, completion: Spoken) -> AsyncIterator[Message]:
    """One JSON body."""
    await _stand(say, "headers")
    yield _start(200, "application/json")
    body = completion.whole(None if isinstance(say, NoFinish) else say.finish_reason)
    if isinstance(say, Cut):
        yield _body(body[: len(body) // 2])
    else:
        yield _body(body, more=False)


async def json_body(body: bytes) -> AsyncIterator[Message]:
    """An answer that is finished."""
    yield _start(200, "application/json")
    yield _body(body, more=False)


async def _stand(say: Say, point: Point) -> None:
    if say.hold is not None:
        await say.hold.stand(point)


def _pieces(text: str, words: int) -> Iterator[str]:
    """The text in pieces of that many words, every blank kept."""
    found = re.findall(r"\s*\S+|\s+$", text)
    for start in range(0, len(found), words):
        yield "".join(found[start : start + words])


def _start(status: int, media_type: str, headers: Iterable[tuple[str, str]] = ()) -> Message:
    pairs = [("content-type", media_type), *headers]
    encoded = [(name.lower().encode(), value.encode()) for name, value in pairs]
    return {"type": "http.response.start", "status": status, "headers": encoded}


def _body(content: bytes, more: bool = True) -> Message:
    return {"type": "http.response.body", "body": content, "more_body": more}
