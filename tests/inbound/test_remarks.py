"""What could not be read is said to the model, whatever it was."""

from datetime import UTC, datetime

import pytest
from telegram import Chat, Document, Message, PhotoSize, Sticker, VideoNote, Voice

from bot.conversation.incoming_message import IncomingMessage, Quote, render
from bot.inbound.attachments import AttachedFiles
from bot.inbound.problems import PARTLY, Problem
from bot.inbound.reading import REASONS, remarks
from bot.media.document import ExtractedDocument as Read


def _message(**held: object) -> Message:
    return Message(1, datetime(2026, 1, 1, tzinfo=UTC), Chat(1, Chat.PRIVATE), **held)  # type: ignore[arg-type]


def _file(name: str | None = "report.exe") -> Message:
    return _message(document=Document("f", "u", file_name=name))


PHOTO = _message(photo=(PhotoSize("f", "u", 9, 9),))
VOICE = _message(voice=Voice("f", "u", 3))


def test_every_problem_has_its_words() -> None:
    assert set(REASONS) == set(Problem) - PARTLY
    for problem in REASONS:
        [words] = remarks(_file(), AttachedFiles(problem=problem))
        assert words.startswith("[file report.exe: not readable: ")
        assert "\n" not in words


def test_it_is_named_as_what_it_is() -> None:
    damaged = AttachedFiles(problem=Problem.UNREADABLE)
    sticker = _message(sticker=Sticker("f", "u", 9, 9, is_animated=False, is_video=False, type="regular"))
    found = [remarks(message, damaged)[0].partition(":")[0] for message in (PHOTO, VOICE, sticker, _file(None))]
    assert found == ["[photo", "[voice message", "[sticker", "[file"]
    assert remarks(_file("a]\nb.txt"), damaged)[0].startswith("[file a b.txt: ")


@pytest.mark.parametrize(
    ("share", "kept", "words"),
    [
        (1.0, 40, "only the first 40 % is below"),
        (0.5, 99, "only the first 49 % is below"),
        (0.001, 9, "very beginning"),
    ],
)
def test_how_much_of_it_is_there_is_said(share: float, kept: int, words: str) -> None:
    read = Read("x" * 100, None, cut=share < 1, share=share)
    [remark] = remarks(_file(), AttachedFiles(text="x" * kept, problem=Problem.CUT, document=read))
    assert words in remark


def test_pages_without_words_and_a_guess_are_said() -> None:
    read = Read("x", 9, cut=False, wordless=(2, 3, 4, 5, 6, 7, 8, 9), encoding="windows-1251")
    assert remarks(_file("a.pdf"), AttachedFiles(text="x", document=read)) == (
        "[file a.pdf: no text on pages 2-9 of 9, perhaps pictures of it]",
        "[file a.pdf: encoding guessed: windows-1251]",
    )


def test_damaged_parts_of_a_document_are_named() -> None:
    read = Read("x", 3, cut=False, damaged="slide2.xml")
    found = AttachedFiles(text="x", problem=Problem.DAMAGED_IN_PART, document=read)
    assert remarks(_file("a.pptx"), found) == (
        "[file a.pptx: damaged in slide2.xml, and only the rest of it could be read]",
    )


def test_half_of_a_round_video_is_said() -> None:
    note, lost = _message(video_note=VideoNote("f", "u", 9, 9)), "its sound could not be read"
    assert remarks(note, AttachedFiles(lost=lost)) == (f"[round video message: {lost}]",)


def test_what_was_read_whole_needs_no_words() -> None:
    assert remarks(_file(), AttachedFiles(text="x", document=Read("x", None, cut=False))) == ()
    assert remarks(PHOTO, AttachedFiles()) == ()


def test_they_stand_before_the_words_and_in_quotes() -> None:
    at, remark = datetime(2026, 1, 1, tzinfo=UTC), remarks(PHOTO, AttachedFiles(problem=Problem.UNREADABLE))
    said = IncomingMessage(1, 1, "what is it?", at, notes=("[photo]",), remarks=remark)
    assert render(said) == "[photo]\n[photo: not readable: it seems to be damaged]\nwhat is it?"
    answer = IncomingMessage(1, 1, "and?", at, quote=Quote("[photo]", "Bob", remarks=remark))
    assert render(answer) == "> Bob: [photo]\n>   [photo: not readable: it seems to be damaged]\nand?"


def test_remark_counts_the_pages_read() -> None:
    read = Read("x" * 100, 61, cut=True, share=20.5 / 61)
    [remark] = remarks(_file("a.pdf"), AttachedFiles(text="x" * 100, problem=Problem.CUT, document=read))
    assert remark == "[file a.pdf: only its beginning is below, 20 of its 61 pages]"
