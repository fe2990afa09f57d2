"""Playback of an answer on the wire as its behaviour says, noticing when the client leaves early."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Iterable, Iterator

from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from sandbox.model.api import ApiAnswer, Field
from sandbox.model.behaviour import Break, Cut, Fail, Hang, NoFinish, Point, Raw, Say
from sandbox.model.request import ErrorBody, openai_error

SPEECH_BYTES = 9_600
"""Bytes of speech per delta: a fifth of a second."""


class Playback(Response):
    """A response from ASGI messages; ending without the final message drops the connection."""

    def __init__(
        self, messages: AsyncIterator[Message], closing: asyncio.Event, on_abandoned: Callable[[], None]
    ) -> None:
        self._messages = messages
        self._closing = closing
        self._on_abandoned = on_abandoned

    async def __call__(self, _: Scope, receive: Receive, send: Send) -> None:
        """Play until the answer ends, the client leaves, or the server closes."""
        playing = asyncio.create_task(self._play(send), name="model answer")
        leaving = asyncio.create_task(_disconnect(receive), name="model client")
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


async def _disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def unscripted(behaviour: Fail | Hang | Raw | bytes, error: ErrorBody = openai_error) -> AsyncIterator[Message]:
    """A response that isn't a scripted answer; bytes are a body of JSON."""
    match behaviour:
        case Fail():
            return failure(behaviour, error)
        case Raw():
            return _raw(behaviour)
        case bytes():
            return _json_body(behaviour)
    return _silence()


async def failure(fail: Fail, error: ErrorBody = openai_error) -> AsyncIterator[Message]:
    """A refusal."""
    yield _start(fail.status, "application/json", fail.headers.items())
    yield _body(fail.body if fail.body is not None else error(fail.message, fail.status, fail.code), more=False)


async def _raw(behaviour: Raw) -> AsyncIterator[Message]:
    """Arbitrary bytes."""
    yield _start(200, behaviour.media_type)
    yield _body(behaviour.body)
    if behaviour.left_open:
        await asyncio.Event().wait()
    yield _body(b"", more=False)


async def _silence() -> AsyncIterator[Message]:
    """No answer, ever."""
    await asyncio.Event().wait()
    yield _body(b"", more=False)


async def streamed(say: Say, answer: ApiAnswer, *, spoken: bool, may_call: bool) -> AsyncIterator[Message]:
    """Server-sent events; `spoken`: include speech, `may_call`: include function calls."""
    await _hold(say, "headers")
    yield _start(200, "text/event-stream; charset=utf-8")
    yield _body(answer.opening())
    for number, (field, piece) in enumerate(_deltas(say), start=1):
        yield _body(answer.delta(field, piece))
        await _hold(say, number)
        await asyncio.sleep(say.delay)
    for start in range(0, len(say.speech) if spoken else 0, SPEECH_BYTES):
        yield _body(answer.speech(say.speech[start : start + SPEECH_BYTES]))
    for index, (name, arguments) in enumerate(say.calls if may_call else ()):
        yield _body(answer.call(index, name, arguments))
    await _hold(say, "finish")
    if not isinstance(say, Cut):
        yield _body(_ending(say, answer), more=False)


async def unstreamed(say: Say, answer: ApiAnswer) -> AsyncIterator[Message]:
    """One JSON body."""
    await _hold(say, "headers")
    yield _start(200, "application/json")
    if isinstance(say, Cut):
        body = answer.unstreamed(finished=False)
        yield _body(body[: len(body) // 2])
    else:
        yield _body(answer.unstreamed(finished=not isinstance(say, NoFinish)), more=False)


async def _json_body(body: bytes) -> AsyncIterator[Message]:
    """A JSON response."""
    yield _start(200, "application/json")
    yield _body(body, more=False)


async def _hold(say: Say, point: Point) -> None:
    if say.hold is not None:
        await say.hold.wait_at(point)


def _deltas(say: Say) -> Iterator[tuple[Field, str]]:
    text = say.text[: say.after] if isinstance(say, Cut | Break) else say.text
    for piece in _pieces(say.reasoning, say.chunk):
        yield "reasoning", piece
    for piece in _pieces(text, say.chunk):
        yield "content", piece


def _ending(say: Say, answer: ApiAnswer) -> bytes:
    if isinstance(say, Break):
        return answer.failure(say)
    return b"" if isinstance(say, NoFinish) else answer.finish()


def _pieces(text: str, words: int) -> Iterator[str]:
    """The text in pieces of this many words, whitespace kept."""
    found = re.findall(r"\s*\S+|\s+$", text)
    for start in range(0, len(found), words):
        yield "".join(found[start : start + words])


def _start(status: int, media_type: str, headers: Iterable[tuple[str, str]] = ()) -> Message:
    pairs = [("content-type", media_type), *headers]
    encoded = [(name.lower().encode(), value.encode()) for name, value in pairs]
    return {"type": "http.response.start", "status": status, "headers": encoded}


def _body(content: bytes, more: bool = True) -> Message:
    return {"type": "http.response.body", "body": content, "more_body": more}
