"""What a conversation is owed: answers, their delivery, and notices.

All of it is read from the database, so that the same steps serve a fresh message and a restart.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from telegram.error import ChatMigrated, Forbidden

from bot.conversation.incoming_message import RETRY, STOP
from bot.conversation.maintenance import Maintenance
from bot.conversation.turn import Conversation
from bot.errors import MessageRefused, ModelError, Undeliverable
from bot.handlers.broadcast import OwnerAlerts
from bot.handlers.broadcast_content import content_forms
from bot.handlers.budget_command import BudgetWarnings
from bot.handlers.cancellation import Cancellations, RunningDelivery
from bot.handlers.last_resort import log_unanswered
from bot.handlers.notices import attachment, below, destination, markup, why_no_file
from bot.handlers.set_aside import SetAsideHandlers
from bot.language import sentence, texts
from bot.outbound.content import Destination
from bot.outbound.delivery import DeliveredPart, Deliverer
from bot.outbound.post import Wanted, always
from bot.outbound.preview import Preview
from bot.updates.in_flight import WorkKey, WorkKind
from bot.updates.lanes import Lanes
from storage import Storage, until_stored
from storage.records import ONE_MESSAGE, Button, Chat, ChatKey, Delivery, File, Notice
from storage.transcript import PendingReply

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ReplyWorker:
    """Processes what is pending in chats."""

    storage: Storage
    conversation: Conversation
    sender: Deliverer
    upkeep: Maintenance
    alarm: OwnerAlerts
    hints: BudgetWarnings
    endings: Cancellations
    aside: SetAsideHandlers
    lanes: Lanes

    async def process_pending(self, place: ChatKey) -> None:
        """Give the answer that is owed at this place, deliver what is stored, send the notices. Raises StorageError."""
        chat = await self.storage.chats.find(place)
        if chat is not None and chat.gone:
            return
        async with self.endings.settling(place):
            await self._give(place, chat)
        chat = await self.storage.chats.find(place)  # a group that has moved meanwhile is looked after where it is now
        if chat is not None:
            await self.upkeep.look_after(chat.id)

    async def _give(self, place: ChatKey, chat: Chat | None) -> None:
        if chat is None:
            await self._notify(place, patient=True)  # a stranger, or somebody who has said nothing yet
            return
        await self._notify(place, all_of_it=False)  # what is told about a message comes before the answer to it
        await self._answer(chat)
        with self.endings.sending(place) as sending:
            for delivery in await self.storage.deliveries.open(chat.id):
                key = WorkKey(WorkKind.DELIVERY, delivery.reply_id)
                if self.aside.quarantine.is_exhausted(key):
                    await self.aside.delivery(chat, delivery, key)
                elif sending.is_wanted():
                    await self.aside.quarantine.fly(key, chat.place, self._deliver(chat, delivery, sending))
        await self._clear_replaced(chat)
        await self._notify(place)

    async def _answer(self, chat: Chat) -> None:
        owed = await self.storage.transcript.owed(chat.id)
        if owed is None:
            return
        quarantine, key = self.aside.quarantine, WorkKey(WorkKind.ANSWER, chat.id)
        if quarantine.is_exhausted(key):
            await self._give_up(chat, owed, texts.SET_ASIDE, owed.begun)
            self.aside.done(key, chat.place)
            return
        await quarantine.fly(key, chat.place, self._write(chat, owed))

    async def _write(self, chat: Chat, pending: PendingReply) -> None:
        answer = await self.conversation.begin(chat, pending, partial(self._preview, chat, pending))
        with self.endings.answering(answer):
            try:
                await self.conversation.answer(answer)
                switched = answer.generation.switched
                await self.alarm.hear(switched.failure if switched else None)
                for other in await self.hints.give(chat):
                    self.lanes.wake(other)
            except ModelError as exc:
                log_unanswered(chat.id, exc)
                await self.alarm.hear(exc)
                refused = exc.turn_ids if isinstance(exc, MessageRefused) else ()
                await self._give_up(chat, pending, sentence(exc), answer.preview.message_id, refused)

    def _preview(self, chat: Chat, owed: PendingReply, reply_id: int) -> Preview:
        async def begun(message_id: int) -> None:
            async with self.storage.transaction() as tx:
                await self.storage.deliveries.begun(tx, reply_id, message_id, rang=True)

        to = destination(chat.place, chat.private, owed.reply_to)
        keyboard = markup([Button(texts.STOP, f"{STOP}{reply_id}")])
        return self.sender.preview(
            to,
            reply_id,
            begun=owed.begun,
            on_begun=begun,
            keyboard=keyboard,
            reply_format=chat.choices.reply_format,
        )

    async def _give_up(
        self, chat: Chat, owed: PendingReply, text: str, shown_in: int | None, refused: Sequence[int] = ()
    ) -> None:
        """Say why there is no answer, where it was to stand, with a button to try again.

        `refused`: turns that are left out of later prompts.
        """
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
            if refused:
                await self.storage.transcript.leave_out(tx, chat.id, refused)
            await self.storage.notices.add(tx, notice)

    async def _deliver(self, chat: Chat, delivery: Delivery, sending: RunningDelivery) -> None:
        async def record(part: DeliveredPart) -> None:
            async with self.storage.transaction() as tx:
                await self.storage.deliveries.delivered(tx, delivery.reply_id, part.message_id, part.end)

        async def arrived(part: DeliveredPart) -> None:  # what has arrived must not be sent again
            await until_stored(partial(record, part))
            self.aside.quarantine.progress(WorkKey(WorkKind.DELIVERY, delivery.reply_id))

        to = destination(chat.place, chat.private, delivery.reply_to)
        to = replace(to, quiet=delivery.rang or await self.storage.notices.speaks(chat.place))
        try:
            await self.sender.deliver(
                *(to, delivery.content, arrived),
                offset=delivery.end,
                begun=delivery.begun,
                wanted=sending.is_wanted,
                reply_format=chat.choices.reply_format,
            )
        except Undeliverable as exc:
            if (moved := await self._moved(chat.place, exc)) is not None:
                await self._deliver(replace(chat, place=moved), replace(delivery, begun=None, reply_to=None), sending)
                return
            log.warning("A reply in chat %d can't be delivered: %s", chat.id, exc)
            if to.alone is not None:
                await self._tell_all(chat.place)
        async with self.storage.transaction() as tx:
            await self.storage.transcript.sent(tx, delivery.reply_id)

    async def _tell_all(self, place: ChatKey) -> None:
        """Say where everybody sees it, once, that something could not be shown to one member alone."""
        shared = ChatKey(place.telegram_id) if place.alone_with is not None else place
        async with self.storage.transaction() as tx:
            await self.storage.notices.withdraw(tx, shared, [texts.NOT_SHOWN_ALONE])
            await self.storage.notices.add(tx, Notice(shared, False, texts.NOT_SHOWN_ALONE))
        self.lanes.wake(shared)

    async def _moved(self, place: ChatKey, exc: Undeliverable) -> ChatKey | None:
        """Where the chat is now, when Telegram refused because it has moved; a bot that was removed is quiet there.

        What still waits in the old one is answered there first, from what was said there.
        """
        cause = exc.__cause__
        async with self.storage.transaction() as tx:
            if isinstance(cause, ChatMigrated):
                old, new = place.telegram_id, cause.new_chat_id
                self.aside.door.moved(old, new)
                if not self.lanes.waits(place):
                    await self.storage.presence.migrate(tx, old, self.aside.door.now(new))
                return replace(place, telegram_id=new)
            if isinstance(cause, Forbidden) and not place.direct:  # where one person may be meant, and others write on
                await self.storage.presence.left(tx, place.telegram_id)
        return None

    async def _clear_replaced(self, chat: Chat) -> None:
        messages = await self.storage.deliveries.replaced(chat.id)
        if messages is None:
            return
        ordinary = [number for number in messages if number > 0]
        await self.sender.delete(chat.place.telegram_id, ordinary)
        to = destination(chat.place, chat.private, None)
        await self.sender.delete_ephemeral(to, [number for number in messages if number < 0])
        async with self.storage.transaction() as tx:
            await self.storage.transcript.drop_replaced(tx, chat.id)

    async def _notify(self, place: ChatKey, *, all_of_it: bool = True, patient: bool = False) -> None:
        """Send them; `all_of_it`: also strangers' requests and broadcasts, unless something waits in the lane."""
        for notice_id, notice in await self.storage.notices.waiting(place):
            apart = notice.about is not None or notice.broadcast is not None
            if apart and (not all_of_it or self.lanes.waits(place)):
                continue
            key = WorkKey(WorkKind.NOTICE, notice_id)
            if self.aside.quarantine.is_exhausted(key):
                await self.aside.notice(notice, key)
                continue
            with self.endings.sending(place) as sending:
                await self.aside.quarantine.fly(key, place, self._tell(notice_id, notice, sending, patient or apart))

    async def _tell(self, notice_id: int, notice: Notice, sending: RunningDelivery, patient: bool) -> None:
        message_id = None
        to = destination(notice.place, notice.private, notice.reply_to, notice.receiver, notice.query, notice.edits)
        to = replace(to, patient=patient)
        try:
            message_id = await self._send(to, notice, sending)
        except Undeliverable as exc:
            if (moved := await self._moved(notice.place, exc)) is not None:
                seen = min(notice.reply_to or 0, notice.edits or 0, 0) or None
                await self._tell(notice_id, replace(notice, place=moved, reply_to=seen, edits=None), sending, patient)
                return
            log.warning("A notice can't be delivered: %s", exc)
            if to.alone is not None and to.alone.strictly:
                await self._tell_all(notice.place)
        async with self.storage.transaction() as tx:
            if message_id is None:
                await self.storage.notices.forget(tx, notice_id)
            else:
                await self.storage.notices.sent(tx, notice_id, message_id)

    async def _upload(self, to: Destination, notice: Notice, file: File, wanted: Wanted) -> int | None:
        """Send a file; where Telegram takes none, what belongs to it is said all the same."""
        try:
            return await self.sender.upload(to, attachment(file, notice.text), below(notice), wanted)
        except Undeliverable as exc:
            if isinstance(exc.__cause__, ChatMigrated):
                raise
            log.warning("A file can't be delivered: %s", exc)
            told = why_no_file(exc.__cause__)
        text = "\n\n".join(filter(None, (notice.text, told)))
        return await self.sender.notice(to, text, below(notice), quote=notice.quote, literals=notice.literals)

    async def _pass_on(self, to: Destination, number: int) -> int | None:
        content = await self.storage.broadcasts.content(number)
        stopped = self.endings.broadcasts
        if content is None:
            return None
        return await self.sender.pass_on(to, content_forms(*content), lambda: number not in stopped)

    async def _send(self, to: Destination, notice: Notice, sending: RunningDelivery) -> int | None:
        wanted = sending.is_wanted if len(notice.text) > ONE_MESSAGE or notice.file else always
        if notice.points and (notice.reply_to or 0) > 0:
            to = replace(to, reply_to=notice.reply_to)
        if notice.file is not None:
            return await self._upload(to, notice, notice.file, wanted)
        if notice.broadcast is not None:
            return await self._pass_on(to, notice.broadcast)
        if notice.edits is not None and not notice.text:
            await self.sender.turn_keyboard(to, notice.edits, markup(notice.buttons))
            return None
        if not notice.markdown:
            return await self.sender.notice(
                to,
                notice.text,
                below(notice),
                notice.edits,
                quote=notice.quote,
                literals=notice.literals,
                calls=notice.calls,
                wanted=wanted,
            )
        parts: list[DeliveredPart] = []

        async def arrived(part: DeliveredPart) -> None:
            parts.append(part)

        chat = await self.storage.chats.find(notice.place)
        chosen = chat.choices.reply_format if chat else None
        await self.sender.deliver(to, notice.text, arrived, wanted=wanted, reply_format=chosen)
        return parts[-1].message_id if parts else None
