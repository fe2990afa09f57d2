"""Fuzzing of pure functions that is guided by which of their lines run: ``make fuzz-atheris``.

An optional tool besides the tests of this folder: it needs the extra ``fuzz``. Give a function's name, and options of
libFuzzer such as ``-max_total_time=60``. What fails is printed with its input, which is also written to a file.
"""

import asyncio
import sys
from collections.abc import AsyncGenerator, Callable

import atheris

LLM = ["bot.llm.answer_stream", "bot.llm.harmony", "bot.llm.server_sent_events", "bot.llm.thinking"]
with atheris.instrument_imports(include=["bot.outbound", "bot.handlers.callbacks", *LLM]):
    from bot.errors import ModelError
    from bot.handlers.callbacks import BUTTONS
    from bot.llm.answer_stream import AnswerStream, Bounds
    from bot.llm.server_sent_events import parse_events
    from bot.llm.stream_events import Finish, Finished, Received, StreamEvent, TextDelta
    from bot.outbound.formatting import TEXT_LIMIT, limit_share
    from bot.outbound.splitting import pieces

MANY = Bounds(10**6, 10**6)


def markdown(data: bytes) -> None:
    """Every part fits, gets further, and there are not many."""
    source, offset, count = data.decode("utf-8", "ignore"), 0, 0
    while source[offset:].strip():
        piece = next(pieces(source, offset, rich=data[0] % 2 == 0))
        assert piece.end > offset
        assert limit_share(piece.content) <= 1
        offset, count = piece.end, count + 1
    assert count <= 2 * len(source.encode("utf-16-le")) / TEXT_LIMIT + 2


def callback_data(data: bytes) -> None:
    """A button's data is read as the same again, or refused."""
    for button in BUTTONS:
        found = button.unpack(data.decode("utf-8", "ignore"))
        assert found is None or button.unpack(found.pack()) is not None


def events(data: bytes) -> None:
    """A body is read or refused, wherever its bytes are cut."""

    async def body() -> AsyncGenerator[bytes, None]:
        cut = data[0] if data else 0
        for piece in (data[1:cut], data[max(cut, 1) :]):
            yield piece

    async def read() -> None:
        try:
            async for _ in parse_events(body(), "e.org"):
                pass
        except ModelError as exc:
            str(exc).encode()

    asyncio.run(read())


def answer(data: bytes) -> None:
    """No text is lost between thoughts and answer, and all of it can be stored."""
    text, size = data[1:].decode("utf-8", "ignore"), 1 + (data[0] if data else 0) % 16
    stream, received = AnswerStream(MANY), Received()
    said: list[StreamEvent] = [TextDelta(text[at : at + size]) for at in range(0, len(text), size)]
    for event in [*said, Finished(Finish.STOP)]:
        for read in stream.read([event]):
            received.add(read)
    (received.text + received.reasoning).encode()


TARGETS: dict[str, Callable[[bytes], None]] = {
    target.__name__: target for target in (markdown, callback_data, events, answer)
}


def main() -> None:
    _, name, *options = sys.argv
    atheris.Setup([sys.argv[0], *options], TARGETS[name])
    atheris.Fuzz()


if __name__ == "__main__":
    main()
