"""Work that killed the process three times is set aside; the chat and the operator are notified, and a button retries.

See ``bot.updates.quarantine``.
"""

import logging
from collections.abc import Callable

from telegram import Bot, Message, Update

from bot.access.policy import AccessPolicy, Decision
from bot.handlers.callbacks import ResumeButton
from bot.handlers.context import ButtonContext, sender_in
from bot.handlers.notices import answer
from bot.language import texts
from bot.metrics import SET_ASIDE
from bot.updates.in_flight import WorkKey, WorkKind
from bot.updates.lanes import Lanes
from bot.updates.parsing import QueuedUpdate, parse
from bot.updates.quarantine import Quarantine
from storage import Storage, Transaction
from storage.records import Button, Chat, ChatKey, Delivery, Notice

KEEP_S = 3 * 86_400.0
"""How long a notice that was set aside can be retried, in seconds."""

_UNKNOWN_TO_DATABASE = (WorkKind.ANSWER, WorkKind.DELIVERY)
"""Updates and notices have a state of their own."""

log = logging.getLogger(__name__)


class SetAsideHandlers:
    """Sets work aside, and resumes it; `clock` gives Unix seconds."""

    def __init__(
        self,
        storage: Storage,
        quarantine: Quarantine,
        access: AccessPolicy,
        bot: Bot,
        clock: Callable[[], float],
        lanes: Lanes,
    ) -> None:
        self._storage = storage
        self._quarantine = quarantine
        self._access = access
        self._bot = bot
        self._clock = clock
        self._lanes = lanes

    async def update(self, arrival: QueuedUpdate, key: WorkKey) -> None:
        """Set an update aside and keep its JSON. People without access are not notified."""
        message, let_in = arrival.update.effective_message, await self.lets_in(arrival.update)
        async with self._storage.transaction() as tx:
            await self._storage.inbox.quarantine(tx, [key.id])
            if isinstance(message, Message) and let_in:
                await self._storage.outbox.add(tx, answer(message, texts.SET_ASIDE, [_again(key)]))
        self.done(key, arrival.key)

    async def lets_in(self, update: Update) -> bool:
        """Whether the sender has access, so that they may be notified about an update that no handler gets."""
        chat = update.effective_chat
        direct = chat is not None and bool(chat.is_direct_messages)
        verdict = await self._access.verdict(sender_in(update), chat.id if chat else None, direct=direct)
        return verdict is Decision.COME_IN

    async def delivery(self, chat: Chat, delivery: Delivery, key: WorkKey) -> None:
        """Set a stored reply aside."""
        async with self._storage.transaction() as tx:
            await self._storage.transcript.sent(tx, delivery.reply_id)
            await self._notify(tx, chat.key, key, private=chat.private)
        self.done(key, chat.key)

    async def notice(self, notice: Notice, key: WorkKey) -> None:
        """Set a notice aside."""
        async with self._storage.transaction() as tx:
            await self._storage.outbox.set_aside(tx, key.id, self._clock() + KEEP_S)
            await self._notify(tx, notice.key, key, private=notice.private)
        self.done(key, notice.key)

    def done(self, key: WorkKey, chat_key: ChatKey) -> None:
        """Change its record in the quarantine, and log it for the operator."""
        if key.kind in _UNKNOWN_TO_DATABASE:
            self._quarantine.set_aside(key, chat_key)
        else:
            self._quarantine.acquit(key)
        SET_ASIDE.labels(key.kind.value).inc()
        log.error(
            "The process died three times while only %s (topic %d) was in flight, so it is set aside",
            *(key.named(chat_key), chat_key.thread_id),
        )

    async def again(self, update: ButtonContext, button: ResumeButton) -> None:
        """Resume what was set aside, in the same way as before."""
        async with update.finish() as tx:
            arrival, taken = await self._resume(tx, update.key, button)
            if taken:
                await update.edit(tx, texts.TAKEN_UP_AGAIN)
        if arrival is not None:
            self._lanes.put(arrival)
        await update.acknowledge("" if taken else texts.OLD_BUTTON)

    async def _resume(self, tx: Transaction, key: ChatKey, button: ResumeButton) -> tuple[QueuedUpdate | None, bool]:
        if button.kind is WorkKind.ANSWER:
            return None, False
        if button.kind is WorkKind.UPDATE:
            arrival = await self._arrival(tx, button.id)
            if arrival is None or arrival.key != key:
                return None, False
            await self._storage.inbox.renew(tx, button.id)
            return arrival, True
        if button.kind is WorkKind.NOTICE:
            return None, await self._storage.outbox.renew(tx, key, button.id)
        return None, await self._storage.transcript.send_again(tx, key, button.id)

    async def _arrival(self, tx: Transaction, update_id: int) -> QueuedUpdate | None:
        raw = await self._storage.inbox.quarantined(tx, update_id)
        try:
            return parse(raw, self._bot) if raw is not None else None
        except ValueError:  # blanked by /forget in the meantime
            return None

    async def _notify(self, tx: Transaction, chat_key: ChatKey, key: WorkKey, *, private: bool) -> None:
        await self._storage.outbox.add(tx, Notice(chat_key, private, texts.NOT_SENT, buttons=(_again(key),)))


def _again(key: WorkKey) -> Button:
    return Button(texts.RETRY, ResumeButton(key.kind, key.id).pack())
