"""Telegram's messages become what somebody said.

The files of a burst: one after the other, and no more of them than a turn can hold.

What could not be read is said to the model, whatever it was.
"""

import asyncio
import datetime as dt
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from telegram import Chat, Document, Message, PhotoSize, Sticker, VideoNote, Voice

from bot.conversation.incoming_message import IncomingMessage, Quote, render
from bot.inbound import reading
from bot.inbound.attachments import NOTHING, AttachedFiles
from bot.inbound.problems import PARTLY, Problem
from bot.inbound.quotes import replied_to
from bot.inbound.reading import REASONS, MessageReader, remarks, said
from bot.media.document import ExtractedDocument as Read
from storage.records import MediaKind, NewMedium

NOON = 1_795_435_200
ANN = {"id": 5, "is_bot": False, "first_name": "Ann", "last_name": "Lee"}
PRIVATE = {"id": 5, "type": "private", "first_name": "Ann"}
GROUP = {"id": -100, "type": "supergroup", "title": "Friends"}
CHAT = Chat(1, Chat.PRIVATE)
NOW = dt.datetime.fromtimestamp(1_700_000_000, dt.UTC)


def _message(**fields: Any) -> Message:
    message = Message.de_json({"message_id": 7, "date": NOON, "chat": PRIVATE, "from": ANN, **fields}, None)
    assert message is not None
    return message


def test_words_in_private_have_no_speaker() -> None:
    assert said(_message(text="hello"), 99) == IncomingMessage(
        message_id=7, sender_id=5, text="hello", at=datetime.fromtimestamp(NOON, UTC), sender="Ann Lee"
    )


def test_words_in_a_group_have_one() -> None:
    words = said(_message(text="hello", chat=GROUP), 99)
    assert words is not None
    assert words.speaker == "Ann Lee"


def test_an_anonymous_administrator_speaks_under_their_title() -> None:
    words = said(_message(text="hello", chat=GROUP, sender_chat=GROUP, author_signature="Host"), 99)
    assert words is not None
    assert words.speaker == "Host"


@pytest.mark.parametrize(
    ("origin", "name"),
    [
        ({"type": "user", "sender_user": ANN}, "Ann Lee"),
        ({"type": "hidden_user", "sender_user_name": "Bob"}, "Bob"),
        ({"type": "chat", "sender_chat": GROUP}, "Friends"),
        ({"type": "channel", "chat": {"id": -7, "type": "channel", "title": "News"}, "message_id": 1}, "News"),
    ],
)
def test_a_forward_names_its_origin(origin: dict[str, Any], name: str) -> None:
    words = said(_message(text="look", forward_origin={"date": NOON, **origin}), 99)
    assert words is not None
    assert words.forwarded_from == name


def test_a_reply_quotes_what_it_answers() -> None:
    original = {"message_id": 6, "date": NOON, "chat": PRIVATE, "from": ANN, "text": "the whole text"}
    words = said(_message(text="why?", reply_to_message=original), 99)
    assert words is not None
    assert words.quote == Quote("the whole text", "Ann Lee", 6)
    words = said(_message(text="why?", reply_to_message=original, quote={"text": "whole", "position": 4}), 99)
    assert words is not None
    assert words.quote == Quote("whole", "Ann Lee", 6, whole=False)


def test_photo_has_note_and_service_message_none() -> None:
    """Nobody says a service message."""
    photo = _message(photo=[{"file_id": "a", "file_unique_id": "b", "width": 1, "height": 1}], caption="me")
    words = said(photo, 99)
    assert words is not None
    assert (words.notes, words.text) == (("[photo]",), "me")
    assert said(_message(chat=GROUP, new_chat_members=[ANN]), 99) is None


def test_opening_of_topic_is_not_replied_to() -> None:
    """Telegram gives it as what the first messages of the topic reply to."""
    opening = {
        "message_id": 6,
        "date": NOON,
        "chat": GROUP,
        "forum_topic_created": {"name": "Trips", "icon_color": 7322096},
    }
    assert replied_to(_message(chat=GROUP, text="hello", reply_to_message=opening)) is None


@dataclass
class Fetched:
    """What stands for ``Attachments``."""

    found: AttachedFiles
    at_once: int = 0
    most_at_once: int = 0
    asked: list[tuple[int, float, int]] = field(default_factory=list)

    def has(self, message: Message) -> bool:
        return message.document is not None

    async def of(self, message: Message, share: float = 1.0, *, tries: int = 3, sees: bool = True) -> AttachedFiles:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await asyncio.sleep(0)
        self.at_once -= 1
        self.asked.append((message.message_id, share, tries))
        return self.found


def _sent(number: int, reply_to: Message | None = None, *, file: bool = True) -> Message:
    document = Document("id", "unique") if file else None
    text = None if file else "look"
    return Message(number, NOW, CHAT, text=text, document=document, reply_to_message=reply_to)


async def _unknown(_: Message) -> bool:
    return False


def _reader(fetched: Fetched) -> MessageReader:
    return MessageReader(fetched, 7)  # type: ignore[arg-type]


async def test_files_of_a_burst_come_one_by_one() -> None:
    fetched = Fetched(NOTHING)
    await _reader(fetched).read([_sent(1), _sent(2, _sent(20)), _sent(3)], _unknown)
    assert fetched.most_at_once == 1
    assert [asked[0] for asked in fetched.asked] == [1, 20, 2, 3]


async def test_pictures_beyond_the_bound_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MOST_HELD", 250)
    fetched = Fetched(AttachedFiles((NewMedium(MediaKind.IMAGE, b"x" * 100, "image/png", 10),)))
    read = await _reader(fetched).read([_sent(number) for number in range(1, 6)], _unknown)
    assert [one.problem for one in read] == [None, None, None, Problem.TOO_MUCH, Problem.TOO_MUCH]
    assert len(fetched.asked) == 3


async def test_files_beyond_their_number_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MOST_FILES", 2)
    read = await _reader(Fetched(NOTHING)).read([_sent(1), _sent(2), _sent(3), _sent(4, file=False)], _unknown)
    assert [one.problem for one in read] == [None, None, Problem.TOO_MUCH, None]


async def test_what_all_answer_is_fetched_once() -> None:
    fetched, target = Fetched(NOTHING), _sent(20)
    await _reader(fetched).read([_sent(number, target, file=False) for number in (1, 2, 3)], _unknown)
    assert [asked[0] for asked in fetched.asked] == [20]


async def test_quoted_documents_share_the_room_too() -> None:
    fetched = Fetched(NOTHING)
    await _reader(fetched).read([_sent(1, _sent(20), file=False), _sent(2, _sent(21)), _sent(3)], _unknown)
    assert {asked[1] for asked in fetched.asked} == {0.25}


async def test_trouble_with_one_file_shortens_the_next() -> None:
    fetched = Fetched(AttachedFiles(problem=Problem.UNREACHABLE))
    await _reader(fetched).read([_sent(1), _sent(2)], _unknown)
    assert [asked[2] for asked in fetched.asked] == [3, 1]


async def test_bursts_of_many_chats_share_the_room() -> None:
    reader, held, most = _reader(Fetched(NOTHING)), 0, 0

    async def one() -> None:
        nonlocal held, most
        async with reader.holding([_sent(number) for number in range(1, 9)]):
            held += 1
            most = max(most, held)
            await asyncio.sleep(0)
            held -= 1

    await asyncio.gather(*(one() for _ in range(9)))
    assert most * reading.MOST_HELD <= reading.MOST_OF_ALL


def _file_message(**held: object) -> Message:
    return Message(1, datetime(2026, 1, 1, tzinfo=UTC), Chat(1, Chat.PRIVATE), **held)  # type: ignore[arg-type]


def _file(name: str | None = "report.exe") -> Message:
    return _file_message(document=Document("f", "u", file_name=name))


PHOTO = _file_message(photo=(PhotoSize("f", "u", 9, 9),))


VOICE = _file_message(voice=Voice("f", "u", 3))


def test_every_problem_has_its_words() -> None:
    assert set(REASONS) == set(Problem) - PARTLY
    for problem in REASONS:
        [words] = remarks(_file(), AttachedFiles(problem=problem))
        assert words.startswith("[file report.exe: not readable: ")
        assert "\n" not in words


def test_it_is_named_as_what_it_is() -> None:
    damaged = AttachedFiles(problem=Problem.UNREADABLE)
    sticker = _file_message(sticker=Sticker("f", "u", 9, 9, is_animated=False, is_video=False, type="regular"))
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
    note, lost = _file_message(video_note=VideoNote("f", "u", 9, 9)), "its sound could not be read"
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
