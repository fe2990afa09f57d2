"""Pages without words are shown, as far as there is room, and what is not is told."""

import datetime as dt

import pytest
from telegram import Chat, Document, Message

from bot.inbound.attachments import AttachedFiles, Attachments
from bot.inbound.pages import MOST_SHOWN, PAGE_TOKENS, render_pages
from bot.inbound.problems import Problem
from bot.inbound.reading import remarks
from bot.media.image import ConvertedImage
from bot.media.media_errors import EmptyError, TooSlowError, UnreadableError
from tests.inbound.test_attachments import Files, Here
from tests.media.files import scan

NOW = dt.datetime.fromtimestamp(1_700_000_000, dt.UTC)
MESSAGE = Message(1, NOW, Chat(1, Chat.PRIVATE), document=Document("file", "u", file_name="a.pdf"))


class Renders(Here):
    """What stands for the workshop: each page as its number, or why not."""

    def __init__(self, **failures: Exception) -> None:
        self.failures = failures

    async def page(self, data: bytes, number: int) -> ConvertedImage:
        if (failure := self.failures.get(f"p{number}")) is not None:
            raise failure
        return ConvertedImage(b"%d" % number, "image/jpeg", 32, 32)


async def _found(data: bytes, *, sees: bool = True, most_tokens: int = 20_000) -> AttachedFiles:
    made = Attachments(Files(file=data), Here(), len, most_tokens)  # type: ignore[arg-type]
    return await made.of(MESSAGE, sees=sees)


async def test_only_the_first_pages_are_shown() -> None:
    found = await render_pages(Renders(), b"", tuple(range(3, 40)), 100_000)
    assert found.numbers == tuple(range(3, 3 + MOST_SHOWN))
    assert [one.data for one in found.media] == [b"%d" % number for number in found.numbers]
    assert (await render_pages(Renders(), b"", (1, 2, 3), 2 * PAGE_TOKENS)).numbers == (1, 2)
    assert (await render_pages(Renders(), b"", (1, 2, 3), -5)).numbers == (1,)


async def test_blank_and_broken_pages_are_passed_over() -> None:
    found = await render_pages(Renders(p1=EmptyError(""), p2=UnreadableError("")), b"", (1, 2, 3), 10_000)
    assert (found.blank, found.numbers) == ((1,), (3,))
    assert (await render_pages(Renders(p2=TooSlowError("")), b"", (1, 2, 3), 10_000)).numbers == (1,)


async def test_a_scan_is_shown_and_said_to_be() -> None:
    found = await _found(scan("", None, "words", ""))
    assert (len(found.media), found.text, found.problem, found.unread) == (2, "words", None, ())
    assert remarks(MESSAGE, found) == ("[file a.pdf: no text on pages 1, 4 of 4; shown as pictures]",)


async def test_what_is_not_shown_is_told() -> None:
    found = await _found(scan("", "", ""), most_tokens=2 * PAGE_TOKENS)
    assert found.unread == (3,)
    assert remarks(MESSAGE, found) == (
        "[file a.pdf: no text on pages 1-2 of 3; shown as pictures]",
        "[file a.pdf: no text on page 3 of 3, perhaps pictures of it; not shown]",
    )


async def test_to_who_sees_nothing_nothing_is_shown() -> None:
    found = await _found(scan("words", ""), sees=False)
    assert (found.media, found.unread) == ((), (2,))
    assert remarks(MESSAGE, found) == ("[file a.pdf: no text on page 2 of 2, perhaps pictures of it]",)
    assert (await _found(scan(""), sees=False)).problem is Problem.EMPTY


@pytest.mark.parametrize("sees", [True, False])
async def test_blank_paper_is_an_empty_file(sees: bool) -> None:
    assert (await _found(scan(None, None), sees=sees)).problem is Problem.EMPTY
