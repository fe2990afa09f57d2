"""The files of a burst: one after the other, and no more of them than a turn can hold."""

import asyncio
import datetime as dt
from dataclasses import dataclass, field

import pytest
from telegram import Chat, Document, Message

from bot.inbound import reading
from bot.inbound.attachments import NOTHING, AttachedFiles
from bot.inbound.problems import Problem
from bot.inbound.reading import MessageReader
from storage.records import MediaKind, NewMedium

CHAT = Chat(1, Chat.PRIVATE)
NOW = dt.datetime.fromtimestamp(1_700_000_000, dt.UTC)


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
