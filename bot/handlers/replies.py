"""What a conversation is owed: answers, their delivery, and notices.

All of it is read from the database, so that the same steps serve a fresh message and a restart.
"""

import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from telegram import ForceReply, InlineKeyboardButton, InlineKeyboardMarkup
from telegram.error import ChatMigrated, Forbidden

from bot.conversation.control import Control, Ending
from bot.conversation.presses import RETRY, STOP
from bot.conversation.turn import Conversation
from bot.conversation.upkeep import Upkeep
from bot.errors import BudgetSpent, ModelError, Undeliverable
from bot.handlers.alarm import Alarm
from bot.handlers.budget import Hints
from bot.language import sentence, texts
from bot.outbound.content import Attachment, Document, Photo, Voice
from bot.outbound.delivery import Part, Sender
from bot.outbound.destination import Destination
from bot.outbound.stream import Preview
from storage import Storage, until_stored
from storage.records import Button, Chat, Delivery, File, FileKind, Notice, Place
from storage.transcript import Owed

MOST_DETAILS = 300
"""Characters of what a server said about a failure: it may quote the request."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Running:
    """An answer under way."""

    reply_id: int
    control: Control
    preview: Preview
    asking: Collection[int]
    """The messages that it answers."""


@dataclass(frozen=True, slots=True)
class Order:
    """How the next answer is to end, and the updates that say so."""

    ending: Ending
    update_ids: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Replies:
    """Settles what conversations are owed."""

    storage: Storage
    conversation: Conversation
    sender: Sender
    upkeep: Upkeep
    alarm: Alarm
    hints: Hints
    running: dict[Place, Running] = field(default_factory=dict)
    orders: dict[Place, Order] = field(default_factory=dict)
    """How an answer is to end that has not begun yet."""
    stopped: set[Place] = field(default_factory=set)
    """Where an answer was stopped, until all of it is told."""

    async def settle(self, place: Place) -> None:
        """Give the answer that is owed at this place, deliver what is stored, send the notices. Raises StorageError."""
        chat = await self.storage.chats.find(place)
        if chat is not None and chat.gone:
            return
        try:
            await self._give(place, chat)
        finally:
            self.stopped.discard(place)
        await self._forget_order(place)
        if chat is not None:
            await self.upkeep.look_after(chat.id)

    async def stop(self, place: Place, update_ids: tuple[int, ...], reply_id: int | None = None) -> bool:
        """End the answer under way at this place, or the one that is owed; False when there is none.

        `reply_id`: only this one.
        """
        running = self.running.get(place)
        if reply_id is not None and (running is None or running.reply_id != reply_id):
            return False
        if place in self.stopped:  # said twice: one answer to both
            self._order(place, update_ids)
        elif running is not None:
            if not running.control.end(Ending.STOPPED, update_ids):
                return False
        else:
            chat = await self.storage.chats.find(place)
            if chat is None or await self.storage.transcript.owed(chat.id) is None:
                return False
            self._order(place, update_ids)
        self.stopped.add(place)
        return True

    def restart_unshown(self, place: Place) -> None:
        """Begin the answer again with what has just arrived, unless the user has seen some of it."""
        running = self.running.get(place)
        if running is None:  # what was said before is still being stored
            self.orders.setdefault(place, Order(Ending.MORE_TO_COME))
        elif not running.preview.shown and running.preview.message_id is None:
            running.control.end(Ending.MORE_TO_COME)

    def restart_if_asked(self, place: Place, message_id: int) -> None:
        """End the answer under way when its question was edited; it is begun again with the new words."""
        running = self.running.get(place)
        if running is not None and message_id in running.asking:
            running.control.end(Ending.MORE_TO_COME)

    async def _give(self, place: Place, chat: Chat | None) -> None:
        await self._notify(place)  # what is told about a message comes before the answer to it
        if chat is None:
            return
        await self._answer(chat)
        for delivery in await self.storage.deliveries.open(chat.id):
            await self._deliver(chat, delivery)
        await self._clear_replaced(chat)
        await self._notify(place)

    async def _answer(self, chat: Chat) -> None:
        owed = await self.storage.transcript.owed(chat.id)
        if owed is None:
            return
        reply_id = await self.conversation.begin(chat, owed)
        preview, control = self._preview(chat, owed, reply_id), Control()
        asking = await self.storage.edits.last_asked(chat.id) | set(await self.storage.transcript.asking(chat.id))
        self.running[chat.place] = Running(reply_id, control, preview, asking)
        if order := self.orders.pop(chat.place, None):
            control.end(order.ending, order.update_ids)
        try:
            async with preview:
                answer = await self.conversation.answer(chat, owed, reply_id, preview, control)
            if control.ending is not None:
                shown = None if owed.in_place else preview.message_id
                end = partial(self.conversation.end, chat, reply_id, answer, control, shown)
                await until_stored(end)
            await self.alarm.hear(answer.draft.helper.failure if answer.draft.helper else None)
            for other in await self.hints.give(chat):
                self.alarm.settle(other)
        except ModelError as exc:
            _log(chat.id, exc)
            await self.alarm.hear(exc)
            await self._give_up(chat, owed, sentence(exc), preview.message_id)
        finally:
            del self.running[chat.place]

    def _order(self, place: Place, update_ids: tuple[int, ...]) -> None:
        """An answer that has not begun is to be stopped; updates that said so before are kept."""
        said = self.orders.get(place, Order(Ending.STOPPED)).update_ids
        self.orders[place] = Order(Ending.STOPPED, (*said, *update_ids))

    async def _forget_order(self, place: Place) -> None:
        order = self.orders.pop(place, None)
        if order is not None and order.update_ids:
            async with self.storage.transaction() as tx:
                await self.storage.inbox.done(tx, order.update_ids)

    def _preview(self, chat: Chat, owed: Owed, reply_id: int) -> Preview:
        async def begun(message_id: int) -> None:
            async with self.storage.transaction() as tx:
                await self.storage.deliveries.begun(tx, reply_id, message_id)

        to = _destination(chat.place, chat.private, owed.reply_to)
        keyboard = markup([Button(texts.STOP, f"{STOP}{reply_id}")])
        return self.sender.preview(to, reply_id, begun=owed.begun, on_begun=begun, keyboard=keyboard)

    async def _give_up(self, chat: Chat, owed: Owed, text: str, shown_in: int | None) -> None:
        """Say why there is no answer, where it was to stand, with a button to try again."""
        last = await self.storage.edits.last_exchange(chat.id)
        buttons = (
            (Button(texts.RETRY, f"{RETRY}{max(last.turn_ids)}"),) if last.turn_ids and last.reply_id is None else ()
        )
        notice = Notice(
            place=chat.place,
            private=chat.private,
            text=text,
            reply_to=owed.reply_to,
            edits=None if owed.in_place else shown_in or owed.begun,
            buttons=buttons,
        )
        async with self.storage.transaction() as tx:
            await self.storage.transcript.give_up(tx, chat.id)
            await self.storage.notices.add(tx, notice)

    async def _deliver(self, chat: Chat, delivery: Delivery) -> None:
        async def record(part: Part) -> None:
            async with self.storage.transaction() as tx:
                await self.storage.deliveries.delivered(tx, delivery.reply_id, part.message_id, part.end)

        async def arrived(part: Part) -> None:  # what has arrived must not be sent again
            await until_stored(partial(record, part))

        to = _destination(chat.place, chat.private, delivery.reply_to)
        try:
            await self.sender.deliver(to, delivery.content, arrived, offset=delivery.end, begun=delivery.begun)
        except Undeliverable as exc:
            if (moved := await self._moved(chat.place, exc)) is not None:
                await self._deliver(replace(chat, place=moved), replace(delivery, begun=None, reply_to=None))
                return
            log.warning("A reply in chat %d can't be delivered: %s", chat.id, exc)
        async with self.storage.transaction() as tx:
            await self.storage.deliveries.sent(tx, delivery.reply_id)

    async def _moved(self, place: Place, exc: Undeliverable) -> Place | None:
        """Where the chat is now, when Telegram refused because it has moved; a bot that was removed is quiet there."""
        cause = exc.__cause__
        async with self.storage.transaction() as tx:
            if isinstance(cause, ChatMigrated):
                await self.storage.presence.migrate(tx, place.telegram_id, cause.new_chat_id)
                return replace(place, telegram_id=cause.new_chat_id)
            if isinstance(cause, Forbidden):
                await self.storage.presence.left(tx, place.telegram_id)
        return None

    async def _clear_replaced(self, chat: Chat) -> None:
        messages = await self.storage.deliveries.replaced(chat.id)
        if messages is None:
            return
        await self.sender.delete(chat.place.telegram_id, messages)
        async with self.storage.transaction() as tx:
            await self.storage.deliveries.drop_replaced(tx, chat.id)

    async def _notify(self, place: Place) -> None:
        for notice_id, notice in await self.storage.notices.waiting(place):
            await self._tell(notice_id, notice)

    async def _tell(self, notice_id: int, notice: Notice) -> None:
        message_id = None
        try:
            message_id = await self._send(notice)
        except Undeliverable as exc:
            if (moved := await self._moved(notice.place, exc)) is not None:
                await self._tell(notice_id, replace(notice, place=moved, reply_to=None, edits=None))
                return
            log.warning("A notice can't be delivered: %s", exc)
        async with self.storage.transaction() as tx:
            if message_id is None:
                await self.storage.notices.forget(tx, notice_id)
            else:
                await self.storage.notices.sent(tx, notice_id, message_id)

    async def _send(self, notice: Notice) -> int:
        to = _destination(notice.place, notice.private, notice.reply_to)
        if notice.file is not None:
            return await self.sender.upload(to, _attachment(notice.file, notice.text), _markup(notice))
        if not notice.markdown:
            below = _markup(notice)
            return await self.sender.notice(
                to, notice.text, below, notice.edits, quote=notice.quote, literals=notice.literals
            )
        parts: list[Part] = []

        async def arrived(part: Part) -> None:
            parts.append(part)

        await self.sender.deliver(to, notice.text, arrived)
        return parts[-1].message_id


def _log(chat_id: int, exc: ModelError) -> None:
    fields = {"chat": chat_id, "kind": type(exc).__name__, "model": exc.model, "request": exc.request_id}
    details = " ".join(str(exc).split())[:MOST_DETAILS]
    named = ", ".join(f"{name} {value}" for name, value in fields.items() if value)
    level = logging.INFO if isinstance(exc, BudgetSpent) else logging.WARNING
    log.log(level, "No answer from the model (%s): %s", named, details, extra={"fields": fields})


def _destination(place: Place, private: bool, reply_to: int | None) -> Destination:
    return Destination(place.telegram_id, private, place.thread_id or None, None if private else reply_to)


def _attachment(file: File, caption: str) -> Attachment:
    if file.kind is FileKind.PHOTO:
        return Photo(file.data, caption)
    if file.kind is FileKind.VOICE:
        return Voice(file.data, caption)
    return Document(file.data, file.name or "file", caption)


def _markup(notice: Notice) -> InlineKeyboardMarkup | ForceReply | None:
    return ForceReply(selective=True) if notice.asks else markup(notice.buttons)


def markup(buttons: Sequence[Button]) -> InlineKeyboardMarkup | None:
    """Buttons below one another."""
    rows = [[InlineKeyboardButton(button.label, callback_data=button.data)] for button in buttons]
    return InlineKeyboardMarkup(rows) if rows else None
