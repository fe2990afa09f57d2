"""What stands for a file where it is not read itself, and what is said of that."""

import datetime as dt
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import av
import PIL.Image
import pytest
from telegram import Chat, Document, Message, PhotoSize, Sticker, Video, Voice
from telegram.error import TimedOut

from bot.conversation.tokens import estimate
from bot.inbound.attachments import MOST_COUNTS, AttachedFiles, Attachments, fitting
from bot.inbound.problems import Problem
from bot.media.document import read_document
from bot.media.image import ConvertedImage, convert_image
from bot.media.media_errors import TooLargeError
from bot.media.pdf import page_picture
from bot.media.sound import ConvertedSound, convert_sound, voice_note
from storage.records import MediaKind
from tests.media.files import pdf, picture, recorded, samples, wav, word

DETAILS = "its details could not be read (this is a small preview)"
NOW = dt.datetime.fromtimestamp(1_700_000_000, dt.UTC)
PREVIEW = PhotoSize("preview", "p", 9, 9, 900)


class Files:
    """What stands for ``Downloads``: the bytes by their id; what is None is too large."""

    def __init__(self, **kept: bytes | None) -> None:
        self.kept: dict[str, bytes | None] = {"preview": picture(20, 10), **kept}

    @asynccontextmanager
    async def file(self, file_id: str, size: int | None, *, tries: int = 3) -> AsyncIterator[bytes]:
        data = self.kept[file_id]
        if data is None:
            raise TooLargeError("too large")
        yield data


class Here:
    """What stands for ``Workshop``: it does the same without workers."""

    def serving(self, owner: int, language: str | None) -> "Here":
        return self

    async def image(self, data: bytes) -> ConvertedImage:
        return convert_image(data)

    async def sound(self, data: bytes, *, most_seconds: float) -> ConvertedSound:
        return convert_sound(data, most_seconds=most_seconds)

    async def document(self, data: bytes, name: str, mime: str | None, *, most_characters: int) -> Any:
        return read_document(data, name, mime, most_characters=most_characters)

    async def page(self, data: bytes, number: int) -> ConvertedImage:
        return page_picture(data, number)


async def _found(data: bytes | None, **held: Any) -> AttachedFiles:
    made = Attachments(Files(file=data), Here(), len, 1000)  # type: ignore[arg-type]
    return await made.of(Message(1, NOW, Chat(1, Chat.PRIVATE), **held))


def _file(mime: str, preview: PhotoSize | None = PREVIEW) -> dict[str, Document]:
    return {"document": Document("file", "u", file_name="a", mime_type=mime, thumbnail=preview)}


def _kinds(found: AttachedFiles) -> list[MediaKind]:
    return [one.kind for one in found.media]


@pytest.mark.parametrize("data", [b"8BPS\0\1" + bytes(99), picture()[:30], None], ids=["unknown", "broken", "large"])
async def test_unreadable_picture_is_replaced_by_its_preview(data: bytes | None) -> None:
    found = await _found(data, **_file("image/x"))
    assert (_kinds(found), found.problem, found.lost) == ([MediaKind.IMAGE], Problem.PREVIEW, DETAILS)
    assert (await _found(data, **_file("image/x", None))).problem is not None


async def test_preview_replaces_any_form_of_picture() -> None:
    """It may come as a photo, a sticker or a file."""
    broken = b"RIFF\x99\0\0\0WEBPVP8 "
    sizes = (PhotoSize("preview", "p", 9, 9, 900), PhotoSize("file", "u", 90, 90, 9_000))
    sticker = Sticker("file", "u", 90, 90, False, False, Sticker.REGULAR, thumbnail=PREVIEW)
    named = Document("file", "u", file_name="a.webp", mime_type="application/octet-stream", thumbnail=PREVIEW)
    held: dict[str, Any]
    for held in ({"photo": sizes}, {"sticker": sticker}, {"document": named}):
        found = await _found(broken, **held)
        assert (_kinds(found), found.problem, found.lost) == ([MediaKind.IMAGE], Problem.PREVIEW, DETAILS)
    bare = Sticker("file", "u", 90, 90, False, False, Sticker.REGULAR)
    assert (await _found(broken, sticker=bare)).problem is Problem.UNREADABLE


async def test_truncated_picture_is_reported() -> None:
    found = await _found(picture(640, 480, "BMP")[:-300_000], **_file("image/bmp"))
    assert (_kinds(found), found.lost) == ([MediaKind.IMAGE], "its end could not be read")
    assert found.problem is Problem.DAMAGED


@pytest.mark.parametrize(("kind", "lost"), [("GIF", "frames"), ("PNG", "frames"), ("TIFF", "pages")])
async def test_one_of_many_pictures_is_said_to_be(kind: str, lost: str) -> None:
    more = PIL.Image.new("RGB", (64, 48), "green")
    found = await _found(picture(kind=kind, save_all=True, append_images=[more]), **_file("image/x"))
    assert (_kinds(found), found.lost) == ([MediaKind.IMAGE], f"its other {lost} could not be read")
    assert found.problem is None


async def test_a_film_is_seen_and_heard() -> None:
    both = [MediaKind.IMAGE, MediaKind.AUDIO]
    film = recorded("mp4", "aac", 0.2)
    video = Video("file", "u", 9, 9, 1, thumbnail=PREVIEW)
    assert _kinds(await _found(film, video=video)) == both
    assert _kinds(await _found(film, **_file("video/mp4"))) == both
    assert _kinds(await _found(film, **_file("video/mp4", None))) == both[1:]
    assert _kinds(await _found(film, **_file("application/octet-stream", None))) == both[1:]


async def test_video_without_sound_leaves_its_picture() -> None:
    video = Video("file", "u", 9, 9, 1, thumbnail=PREVIEW)
    lost = "its sound could not be read"
    for data, problem in (
        (None, Problem.UNHEARD),
        (recorded("mp4", "aac")[:-999], Problem.UNHEARD),
        (b"no film", None),
    ):
        found = await _found(data, video=video)
        assert (_kinds(found), found.problem, found.lost) == ([MediaKind.IMAGE], problem, lost)
    found = await _found(None, video=Video("file", "u", 9, 9, 1))
    assert found.problem is Problem.TOO_BIG


async def test_small_file_with_huge_contents_is_reported() -> None:
    found = await _found(picture(9_900, 9_900, "PNG", mode="1", color=1), **_file("image/png", None))
    assert found.problem is Problem.SWOLLEN


async def test_audio_sent_as_file_is_heard() -> None:
    """Whatever the file is called."""
    assert _kinds(await _found(wav(0.2), **_file("text/plain", None))) == [MediaKind.AUDIO]


def _cut_voice() -> bytes:
    """Three seconds and a little of six."""
    whole = voice_note(samples(6.0))
    return whole[: int(len(whole) * 0.65)]


async def test_text_named_as_video_is_read() -> None:
    found = await _found(b"hello", **_file("video/mp4", None))
    assert (found.text, found.media, found.lost) == ("hello", (), "")


async def test_video_file_reports_what_is_visible() -> None:
    film = recorded("mp4", "aac", 0.2)
    assert (await _found(film, **_file("video/mp4"))).lost == "only one picture of it is here"
    assert (await _found(film, **_file("video/mp4", None))).lost == "nothing of it is here to see"


async def test_voice_message_of_unknown_format_is_damaged() -> None:
    assert (await _found(b"", voice=Voice("file", "u", 4))).problem is Problem.UNREADABLE


async def test_a_sound_heard_in_part_is_told() -> None:
    told = ([MediaKind.AUDIO], Problem.HEARD_IN_PART, "only 0:03 of its 0:06 could be heard")
    for found in (
        await _found(wav(6, 8000)[:-48_000], **_file("audio/wav", None)),
        await _found(_cut_voice(), voice=Voice("file", "u", dt.timedelta(seconds=6))),
    ):
        assert (_kinds(found), found.problem, found.lost) == told
    for data, seconds in ((_cut_voice(), 0), (_cut_voice(), 4), (voice_note(samples(3.0)), 60)):
        assert (await _found(data, voice=Voice("file", "u", seconds))).problem is None


async def test_empty_file_differs_from_file_without_words() -> None:
    assert (await _found(pdf("", ""), **_file("application/pdf"))).problem is Problem.EMPTY
    for blank in (b" \n", " \n".encode("utf-16"), b"\xef\xbb\xbf\n", word("")):
        assert (await _found(blank, **_file("text/plain"))).problem is Problem.BLANK


async def test_a_silent_film_lacks_nothing() -> None:
    written = io.BytesIO()
    with av.open(written, "w", format="mp4") as target:
        stream = target.add_stream("mpeg4", rate=5)
        stream.width, stream.height = 16, 16
        target.mux(stream.encode(av.VideoFrame(16, 16, "yuv420p")))
        target.mux(stream.encode(None))
    found = await _found(written.getvalue(), video=Video("file", "u", 9, 9, 1, thumbnail=PREVIEW))
    assert (_kinds(found), found.problem, found.lost) == ([MediaKind.IMAGE], None, "")


class Late:
    """A server that is too slow."""

    late = True

    @asynccontextmanager
    async def file(self, *_: object, **__: object) -> AsyncIterator[bytes]:
        if self.late:
            raise TimedOut("the file did not come in time")
        yield b""


async def test_file_arriving_too_late_is_reported() -> None:
    late = Attachments(Late(), Here(), len, 1000)  # type: ignore[arg-type]
    file = Document("file", "u", file_name="a", mime_type="text/plain")
    assert (await late.of(Message(1, NOW, Chat(1, Chat.PRIVATE), document=file))).problem is Problem.LATE


def test_a_text_is_cut_after_few_counts() -> None:
    counted = 0

    def count(text: str) -> int:
        nonlocal counted
        counted += 1
        return estimate(text)

    text = "one two three " * 400 + "\n" * 100_000
    cut = fitting(text, 1000, count)
    assert text.startswith(cut)
    assert 900 < estimate(cut) <= 1000
    assert counted <= MOST_COUNTS + 1
    assert fitting(text, 3, count) == ""
