"""Pages of a PDF that are better seen than read, and pictures of them."""

import io

import PIL.Image
import pytest
from pypdf import PdfReader, PdfWriter

from bot.media.document import read_document
from bot.media.media_errors import EmptyError, LockedError, UnreadableError
from bot.media.pdf import LONGEST_SIDE, MOST_DATA, MOST_PIXELS, page_picture
from tests.media.files import pdf, picture, scan


def _told(data: bytes) -> tuple[tuple[int, ...], tuple[int, ...]]:
    read = read_document(data, "a.pdf", None, most_characters=100_000)
    return read.wordless, read.poor


@pytest.mark.parametrize(
    ("data", "wordless", "poor"),
    [
        (scan("words", "", None, ""), (2, 4), ()),
        (scan("", stamp="Scanned with an app"), (), (1,)),
        (scan("", stamp="word " * 60), (), ()),
        (scan("Chapter One"), (), ()),
    ],
    ids=["scans", "a stamp on a scan", "recognised letters", "a title"],
)
def test_pages_that_are_better_seen_are_known(data: bytes, wordless: tuple[int, ...], poor: tuple[int, ...]) -> None:
    assert _told(data) == (wordless, poor)


def test_a_page_is_a_picture() -> None:
    made = page_picture(scan("words", ""), 2)
    assert (made.mime, made.width * made.height <= MOST_PIXELS * 1.01) == ("image/jpeg", True)
    with PIL.Image.open(io.BytesIO(made.data)) as seen:
        dark = seen.convert("L").point(lambda value: 255 * (value < 128)).getbbox()
    assert dark is not None
    assert dark[0] / made.width == pytest.approx(50 / 595, abs=0.02)
    assert made == page_picture(scan("words", ""), 2)


def test_a_blank_page_is_no_picture() -> None:
    with pytest.raises(EmptyError):
        page_picture(scan("words", None), 2)


@pytest.mark.parametrize("sides", [(14_400, 20), (3, 4), (200, 14_400)])
def test_pages_of_any_size_are_pictures(sides: tuple[int, int]) -> None:
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(pdf("words"))))
    page = writer.pages[0]
    page.scale_to(*sides)
    written = io.BytesIO()
    writer.write(written)
    made = page_picture(written.getvalue(), 1)
    assert max(made.width, made.height) <= LONGEST_SIDE + 1


def test_a_page_full_of_noise_is_light() -> None:
    noise = PIL.Image.effect_noise((1200, 1600), 200)
    written = io.BytesIO()
    noise.save(written, "PDF")
    assert len(page_picture(written.getvalue(), 1).data) <= MOST_DATA


@pytest.mark.parametrize(
    ("data", "number", "error"),
    [
        (pdf("words"), 2, UnreadableError),
        (picture(), 1, UnreadableError),
        (pdf("words", password="secret"), 1, LockedError),
    ],
)
def test_what_is_no_page_is_told(data: bytes, number: int, error: type[Exception]) -> None:
    with pytest.raises(error):
        page_picture(data, number)
