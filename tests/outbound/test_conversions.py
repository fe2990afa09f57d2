"""Long texts are converted beside the event loop, and what does not end holds nobody up."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from bot.outbound import formatting
from bot.outbound.content import Destination
from bot.outbound.formatting import SHORT, Conversions, ReplyFormat
from tests.outbound.double import GROUP, PRIVATE, connected


async def test_loop_goes_on_while_a_text_is_converted() -> None:
    goes_on, done = threading.Event(), Conversions()
    converting = asyncio.create_task(done.do(SHORT + 1, lambda: goes_on.wait(5), lambda: False))
    await asyncio.sleep(0)
    goes_on.set()
    assert await converting


async def test_conversion_without_end_gives_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(formatting, "LONGEST_S", 0.01)
    ends, done = threading.Event(), Conversions()
    assert await done.do(SHORT + 1, lambda: str(ends.wait(5)), lambda: "as it was") == "as it was"
    ends.set()
    monkeypatch.undo()
    assert await done.do(SHORT + 1, lambda: "the next one", lambda: "as it was") == "the next one"


async def test_conversion_is_marked_while_it_runs() -> None:
    marked: list[bool] = []

    @contextmanager
    def at_work() -> Iterator[None]:
        marked.append(True)
        yield
        marked.pop()

    assert await Conversions(at_work).do(SHORT + 1, lambda: list(marked), list[bool]) == [True]
    assert not marked


@pytest.mark.parametrize("to", [PRIVATE, GROUP])
@pytest.mark.parametrize("form", ["rich", "text"])
async def test_answers_are_converted_in_no_loop(
    form: ReplyFormat, to: Destination, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads, prepare = set[int](), vars(formatting)["prepare"]

    def prepared(source: str, *, as_text: bool) -> str:
        threads.add(threading.get_ident())
        return str(prepare(source, as_text=as_text))

    async def begun(_: int) -> None: ...

    async def arrived(_: object) -> None: ...

    monkeypatch.setattr(formatting, "prepare", prepared)
    async with connected(reply_format=form) as line:
        async with line.sender.preview(to, 1, begun=None, on_begun=begun) as preview:
            preview.update("**a** $x^2$ " * 50)
            while not line.api.of("sendMessageDraft", "sendRichMessageDraft", "sendMessage", "sendRichMessage"):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        await line.sender.deliver(to, "**a** $x^2$ " * 50, arrived)
    assert threads
    assert threading.get_ident() not in threads
