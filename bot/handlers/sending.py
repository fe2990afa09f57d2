"""Sends what a chat's outbox contains: stored replies, part by part, and notices."""

import logging
import time
from collections.abc import Callable, Collection
from dataclasses import replace
from functools import partial

from telegram.error import ChatMigrated, Forbidden

from bot.access.policy import AccessPolicy
from bot.errors import Undeliverable
from bot.handlers.broadcast_content import content_forms
from bot.handlers.cancellation import Cancellations, RunningDelivery
from bot.handlers.notices import attachment, below, destination, markup, why_no_file
from bot.handlers.set_aside import SetAsideHandlers
from bot.language import texts
from bot.metrics import count_error
from bot.outbound.content import Destination
from bot.outbound.delivery import DeliveredPart, Deliverer
from bot.outbound.post import Wanted, always
from bot.updates.in_flight import WorkKey, WorkKind
from bot.updates.lanes import Lanes
from bot.updates.quarantine import Quarantine
from storage import Storage, presence, until_stored
from storage.records import ONE_MESSAGE, Chat, ChatKey, Delivery, File, Notice

LONGEST_WAIT_S = 30.0
"""How long answers may go before a notice in a group, in seconds: someone may always have one more question."""
MOST_KNOWN = 10_000
"""How many waiting notices are remembered; some are withdrawn and never sent."""

log = logging.getLogger(__name__)


class OverdueNotices:
    """Knows how long notices have waited for answers; `clock` gives monotonic seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._since: dict[int, float] = {}

    def has(self, notice_id: int) -> bool:
        """Whether a notice that should wait has waited too long; if it is new here, its wait begins."""
        since = self._since.setdefault(notice_id, self._clock())
        if len(self._since) > MOST_KNOWN:
            del self._since[next(iter(self._since))]
        return self._clock() - since >= LONGEST_WAIT_S

    def sent(self, notice_id: int) -> None:
        """Forget a notice."""
        self._since.pop(notice_id, None)


class OutboxSender:
    """Sends replies and notices, and records what has arrived."""

    def __init__(
        self,
        storage: Storage,
        *,
        deliverer: Deliverer,
        cancellations: Cancellations,
        set_aside: SetAsideHandlers,
        quarantine: Quarantine,
        access: AccessPolicy,
        lanes: Lanes,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`clock` gives monotonic seconds."""
        self._database = storage.database
        self._chats, self._transcript = storage.chats, storage.transcript
        self._outbox, self._broadcasts = storage.outbox, storage.broadcasts
        self._deliverer = deliverer
        self._cancellations = cancellations
        self._set_aside = set_aside
        self._quarantine = quarantine
        self._access = access
        self._lanes = lanes
        self._overdue = OverdueNotices(clock)

    async def send_stored(self, chat: Chat) -> list[int]:
        """Send the stored replies that have not arrived, or not completely, then what else waits.

        Returns the IDs of the replies that have now arrived.

        That is, delete the messages of replies that have been replaced, and send the notices.
        """
        with self._cancellations.sending(chat.key) as sending:
            deliveries = await self._outbox.deliveries(chat.id)
            arrived = [await self._send_reply(chat, delivery, sending) for delivery in deliveries]
        # What could not be delivered may have left a notice.
        if not (arrived and all(arrived)) or any(delivery.has_rest for delivery in deliveries):
            await self._clear_replaced(chat)
            await self.send_notices(chat.key)
        return [delivery.reply_id for delivery, whole in zip(deliveries, arrived, strict=True) if whole]

    async def _send_reply(self, chat: Chat, delivery: Delivery, sending: RunningDelivery) -> bool:
        """Send a stored reply; whether all of it has arrived."""
        key = WorkKey(WorkKind.DELIVERY, delivery.reply_id)
        if self._quarantine.is_exhausted(key):
            await self._set_aside.delivery(chat, delivery, key)
        elif sending.is_wanted():
            return await self._quarantine.run(key, chat.key, self._deliver(chat, delivery, sending))
        return False

    async def _clear_replaced(self, chat: Chat) -> None:
        messages = await self._outbox.replaced_messages(chat.id)
        if messages is None:
            return
        ordinary = [number for number in messages if number > 0]
        await self._deliverer.delete(chat.key.telegram_id, ordinary)
        to = destination(chat.key, chat.private, None)
        await self._deliverer.delete_ephemeral(to, [number for number in messages if number < 0])
        async with self._database.transaction() as tx:
            await self._transcript.drop_replaced(tx, chat.id)

    async def send_notices(
        self,
        chat_key: ChatKey,
        *,
        all_of_it: bool = True,
        patient: bool = False,
        about: Collection[int] | None = None,
    ) -> None:
        """Send the notices that wait in a chat.

        `all_of_it`: also strangers' requests and broadcasts, unless something waits in the lane. In a group, questions
        in the lane go first; `about` has the messages whose answer is next: until that is written, only notices about
        them are sent there, and one that has waited too long.
        """
        went_late = False
        for notice_id, notice in await self._outbox.notices(chat_key):
            apart = notice.about is not None or notice.broadcast is not None
            if apart and (not all_of_it or self._lanes.has_queued(chat_key)):
                continue
            if not notice.private and not await self._is_due(chat_key, notice, about):
                if went_late or not self._overdue.has(notice_id):
                    continue
                went_late = True
            key = WorkKey(WorkKind.NOTICE, notice_id)
            if self._quarantine.is_exhausted(key):
                await self._set_aside.notice(notice, key)
                continue
            with self._cancellations.sending(chat_key) as sending:
                await self._quarantine.run(key, chat_key, self._send_one(notice_id, notice, sending, patient or apart))
            self._overdue.sent(notice_id)

    async def _is_due(self, chat_key: ChatKey, notice: Notice, about: Collection[int] | None) -> bool:
        """Whether a group's notice may be sent now: answers go first, which others may be waiting for."""
        if about is not None:
            return notice.reply_to in about
        to = destination(notice.key, notice.private, None)
        return await self._deliverer.spare_turn(to, lambda: not self._lanes.has_question(chat_key))

    async def _deliver(self, chat: Chat, delivery: Delivery, sending: RunningDelivery) -> bool:
        """Deliver the rest of a reply; whether all of it has arrived."""
        is_over = False

        async def record(part: DeliveredPart) -> None:
            nonlocal is_over
            is_last = not delivery.content[part.end :].strip()
            async with self._database.transaction(first=True) as tx:
                await self._outbox.part_delivered(tx, delivery.reply_id, part.message_id, part.end)
                if is_last:
                    await self._transcript.sent(tx, delivery.reply_id)
            is_over = is_last

        async def arrived(part: DeliveredPart) -> None:  # a part that has arrived must not be sent again
            await until_stored(partial(record, part))
            self._quarantine.progress(WorkKey(WorkKind.DELIVERY, delivery.reply_id))

        to = destination(chat.key, chat.private, delivery.reply_to)
        to = replace(to, quiet=delivery.rang or delivery.speaks, turn_id=delivery.reply_id)
        try:
            await self._deliverer.deliver(
                *(to, delivery.content, arrived),
                offset=delivery.end,
                begun=delivery.begun,
                wanted=sending.is_wanted,
                reply_format=chat.settings.reply_format,
            )
        except Undeliverable as exc:
            if (moved := await self._moved(chat.key, exc)) is not None:
                delivery = replace(delivery, begun=None, reply_to=None)
                return await self._deliver(replace(chat, key=moved), delivery, sending)
            count_error(exc)
            log.warning("A reply in chat %d can't be delivered: %s", chat.key.telegram_id, exc)
            if to.alone is not None:
                await self._notify_group(chat.key)
        if not is_over:
            async with self._database.transaction() as tx:
                await self._transcript.sent(tx, delivery.reply_id)
        return is_over

    async def _notify_group(self, key: ChatKey) -> None:
        """Tell the whole group, once, that something could not be shown to one member alone."""
        shared = ChatKey(key.telegram_id) if key.alone_with is not None else key
        async with self._database.transaction() as tx:
            await self._outbox.withdraw(tx, shared, [texts.NOT_SHOWN_ALONE])
            await self._outbox.add(tx, Notice(shared, False, texts.NOT_SHOWN_ALONE))
        self._lanes.wake(shared)

    async def _moved(self, key: ChatKey, exc: Undeliverable) -> ChatKey | None:
        """The chat's new key if Telegram refused because it has moved; a chat without the bot is marked as left.

        Updates still waiting for the old chat are answered first, from its own history.
        """
        cause = exc.__cause__
        async with self._database.transaction() as tx:
            if isinstance(cause, ChatMigrated):
                old, new = key.telegram_id, cause.new_chat_id
                self._access.moved(old, new)
                if not self._lanes.has_queued(key):
                    await presence.migrate(tx, old, self._access.current_id(new))
                return replace(key, telegram_id=new)
            if isinstance(cause, Forbidden) and not key.direct:  # there it may be about one person of several
                await presence.left(tx, key.telegram_id)
        return None

    async def _send_one(self, notice_id: int, notice: Notice, sending: RunningDelivery, patient: bool) -> None:
        message_id = None
        to = destination(notice.key, notice.private, notice.reply_to, notice.receiver, notice.query, notice.edits)
        to = replace(to, patient=patient, notice_id=notice_id)
        try:
            message_id = await self._send(to, notice, sending)
        except Undeliverable as exc:
            if (moved := await self._moved(notice.key, exc)) is not None:
                seen = min(notice.reply_to or 0, notice.edits or 0, 0) or None
                await self._send_one(notice_id, replace(notice, key=moved, reply_to=seen, edits=None), sending, patient)
                return
            count_error(exc)
            log.warning("A notice to chat %d can't be delivered: %s", notice.key.telegram_id, exc)
            if to.alone is not None and to.alone.strictly:
                await self._notify_group(notice.key)
        await until_stored(partial(self._record_notice, notice_id, message_id))  # it must not be sent again

    async def _record_notice(self, notice_id: int, message_id: int | None) -> None:
        async with self._database.transaction(first=True) as tx:
            if message_id is None:
                await self._outbox.forget(tx, notice_id)
            else:
                await self._outbox.notice_sent(tx, notice_id, message_id)

    async def _upload(self, to: Destination, notice: Notice, file: File, wanted: Wanted) -> int | None:
        """Send a file; if Telegram takes none, its text is sent with the reason."""
        try:
            return await self._deliverer.upload(to, attachment(file, notice.text), below(notice), wanted, notice.edits)
        except Undeliverable as exc:
            if isinstance(exc.__cause__, ChatMigrated):
                raise
            count_error(exc)
            log.warning("A file can't be delivered to chat %d: %s", notice.key.telegram_id, exc)
            reason = why_no_file(exc.__cause__)
        text = "\n\n".join(filter(None, (notice.text, reason)))
        return await self._deliverer.notice(to, text, below(notice), quote=notice.quote, literals=notice.literals)

    async def _pass_on(self, to: Destination, number: int) -> int | None:
        content = await self._broadcasts.content(number)
        if content is None:
            return None
        wanted = partial(self._cancellations.is_broadcast_wanted, number)
        return await self._deliverer.pass_on(to, content_forms(*content), wanted)

    async def _send(self, to: Destination, notice: Notice, sending: RunningDelivery) -> int | None:
        wanted = sending.is_wanted if len(notice.text) > ONE_MESSAGE or notice.file else always
        if notice.points and (notice.reply_to or 0) > 0:
            to = replace(to, reply_to=notice.reply_to)
        if notice.edits is not None and notice.broadcast is not None:
            return notice.edits  # it has arrived, although the process died before that was stored
        if notice.file is not None:
            return await self._upload(to, notice, notice.file, wanted)
        if notice.broadcast is not None:
            return await self._pass_on(to, notice.broadcast)
        if notice.edits is not None and not notice.text:
            await self._deliverer.turn_keyboard(to, notice.edits, markup(notice.buttons))
            return None
        if not notice.markdown:
            return await self._deliverer.notice(
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

        chat = await self._chats.find(notice.key)
        chosen = chat.settings.reply_format if chat else None
        await self._deliverer.deliver(to, notice.text, arrived, begun=notice.edits, wanted=wanted, reply_format=chosen)
        return parts[-1].message_id if parts else None
