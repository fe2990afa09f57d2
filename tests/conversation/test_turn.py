"""One turn: what is in the database after each way in which an answer may end."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC
from typing import Any, cast

import pytest

from bot.conversation.answer import AnswerInFlight, AnswerState
from bot.conversation.budget import Budget
from bot.conversation.prompt_builder import Request
from bot.conversation.speaker_prefix import SpeakerPrefix
from bot.conversation.turn import Conversation
from bot.conversation.usage_recorder import UsageRecorder
from bot.errors import KeepsakeError, WrongKey
from bot.language import texts
from bot.llm.interface import Message
from bot.llm.stream_events import AudioDelta, ResponseStored, TextDelta
from bot.llm.stream_events import Usage as Reported
from storage import Storage
from storage.inbox import RawUpdate
from storage.records import Chat, ChatKey, FileKind, NewTurn, Role, Usage
from storage.transcript import PendingReply
from tests.conversation.test_answer_basis import contents
from tests.conversation.test_budget import never, no_price
from tests.scripted import Script, ScriptedModel, SeenPreview, says

HOME = ChatKey(5)
ASKED = (Message("user", "hello"),)
NOTHING = Usage(0, 0, 0)
REPORTED = Reported(10, 0, 2)


async def speaks(samples: bytes) -> bytes:
    return b"ogg " + samples


async def breaks(_: bytes) -> bytes:
    raise KeepsakeError("no encoder")


class Attempts:
    """Asks a scripted model, once; `then` is called before the answer is whole."""

    def __init__(self, *scripts: Script, then: Callable[[AnswerInFlight], None] = lambda _: None) -> None:
        self.model = ScriptedModel(list(scripts))
        self._then = then

    async def write(self, answer: AnswerInFlight) -> None:
        answer.request = Request(self.model, ASKED, 40, marked=True, lasting=True, contents=contents())
        await answer.generation.write(self.model, ASKED)
        self._then(answer)
        await asyncio.sleep(0)


class Turn:
    """A chat in which somebody has asked something."""

    def __init__(self, storage: Storage, chat: Chat) -> None:
        self.storage = storage
        self.chat = chat
        self.preview = SeenPreview()
        self.voice_note: Callable[[bytes], Awaitable[bytes]] = speaks

    async def pending(self) -> PendingReply | None:
        return await self.storage.transcript.pending_reply(self.chat.id)

    async def answer(self, attempts: Attempts) -> AnswerInFlight:
        """Have it answered by these attempts."""
        conversation = Conversation(
            self.storage,
            attempts=cast("Any", attempts),
            usage=UsageRecorder(self.storage.usage, UTC, lambda: 0.0),
            budget=Budget(self.storage.database, self.storage.usage, {}, no_price, never, UTC, lambda: 0.0),
            prefix=SpeakerPrefix(),
            count_tokens=len,
            bound=5.0,
            voice_note=self.voice_note,
            clock=lambda: 0.0,
        )
        pending = await self.pending()
        assert pending is not None
        answer = await conversation.begin(self.chat, pending, lambda _: self.preview)
        await conversation.answer(answer)
        return answer

    async def said(self) -> list[str]:
        """The answers that the prompt has."""
        turns = await self.storage.history.latest(self.chat.id, after_turn=0, since=0.0, limit=9)
        return [turn.content for turn in turns if turn.role is Role.ASSISTANT]

    async def notices(self) -> list[str]:
        return [notice.text for _, notice in await self.storage.outbox.notices(HOME)]

    async def used(self) -> Usage:
        """What is booked for the chat's owner, with the requests that are estimated."""
        return (await self.storage.usage.by_telegram_chat()).get(HOME.telegram_id, NOTHING)

    async def open_updates(self) -> list[int]:
        return [one.update_id for one in await self.storage.inbox.unhandled()]


@pytest.fixture
async def turn(storage: Storage) -> Turn:
    async with storage.transaction() as tx:
        chat = await storage.chats.ensure(tx, HOME, private=True, now=0.0)
        asked = NewTurn("hello", "\n", 1, message_id=7, sender_id=5)
        await storage.transcript.append(tx, chat.id, [asked], 0.0)
        await storage.inbox.add(tx, [RawUpdate(1, "{}")], 0.0)
    return Turn(storage, chat)


async def test_written_answer_is_stored_with_its_cost(turn: Turn) -> None:
    answer = await turn.answer(Attempts(says("Hi", usage=REPORTED)))
    assert answer.state is AnswerState.WRITTEN
    assert (await turn.said(), await turn.pending(), await turn.notices()) == (["Hi"], None, [])
    assert await turn.used() == Usage(10, 0, 2)
    found = await turn.storage.bases.of(turn.chat, answer.reply_id)
    assert found is not None
    assert not turn.preview.is_open


async def test_answer_is_shown_until_it_is_stored(turn: Turn) -> None:
    shown: list[bool] = []

    async def note(samples: bytes) -> bytes:
        shown.append(turn.preview.is_open)
        return samples

    turn.voice_note = note
    await turn.answer(Attempts([AudioDelta(b"hi"), *says("Hi")]))
    assert shown == [True]


async def test_answer_without_a_report_is_estimated(turn: Turn) -> None:
    await turn.answer(Attempts(says("Hi")))
    assert await turn.used() == Usage(40, 0, 2, estimated=1)


async def test_stopped_answer_is_stored_as_far_as_said(turn: Turn) -> None:
    answer = await turn.answer(Attempts(says("Hi"), then=lambda one: void(one.stop((1,)))))
    assert answer.state is AnswerState.INTERRUPTED
    assert (await turn.said(), await turn.pending(), await turn.open_updates()) == (["Hi"], None, [])
    assert await turn.used() == Usage(40, 0, 2, estimated=1)


async def test_stop_before_the_first_word_gives_up(turn: Turn) -> None:
    def stop(answer: AnswerInFlight) -> None:
        answer.generation.text = ""
        answer.stop((1,))

    await turn.answer(Attempts(says("Hi"), then=stop))
    assert (await turn.said(), await turn.pending()) == ([], None)
    assert (await turn.notices(), await turn.open_updates()) == ([texts.STOPPED], [])
    assert await turn.used() == Usage(40, 0, 2, estimated=1)


async def test_restarted_answer_is_pending_and_paid_for(turn: Turn) -> None:
    answer = await turn.answer(Attempts(says("Hi", usage=REPORTED), then=lambda one: void(one.restart())))
    pending = await turn.pending()
    assert pending is not None
    assert pending.reply_id == answer.reply_id
    assert (await turn.said(), await turn.notices(), await turn.open_updates()) == ([], [], [1])
    assert await turn.used() == Usage(10, 0, 2)


async def test_failed_answer_is_pending_and_paid_for(turn: Turn) -> None:
    with pytest.raises(WrongKey):
        await turn.answer(Attempts([TextDelta("H"), WrongKey("401")]))
    assert await turn.pending() is not None
    assert await turn.said() == []
    assert await turn.used() == Usage(40, 0, 1, estimated=1)


async def test_end_of_process_keeps_what_was_said(turn: Turn) -> None:
    waiting = asyncio.Event()
    answering = asyncio.create_task(turn.answer(Attempts([TextDelta("H"), waiting])))
    await turn.preview.seen.wait()
    answering.cancel()
    with pytest.raises(asyncio.CancelledError):
        await answering
    pending = await turn.pending()
    assert pending is not None
    assert await turn.used() == Usage(40, 0, 1, estimated=1)
    assert await turn.open_updates() == [1]


async def test_begun_reply_is_taken_up_again(turn: Turn) -> None:
    first = await turn.answer(Attempts(says("Hi"), then=lambda one: void(one.restart())))
    second = await turn.answer(Attempts(says("Hi again")))
    assert second.reply_id == first.reply_id
    assert await turn.said() == ["Hi again"]


async def test_stored_responses_are_noted_whatever_happens(turn: Turn) -> None:
    with pytest.raises(WrongKey):
        await turn.answer(Attempts([ResponseStored("https://example.org/1"), WrongKey("401")]))
    async with turn.storage.transaction() as tx:
        await turn.storage.servers.delete_responses_of(tx, turn.chat.id)
    assert await turn.storage.servers.due_responses("https://", 1.0, 9) == ["https://example.org/1"]


@pytest.mark.parametrize(("note", "files"), [(speaks, [FileKind.VOICE]), (breaks, [])], ids=["made", "not made"])
async def test_spoken_answer_is_sent_as_voice_message(
    turn: Turn, note: Callable[[bytes], Awaitable[bytes]], files: list[FileKind]
) -> None:
    turn.voice_note = note
    await turn.answer(Attempts([AudioDelta(b"hi"), *says("Hi")]))
    waiting = await turn.storage.outbox.notices(HOME)
    assert [notice.file.kind for _, notice in waiting if notice.file is not None] == files
    assert await turn.said() == ["Hi"]


def void(_: bool) -> None: ...
