"""Answers are stopped and begun again from the chat, whenever the word comes."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from unittest.mock import AsyncMock

import pytest

from bot.conversation.answer import AnswerInFlight, Interruption
from bot.handlers.cancellation import Cancellations, StoppedError
from storage import Storage
from storage.chats import Chats
from storage.inbox import RawUpdate
from storage.records import Chat, ChatKey, NewTurn
from storage.transcript import Transcript
from tests.scripted import in_flight

HOME = ChatKey(5)
STOPPED, RESTARTED = Interruption.STOPPED, Interruption.RESTARTED


class Stage:
    """A chat, the registry of what is under way in it, and the steps of an answer by name."""

    def __init__(self, storage: Storage, chat: Chat) -> None:
        self.storage = storage
        self.chat = chat
        self.waits = False
        self.cancellations = Cancellations(storage, has_question=lambda _: self.waits)
        self.answer = in_flight(chat)

    async def ask(self) -> None:
        """Somebody says something that waits for an answer."""
        async with self.storage.transaction() as tx:
            turn = NewTurn("hello", "\n", 1, message_id=7, sender_id=5)
            await self.storage.transcript.append(tx, self.chat.id, [turn], 0.0)

    async def open_updates(self) -> list[int]:
        """The updates that would be handled again after a crash."""
        return [one.update_id for one in await self.storage.inbox.unhandled()]


@pytest.fixture
async def stage(storage: Storage) -> Stage:
    async with storage.transaction() as tx:
        chat = await storage.chats.ensure(tx, HOME, private=True, now=0.0)
        await storage.inbox.add(tx, [RawUpdate(number, "{}") for number in (1, 2)], 0.0)
    return Stage(storage, chat)


@asynccontextmanager
async def written(answer: AnswerInFlight) -> AsyncIterator[None]:
    """While this answer is being written."""
    begun = asyncio.Event()

    async def work() -> None:
        begun.set()
        await asyncio.Event().wait()

    running = asyncio.create_task(answer.run(work()))
    await begun.wait()
    yield
    running.cancel()
    await asyncio.wait([running])


async def stop(stage: Stage, update_id: int) -> bool:
    return await stage.cancellations.stop(HOME, (update_id,))


async def test_nothing_under_way_is_not_stopped(stage: Stage) -> None:
    assert not await stop(stage, 1)
    with stage.cancellations.answering(stage.answer):
        assert stage.answer.interruption is None


async def test_pending_answer_is_stopped_when_it_begins(stage: Stage) -> None:
    await stage.ask()
    assert await stop(stage, 1)
    with stage.cancellations.answering(stage.answer):
        assert (stage.answer.interruption, stage.answer.update_ids) == (STOPPED, (1,))


async def test_answer_to_message_being_read_is_stopped(stage: Stage) -> None:
    with stage.cancellations.asking(HOME):
        assert await stop(stage, 1)
    with stage.cancellations.answering(stage.answer):
        assert (stage.answer.interruption, stage.answer.update_ids) == (STOPPED, (1,))


async def test_question_in_lane_is_skipped_when_asked(stage: Stage) -> None:
    assert not stage.cancellations.stop_waiting(HOME, (1,))
    stage.waits = True
    assert stage.cancellations.stop_waiting(HOME, (1,))
    assert stage.cancellations.stop_waiting(HOME, (2,))
    with stage.cancellations.asking(HOME):
        pass
    with stage.cancellations.answering(stage.answer):
        assert (stage.answer.interruption, stage.answer.update_ids) == (STOPPED, (1, 2))


async def test_answer_being_written_is_stopped(stage: Stage) -> None:
    async with stage.cancellations.processing(HOME):
        with stage.cancellations.answering(stage.answer):
            async with written(stage.answer):
                assert await stop(stage, 1)
    assert (stage.answer.interruption, stage.answer.update_ids) == (STOPPED, (1,))


async def test_stop_of_another_answer_finds_none(stage: Stage) -> None:
    """The button of an earlier answer stops that one only."""
    with stage.cancellations.answering(stage.answer):
        assert not await stage.cancellations.stop(HOME, (1,), stage.answer.reply_id + 1)
        assert await stage.cancellations.stop(HOME, (1,), stage.answer.reply_id)
    assert not await stage.cancellations.stop(HOME, (2,), stage.answer.reply_id)


async def test_written_answer_is_not_stopped_any_more(stage: Stage) -> None:
    with stage.cancellations.answering(stage.answer):
        await stage.answer.run(asyncio.sleep(0))
        assert not await stop(stage, 1)


async def test_second_stop_is_done_with_the_first(stage: Stage) -> None:
    await stage.ask()
    async with stage.cancellations.processing(HOME):
        with stage.cancellations.answering(stage.answer):
            assert await stop(stage, 1)
            assert await stop(stage, 2)
        assert stage.answer.update_ids == (1,)
        assert await stage.open_updates() == [1, 2]
    assert await stage.open_updates() == [1]  # the first one is stored with the answer


async def test_two_stops_before_the_answer_are_one(stage: Stage) -> None:
    await stage.ask()
    assert await stop(stage, 1)
    assert await stop(stage, 2)
    with stage.cancellations.answering(stage.answer):
        assert stage.answer.update_ids == (1, 2)


async def test_stop_before_a_crash_comes_again(stage: Stage) -> None:
    """Its update is open until the answer is stopped: a new process is told of it again."""
    await stage.ask()
    assert await stop(stage, 1)
    assert await stage.open_updates() == [1, 2]
    stage.cancellations = Cancellations(stage.storage)
    assert await stop(stage, 1)
    with stage.cancellations.answering(stage.answer):
        assert stage.answer.update_ids == (1,)


async def test_order_that_finds_nothing_is_done(stage: Stage) -> None:
    async with stage.cancellations.processing(HOME):
        stage.cancellations.stop_next(HOME, (1, 2))
    assert await stage.open_updates() == []
    with stage.cancellations.answering(stage.answer):
        assert stage.answer.interruption is None


async def test_failed_settling_keeps_the_order(stage: Stage) -> None:

    async def fails() -> None:
        async with stage.cancellations.processing(HOME):
            stage.cancellations.stop_next(HOME, (1,))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fails()
    assert await stage.open_updates() == [1, 2]
    with stage.cancellations.answering(stage.answer):
        assert stage.answer.update_ids == (1,)


async def test_answer_that_begins_meanwhile_is_stopped(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    find = Chats.find
    answering = stage.cancellations.answering(stage.answer)

    async def begins(self: Chats, *args: Any) -> Any:
        answering.__enter__()
        return await find(self, *args)

    monkeypatch.setattr(Chats, "find", begins)
    assert await stop(stage, 1)
    assert (stage.answer.interruption, stage.answer.update_ids) == (STOPPED, (1,))


async def test_message_stored_while_stop_looks_is_stopped(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    pending_reply = Transcript.pending_reply
    asking = stage.cancellations.asking(HOME)
    asking.__enter__()

    async def stored_meanwhile(self: Transcript, *args: Any) -> Any:
        found = await pending_reply(self, *args)
        await stage.ask()
        asking.__exit__(None, None, None)
        return found

    monkeypatch.setattr(Transcript, "pending_reply", stored_meanwhile)
    assert await stop(stage, 1)


async def test_new_message_restarts_an_unseen_answer(stage: Stage) -> None:
    with stage.cancellations.answering(stage.answer):
        stage.cancellations.restart_unshown(HOME)
    assert (stage.answer.interruption, stage.answer.update_ids) == (RESTARTED, ())


async def test_new_message_restarts_no_seen_answer(stage: Stage) -> None:
    stage.answer.preview.update("Hel")
    with stage.cancellations.answering(stage.answer):
        stage.cancellations.restart_unshown(HOME)
    assert stage.answer.interruption is None


async def test_message_before_the_answer_restarts_it(stage: Stage) -> None:
    """What was said before is still being stored."""
    stage.cancellations.restart_unshown(HOME)
    with stage.cancellations.answering(stage.answer):
        assert stage.answer.interruption is RESTARTED


async def test_late_restart_does_not_end_the_next_answer(stage: Stage) -> None:
    """A message that comes after the answer, while the turn is looked after, is the next turn itself."""
    async with stage.cancellations.processing(HOME):
        pass
    stage.cancellations.restart_unshown(HOME)
    stage.cancellations.begin(HOME)
    with stage.cancellations.answering(stage.answer):
        assert stage.answer.interruption is None


async def test_beginning_a_batch_keeps_a_stop(stage: Stage) -> None:
    stage.cancellations.stop_next(HOME, (1,))
    stage.cancellations.begin(HOME)
    with stage.cancellations.answering(stage.answer):
        assert stage.answer.interruption is STOPPED


ORDERS: dict[str, list[Callable[[Cancellations], None]]] = {
    "stop, then restart": [lambda one: one.stop_next(HOME, (1,)), lambda one: one.restart_unshown(HOME)],
    "restart, then stop": [lambda one: one.restart_unshown(HOME), lambda one: one.stop_next(HOME, (1,))],
}


@pytest.mark.parametrize("case", ORDERS)
async def test_a_stop_stands_over_a_restart(stage: Stage, case: str) -> None:
    for order in ORDERS[case]:
        order(stage.cancellations)
    with stage.cancellations.answering(stage.answer):
        assert (stage.answer.interruption, stage.answer.update_ids) == (STOPPED, (1,))


@pytest.mark.parametrize(("message_id", "admits", "restarts"), [(7, True, True), (7, False, False), (8, True, False)])
async def test_edited_question_restarts_its_answer(stage: Stage, message_id: int, admits: bool, restarts: bool) -> None:
    await stage.ask()
    with stage.cancellations.answering(stage.answer):
        await stage.cancellations.restart_if_asked(HOME, message_id, AsyncMock(return_value=admits))
    assert stage.answer.interruption is (RESTARTED if restarts else None)


async def test_edit_restarts_no_later_answer(stage: Stage) -> None:
    """The answer under way when it arrived may end before it is known what was asked."""
    await stage.ask()
    later = in_flight(stage.chat)
    with stage.cancellations.answering(stage.answer):
        edit = asyncio.create_task(stage.cancellations.restart_if_asked(HOME, 7, AsyncMock(return_value=True)))
        await asyncio.sleep(0)
    with stage.cancellations.answering(later):
        await edit
    assert stage.answer.interruption is None
    assert later.interruption is None


async def test_work_before_an_answer_is_stopped(stage: Stage) -> None:
    begun = asyncio.Event()

    async def work() -> None:
        begun.set()
        await asyncio.Event().wait()

    reading = asyncio.create_task(stage.cancellations.until_stopped(HOME, work()))
    await begun.wait()
    assert await stop(stage, 1)
    with pytest.raises(StoppedError) as stopped:
        await reading
    assert stopped.value.update_ids == (1,)
    assert not await stop(stage, 2)


async def test_ordered_stop_ends_work_before_it_begins(stage: Stage) -> None:
    stage.cancellations.stop_next(HOME, (1,))
    with pytest.raises(StoppedError) as stopped:
        await stage.cancellations.until_stopped(HOME, asyncio.sleep(0))
    assert stopped.value.update_ids == (1,)
    assert await stage.cancellations.until_stopped(HOME, asyncio.sleep(0, "read")) == "read"


async def test_idle_chats_are_forgotten(stage: Stage) -> None:
    async with stage.cancellations.processing(HOME):
        with stage.cancellations.asking(HOME), stage.cancellations.sending(HOME):
            assert stage.cancellations.is_sending(HOME)
        with stage.cancellations.answering(stage.answer):
            await stop(stage, 1)
    assert not stage.cancellations.is_sending(HOME)
    assert stage.cancellations._active == {}
