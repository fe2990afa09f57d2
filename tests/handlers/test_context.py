"""The context of an update: made once, and finished in one transaction."""

from datetime import UTC, datetime

import pytest
from telegram import CallbackQuery, Chat, Message, Update, User

from bot.handlers.context import (
    UNFINISHED,
    ButtonContext,
    MessageContext,
    PressContext,
    UpdateContext,
    UpdateProgress,
    argument,
    context_of,
    ensure_finished,
)
from bot.updates.parsing import MessageBatch
from storage import Storage
from storage.inbox import RawUpdate
from storage.records import ChatKey

AT = datetime.fromtimestamp(1_700_000_000, UTC)
ANN = User(5, "Ann", is_bot=False, language_code="es")
HOME = Chat(5, Chat.PRIVATE)
MESSAGE = Message(7, AT, HOME, from_user=ANN, text="hello")
BATCH = MessageBatch(ChatKey(5), (MESSAGE,), (1, 2))


async def _received(storage: Storage, *numbers: int) -> None:
    async with storage.transaction() as tx:
        await storage.inbox.add(tx, [RawUpdate(number, "{}") for number in numbers], 0.0)


async def _open(storage: Storage) -> list[int]:
    return [one.update_id for one in await storage.inbox.unhandled()]


async def _context(storage: Storage) -> UpdateContext:
    return await context_of(BATCH, UpdateProgress(storage))


async def _half(update: MessageContext) -> None:
    async with update.finish() as tx:
        await update.reply(tx, "half")
        raise ZeroDivisionError


async def test_what_an_update_does_and_done_are_one(storage: Storage) -> None:
    await _received(storage, 1, 2, 3, 4)
    update = await _context(storage)
    assert isinstance(update, MessageContext)
    with pytest.raises(ZeroDivisionError):
        await _half(update)
    assert await _open(storage) == [1, 2, 3, 4]
    assert update.progress.unfinished(update.update_ids) == [1, 2]
    async with update.finish(also=[3]) as tx:
        await update.reply(tx, "done")
    assert await _open(storage) == [4]
    assert [notice.text for _, notice in await storage.outbox.notices(ChatKey(5))] == ["done"]
    assert update.progress.unfinished(update.update_ids) == []


async def test_a_forgotten_update_is_logged_and_finished(storage: Storage, caplog: pytest.LogCaptureFixture) -> None:
    await _received(storage, 1, 2)
    update = await _context(storage)
    await ensure_finished(update)
    assert [record.msg for record in caplog.records] == [UNFINISHED]
    assert await _open(storage) == []
    await ensure_finished(update)
    assert len(caplog.records) == 1


async def test_what_is_handed_over_stays_open(storage: Storage, caplog: pytest.LogCaptureFixture) -> None:
    await _received(storage, 1, 2)
    update = await _context(storage)
    update.hand_over()
    await ensure_finished(update)
    assert await _open(storage) == [1, 2]
    assert caplog.records == []


async def test_a_part_finishes_only_its_own(storage: Storage) -> None:
    await _received(storage, 1, 2)
    update = await _context(storage)
    assert isinstance(update, MessageContext)
    part = await update.part(MessageBatch(ChatKey(5), (MESSAGE,), (2,)))
    await part.say(None)
    assert await _open(storage) == update.progress.unfinished(update.update_ids) == [1]


async def test_the_kind_of_update_decides_the_context(storage: Storage) -> None:
    under = Message(8, AT, HOME, from_user=User(99, "Keepsake", is_bot=True))
    for update, kind in (
        (Update(1, message=MESSAGE), MessageContext),
        (Update(1, edited_message=MESSAGE), MessageContext),
        (Update(1, callback_query=CallbackQuery("1", ANN, "1", under, "stop:1")), ButtonContext),
        (Update(1, callback_query=CallbackQuery("1", ANN, "1", None, "stop:1")), PressContext),
        (Update(1), UpdateContext),
    ):
        assert type(await context_of(update, UpdateProgress(storage))) is kind


async def test_a_chat_is_answered_in_its_language(storage: Storage) -> None:
    first = await _context(storage)
    assert (first.chat, first.language, first.key, first.user) == (None, "es", ChatKey(5), ANN)
    async with storage.transaction() as tx:
        await storage.chats.ensure(tx, ChatKey(5), private=True, now=0.0)
    second = await _context(storage)
    assert second.chat is not None
    stopped = Update(9, api_kwargs={"stopped_message_generation": {"chat": {"id": 5}, "draft_id": 3}})
    assert (await context_of(stopped, UpdateProgress(storage))).chat == second.chat


@pytest.mark.parametrize(
    "text", ["/summary 50", "/summary  50\n", "/summary 50\u2069", "/summary \u200f\u206650\u2069"]
)
def test_argument_copied_from_arabic_is_plain(text: str) -> None:
    """Arabic texts enclose their examples in marks that nobody sees."""
    assert argument(Message(8, AT, HOME, from_user=ANN, text=text)) == "50"
