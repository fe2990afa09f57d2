"""What is in progress in each chat, so that it can be stopped, or started again because there is more to answer.

An answer goes through these steps:

1. ``asking``: a message is read and stored. Reading it can be stopped (``until_stopped``).
2. The answer is pending: it is recorded in the database, but not being written yet.
3. ``answering``: it is in flight, and ends in one of the ways described at AnswerInFlight.
4. ``sending``: it is delivered, in several messages if it is long.
5. ``processing`` ends: everything that was pending in the chat is done.

A stop or restart during steps 1 and 2 is kept as a StopOrder until step 3, and carried out there. The updates that
ordered it are marked as done together with its effect, or in step 5 if there was nothing to stop, so that an order from
before a crash is repeated after it. During steps 3 to 5 a second stop joins the first one.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from bot.conversation.answer import AnswerInFlight, Interruption, StopOrder
from bot.errors import KeepsakeError
from storage import Storage, Transaction
from storage.records import ChatKey

T = TypeVar("T")


class StoppedError(KeepsakeError):
    """Work before an answer was stopped; `update_ids` stopped it, and are finished along with those it was for."""

    def __init__(self, update_ids: tuple[int, ...]) -> None:
        super().__init__("stopped")
        self.update_ids = update_ids


@dataclass(slots=True)
class RunningWork:
    """Reading a file, transcribing a recording, or writing a summary."""

    task: asyncio.Task[Any]
    update_ids: tuple[int, ...] = ()
    """The updates that stopped it; empty if it was not stopped."""

    def end(self, update_ids: tuple[int, ...]) -> bool:
        """Stop it; False if it is already done."""
        if self.task.done():
            return False
        self.update_ids += update_ids
        self.task.cancel()
        return True


@dataclass(slots=True)
class RunningDelivery:
    """The delivery of something in several messages, which ends once it is no longer wanted."""

    wanted: bool = True

    def is_wanted(self) -> bool:
        """Whether the rest is still to be sent."""
        return self.wanted


@dataclass(slots=True)
class ChatActivity:
    """What is in progress in one chat."""

    work: RunningWork | None = None
    answer: AnswerInFlight | None = None
    delivery: RunningDelivery | None = None
    order: StopOrder | None = None
    """A stop or restart of the next answer."""
    asking: bool = False
    """Whether a message is being read and stored, so that an answer will be pending."""
    stopped: bool = False
    """Whether an answer was stopped, and other pending work is not done yet."""
    skips: tuple[int, ...] = ()
    """Updates that stop the answer to the next question."""


class Cancellations:
    """What is in progress, by chat."""

    def __init__(self, storage: Storage, has_question: Callable[[ChatKey], bool] = lambda _: False) -> None:
        """`has_question`: whether a question is waiting in the chat's lane, or for its remaining parts."""
        self._stopped_broadcasts: set[int] = set()
        self._has_question = has_question
        self._database = storage.database
        self._chats, self._transcript, self._edits = storage.chats, storage.transcript, storage.edits
        self._outbox, self._inbox = storage.outbox, storage.inbox
        self._active: dict[ChatKey, ChatActivity] = {}

    async def stop(
        self, key: ChatKey, update_ids: tuple[int, ...], reply_id: int | None = None, tx: Transaction | None = None
    ) -> bool:
        """Stop the answer in flight, or the pending one; False if there is none.

        `reply_id`: stop only this one. The updates are marked as done together with the effect.
        """
        chat = self._peek(key)
        if reply_id is None and chat.work is not None and chat.work.end(update_ids):
            return True
        if reply_id is not None and (chat.answer is None or chat.answer.reply_id != reply_id):
            return False
        pending = chat.answer is None and await self._is_pending(key, tx)
        chat = self._peek(key)  # the answer may have begun in the meantime
        if chat.stopped:  # stopped twice: one reply to both
            self._order_stop(key, update_ids)
        elif chat.answer is not None:
            if not chat.answer.stop(update_ids):
                return False
        elif pending:
            self._order_stop(key, update_ids)
        else:
            return False
        self._of(key).stopped = True
        return True

    def is_waiting(self, key: ChatKey) -> bool:
        """Whether a question waits in this chat that is not being read yet."""
        return self._has_question(key)

    def stop_waiting(self, key: ChatKey, update_ids: tuple[int, ...]) -> bool:
        """Stop the answer to the first question waiting in this chat's lane; False if there is none."""
        if not self._has_question(key):
            return False
        chat = self._of(key)
        chat.skips = (*chat.skips, *update_ids)
        return True

    def stop_next(self, key: ChatKey, update_ids: tuple[int, ...]) -> None:
        """Stop the pending answer before it begins."""
        self._order_stop(key, update_ids)
        self._of(key).stopped = True

    async def stop_sending(self, tx: Transaction, key: ChatKey) -> bool:
        """Stop delivering answers and notices that take several messages; False if there is nothing to stop."""
        chat = await self._chats.find(key, tx)
        answers = await self._transcript.stop_sending(tx, chat.id) if chat else 0
        notices = await self._outbox.stop(tx, key)
        stopped, delivery = answers + notices > 0, self._peek(key).delivery
        if stopped and delivery is not None:
            delivery.wanted = False
        return stopped

    async def stop_reply(self, tx: Transaction, key: ChatKey, reply_id: int) -> bool:
        """Stop delivering this answer, whose button was pressed after it was written; False if it is delivered."""
        chat = await self._chats.find(key, tx)
        unsent = await self._outbox.deliveries(chat.id, tx) if chat else []
        return any(reply.reply_id == reply_id for reply in unsent) and await self.stop_sending(tx, key)

    def stop_broadcasts(self, numbers: Iterable[int]) -> None:
        """Stop these broadcasts, including messages that are about to be sent."""
        self._stopped_broadcasts.update(numbers)

    def is_broadcast_wanted(self, number: int) -> bool:
        """Whether the rest of a broadcast is still to be sent."""
        return number not in self._stopped_broadcasts

    def restart_unshown(self, key: ChatKey) -> None:
        """Start the answer again with what has just arrived, unless the user has already seen some of it."""
        chat = self._of(key)
        if chat.answer is not None:
            chat.answer.restart_unshown()
        elif chat.order is None:  # the earlier messages are still being stored
            chat.order = StopOrder(Interruption.RESTARTED)

    def begin(self, key: ChatKey) -> None:
        """Called before a batch from the lane is handled.

        A restart that was ordered because of this batch, but after the previous turn was over, has nothing to restart
        any more, and would end the answer to this batch itself.
        """
        chat = self._peek(key)
        if chat.order is not None and not chat.order.update_ids:
            chat.order = None
            self._tidy(key)

    async def restart_if_asked(self, key: ChatKey, message_id: int, admits: Callable[[], Awaitable[bool]]) -> None:
        """Start the answer again if its question was edited.

        `admits` is the rate limit; if it refuses, the answer to the old text is finished.
        """
        answer = self._peek(key).answer
        if answer is None:
            return
        asked = await self._edits.last_asked(answer.chat.id)
        if message_id not in asked or self._peek(key).answer is not answer:
            return
        if await admits() and self._peek(key).answer is answer:
            answer.restart()

    def is_sending(self, key: ChatKey) -> bool:
        """Whether something is being delivered in this chat."""
        return self._peek(key).delivery is not None

    async def until_stopped(self, key: ChatKey, work: Coroutine[Any, Any, T]) -> T:
        """Do work that precedes an answer. Raises StoppedError if it was stopped."""
        chat = self._of(key)
        if chat.order is not None and chat.order.update_ids:  # stopped before it began
            work.close()
            order, chat.order = chat.order, None
            raise StoppedError(order.update_ids)
        task = asyncio.create_task(work, name="work that can be stopped")
        running = chat.work = RunningWork(task)
        try:
            return await task
        except asyncio.CancelledError:
            caller = asyncio.current_task()
            if not running.update_ids or (caller is not None and caller.cancelling()):
                raise
            raise StoppedError(running.update_ids) from None
        finally:
            self._of(key).work = None
            self._tidy(key)

    @contextmanager
    def asking(self, key: ChatKey) -> Iterator[None]:
        """Wraps reading and storing a message, during which the answer to it can already be stopped."""
        chat = self._of(key)
        if chat.skips:
            update_ids, chat.skips = chat.skips, ()
            self.stop_next(key, update_ids)
        chat.asking = True
        try:
            yield
        finally:
            self._of(key).asking = False
            self._tidy(key)

    @contextmanager
    def answering(self, answer: AnswerInFlight) -> Iterator[None]:
        """Wraps writing an answer, which can be interrupted; an earlier order is carried out at once."""
        chat = self._of(key := answer.chat.key)
        chat.answer = answer
        if chat.order is not None:
            order, chat.order = chat.order, None
            answer.interrupt(order)
        try:
            yield
        finally:
            self._of(key).answer = None
            self._tidy(key)

    @contextmanager
    def sending(self, key: ChatKey) -> Iterator[RunningDelivery]:
        """Wraps a delivery that can be stopped."""
        delivery = self._of(key).delivery = RunningDelivery()
        try:
            yield delivery
        finally:
            self._of(key).delivery = None
            self._tidy(key)

    @asynccontextmanager
    async def processing(self, key: ChatKey) -> AsyncIterator[None]:
        """Wraps processing what is pending in a chat; afterwards, orders that found nothing to stop are done, too."""
        try:
            yield
        finally:
            self._of(key).stopped = False
            self._tidy(key)
        chat = self._of(key)
        order, chat.order = chat.order, None
        self._tidy(key)
        if order is not None and order.update_ids:
            async with self._database.transaction() as tx:
                await self._inbox.done(tx, order.update_ids)

    async def _is_pending(self, key: ChatKey, tx: Transaction | None) -> bool:
        if self._peek(key).asking:  # it may be stored while this looks
            return True
        chat = await self._chats.find(key, tx)
        pending = await self._transcript.pending_reply(chat.id, tx) if chat is not None else None
        return pending is not None or self._peek(key).asking

    def _order_stop(self, key: ChatKey, update_ids: tuple[int, ...]) -> None:
        """Stop the next answer, on behalf of these updates and of earlier ones that ordered a stop."""
        chat = self._of(key)
        before = chat.order.update_ids if chat.order else ()
        chat.order = StopOrder(Interruption.STOPPED, (*before, *update_ids))

    def _of(self, key: ChatKey) -> ChatActivity:
        return self._active.setdefault(key, ChatActivity())

    def _peek(self, key: ChatKey) -> ChatActivity:
        return self._active.get(key) or ChatActivity()

    def _tidy(self, key: ChatKey) -> None:
        if self._active.get(key) == ChatActivity():
            del self._active[key]
