"""How answers are ended from the chat: stopped, or begun again because there is more to answer."""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from bot.conversation.generation import AnswerHandle, Interruption
from bot.errors import KeepsakeError
from bot.outbound.preview import Preview
from storage import Storage, Transaction
from storage.records import ChatKey

T = TypeVar("T")


class StoppedError(KeepsakeError):
    """Work before an answer was stopped; the updates that said so are to be done with what it was for."""

    def __init__(self, update_ids: tuple[int, ...]) -> None:
        super().__init__("stopped")
        self.update_ids = update_ids


@dataclass(slots=True)
class RunningWork:
    """A file that is read, a recording that is written down, a summary."""

    task: asyncio.Task[Any]
    update_ids: tuple[int, ...] = ()
    """Those that ended it; none: nobody has."""

    def end(self, update_ids: tuple[int, ...]) -> bool:
        """End it; False when it is done."""
        if self.task.done():
            return False
        self.update_ids += update_ids
        self.task.cancel()
        return True


@dataclass(frozen=True, slots=True)
class RunningAnswer:
    """An answer under way."""

    reply_id: int
    control: AnswerHandle
    preview: Preview
    asking: Collection[int]
    """The messages that it answers."""


@dataclass(slots=True)
class RunningDelivery:
    """What goes out in several messages; it ends when it is not wanted any more."""

    wanted: bool = True

    def is_wanted(self) -> bool:
        """Whether the rest is still to be sent."""
        return self.wanted


@dataclass(frozen=True, slots=True)
class StopOrder:
    """How the next answer is to end, and the updates that say so."""

    ending: Interruption
    update_ids: tuple[int, ...] = ()


@dataclass(slots=True)
class Cancellations:
    """What is under way at which place, and how it is to end."""

    storage: Storage
    _running: dict[ChatKey, RunningAnswer] = field(default_factory=dict)
    _orders: dict[ChatKey, StopOrder] = field(default_factory=dict)
    """How an answer is to end that has not begun yet."""
    _sending: dict[ChatKey, RunningDelivery] = field(default_factory=dict)
    _work: dict[ChatKey, RunningWork] = field(default_factory=dict)
    _stopped: set[ChatKey] = field(default_factory=set)
    """Where an answer was stopped, until all of it is told."""
    _asking: set[ChatKey] = field(default_factory=set)
    """Where a message is being read and stored: an answer will be owed."""
    _ahead: dict[ChatKey, tuple[int, ...]] = field(default_factory=dict)
    """Where the next question is not to be answered, and the updates that say so."""
    waits: Callable[[ChatKey], bool] = field(default=lambda _: False)
    """Whether a question waits in the lane there, or for its rest."""
    broadcasts: set[int] = field(default_factory=set)
    """Those that were stopped: what is about to go out of them does not."""

    async def stop(self, place: ChatKey, update_ids: tuple[int, ...], reply_id: int | None = None) -> bool:
        """End the answer under way at this place, or the one that is owed; False when there is none.

        `reply_id`: only this one. The updates are done together with what they did.
        """
        work, running = self._work.get(place), self._running.get(place)
        if reply_id is None and work is not None and work.end(update_ids):
            return True
        if reply_id is not None and (running is None or running.reply_id != reply_id):
            return False
        owes = running is None and await self._owes(place)
        running = self._running.get(place)  # which may have begun meanwhile
        if place in self._stopped:  # said twice: one answer to both
            self._order(place, update_ids)
        elif running is not None:
            if not running.control.end(Interruption.STOPPED, update_ids):
                return False
        elif owes:
            self._order(place, update_ids)
        else:
            return False
        self._stopped.add(place)
        return True

    async def _owes(self, place: ChatKey) -> bool:
        chat = await self.storage.chats.find(place)
        owed = await self.storage.transcript.owed(chat.id) if chat is not None else None
        return owed is not None or place in self._asking

    def stop_waiting(self, place: ChatKey, update_ids: tuple[int, ...]) -> bool:
        """End the answer to what waits first at this place; False when nothing waits."""
        if not self.waits(place):
            return False
        self._ahead[place] = (*self._ahead.get(place, ()), *update_ids)
        return True

    @contextmanager
    def asking(self, place: ChatKey) -> Iterator[None]:
        """While a message is read and stored: the answer to it will be owed, and can be stopped already."""
        if update_ids := self._ahead.pop(place, ()):
            self.stop_next(place, update_ids)
        self._asking.add(place)
        try:
            yield
        finally:
            self._asking.discard(place)

    def stop_next(self, place: ChatKey, update_ids: tuple[int, ...]) -> None:
        """End the answer that is owed at this place before it begins."""
        self._order(place, update_ids)
        self._stopped.add(place)

    async def until_stopped(self, place: ChatKey, work: Coroutine[Any, Any, T]) -> T:
        """Do what comes before an answer. Raises StoppedError when it was stopped."""
        order = self._orders.get(place)
        if order is not None and order.update_ids:  # before it began
            work.close()
            del self._orders[place]
            raise StoppedError(order.update_ids)
        task = asyncio.create_task(work, name="work that can be stopped")
        under_way = self._work[place] = RunningWork(task)
        try:
            return await task
        except asyncio.CancelledError:
            caller = asyncio.current_task()
            if not under_way.update_ids or (caller is not None and caller.cancelling()):
                raise
            raise StoppedError(under_way.update_ids) from None
        finally:
            self._work.pop(place, None)

    async def stop_sending(self, tx: Transaction, place: ChatKey) -> bool:
        """Send no more of an answer, or of a notice, that takes several messages; False when there is none."""
        chat = await self.storage.chats.find(place)
        answers = await self.storage.transcript.stop_sending(tx, chat.id) if chat else 0
        notices = await self.storage.notices.stop(tx, place)
        stopped = answers + notices > 0
        if stopped and place in self._sending:
            self._sending[place].wanted = False
        return stopped

    async def stop_reply(self, tx: Transaction, place: ChatKey, reply_id: int) -> bool:
        """Send no more of this answer, whose button was pressed when it was written already; False: it is not open."""
        chat = await self.storage.chats.find(place)
        going = await self.storage.deliveries.open(chat.id) if chat else []
        return any(one.reply_id == reply_id for one in going) and await self.stop_sending(tx, place)

    def is_sending(self, place: ChatKey) -> bool:
        """Whether something goes out there right now."""
        return place in self._sending

    @contextmanager
    def sending(self, place: ChatKey) -> Iterator[RunningDelivery]:
        """While this goes out it can be stopped."""
        self._sending[place] = RunningDelivery()
        try:
            yield self._sending[place]
        finally:
            del self._sending[place]

    def restart_unshown(self, place: ChatKey) -> None:
        """Begin the answer again with what has just arrived, unless the user has seen some of it."""
        running = self._running.get(place)
        if running is None:  # what was said before is still being stored
            self._orders.setdefault(place, StopOrder(Interruption.MORE_TO_COME))
        elif not running.preview.shown and running.preview.message_id is None:
            running.control.end(Interruption.MORE_TO_COME)

    def restart_if_asked(self, place: ChatKey, message_id: int, admits: Callable[[], bool]) -> None:
        """End the answer under way when its question was edited; it is begun again with the new words.

        `admits` is asked first; when it does not, the answer to the old words is finished.
        """
        running = self._running.get(place)
        if running is not None and message_id in running.asking and admits():
            running.control.end(Interruption.MORE_TO_COME)

    @contextmanager
    def open_to(self, place: ChatKey, running: RunningAnswer) -> Iterator[None]:
        """While this answer is under way it can be ended; one that was to be ended before it began is."""
        self._running[place] = running
        if order := self._orders.pop(place, None):
            running.control.end(order.ending, order.update_ids)
        try:
            yield
        finally:
            del self._running[place]

    @asynccontextmanager
    async def settling(self, place: ChatKey) -> AsyncIterator[None]:
        """All that is owed at this place is told at the end of this: whatever was to be ended is done."""
        try:
            yield
        finally:
            self._stopped.discard(place)
        order = self._orders.pop(place, None)
        if order is not None and order.update_ids:
            async with self.storage.transaction() as tx:
                await self.storage.inbox.done(tx, order.update_ids)

    def _order(self, place: ChatKey, update_ids: tuple[int, ...]) -> None:
        """An answer that has not begun is to be stopped; updates that said so before are kept."""
        said = self._orders.get(place, StopOrder(Interruption.STOPPED)).update_ids
        self._orders[place] = StopOrder(Interruption.STOPPED, (*said, *update_ids))
