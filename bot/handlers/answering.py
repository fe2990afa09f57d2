"""Processing what is pending in a chat: an answer to write, stored answers to deliver, and notices to send.

All of it is read from the database, so a new message and a restart take the same steps.
"""

import logging
from collections.abc import Collection, Sequence
from dataclasses import replace
from functools import partial

from bot.conversation.answer import AnswerInFlight
from bot.conversation.incoming_message import RETRY, STOP
from bot.conversation.maintenance import Maintenance
from bot.conversation.turn import Conversation
from bot.errors import MessageRefused, ModelError
from bot.handlers.broadcast import OwnerAlerts
from bot.handlers.budget_command import BudgetWarnings
from bot.handlers.cancellation import Cancellations
from bot.handlers.last_resort import log_unanswered
from bot.handlers.notices import destination, markup
from bot.handlers.sending import OutboxSender
from bot.handlers.set_aside import SetAsideHandlers
from bot.handlers.turn_log import log_answered, log_delivered
from bot.language import sentence, texts
from bot.outbound.delivery import Deliverer
from bot.outbound.preview import Preview
from bot.updates.in_flight import WorkKey, WorkKind
from bot.updates.lanes import Lanes
from bot.updates.quarantine import Quarantine
from storage import Storage
from storage.chats import PendingWork
from storage.records import Button, Chat, ChatKey, Notice
from storage.transcript import PendingReply

log = logging.getLogger(__name__)


class ReplyWorker:
    """Processes what is pending in chats."""

    def __init__(
        self,
        storage: Storage,
        *,
        conversation: Conversation,
        deliverer: Deliverer,
        sender: OutboxSender,
        maintenance: Maintenance,
        alerts: OwnerAlerts,
        warnings: BudgetWarnings,
        cancellations: Cancellations,
        set_aside: SetAsideHandlers,
        quarantine: Quarantine,
        lanes: Lanes,
    ) -> None:
        self._database = storage.database
        self._transcript, self._edits = storage.transcript, storage.edits
        self._outbox, self._bases = storage.outbox, storage.bases
        self._conversation = conversation
        self._deliverer = deliverer
        self._sender = sender
        self._maintenance = maintenance
        self._alerts = alerts
        self._warnings = warnings
        self._cancellations = cancellations
        self._set_aside = set_aside
        self._quarantine = quarantine
        self._lanes = lanes

    async def process_pending(self, key: ChatKey, pending: PendingWork | None, messages: Collection[int] = ()) -> None:
        """Write the pending answer, deliver stored ones, and send a chat's notices. Raises StorageError.

        `pending`: as it is in the database now; None if nothing was ever said in this chat. `messages`: the IDs of
        those that have just been handled.
        """
        if pending is not None and pending.chat.gone:
            return
        async with self._cancellations.processing(key):
            answer = await self._process(key, pending, messages)
        if pending is not None:
            await self._maintenance.look_after(pending.chat.id, answer)

    async def _process(
        self, key: ChatKey, pending: PendingWork | None, messages: Collection[int]
    ) -> AnswerInFlight | None:
        if pending is None:
            await self._sender.send_notices(key, patient=True)  # for a stranger, or a user who hasn't said anything yet
            return None
        if pending.notices:
            # Notices about a message precede its answer.
            await self._sender.send_notices(key, all_of_it=False, about=messages if pending.turns else None)
        elif not pending.turns:
            return None
        answer = await self._answer(pending.chat)
        arrived = await self._sender.send_stored(pending.chat)
        if answer is not None and answer.stored is not None:
            log_answered(pending.chat, answer, answer.stored, delivered=answer.reply_id in arrived)
        for reply_id in arrived:
            earlier = answer is None or answer.reply_id != reply_id
            if earlier and (basis := await self._bases.of(pending.chat, reply_id)) is not None:
                log_delivered(pending.chat, basis)
        return answer

    async def _answer(self, chat: Chat) -> AnswerInFlight | None:
        pending = await self._transcript.pending_reply(chat.id)
        if pending is None:
            return None
        key = WorkKey(WorkKind.ANSWER, chat.id)
        if self._quarantine.is_exhausted(key):
            await self._give_up(chat, pending, texts.SET_ASIDE, pending.begun)
            self._set_aside.done(key, chat.key)
            return None
        return await self._quarantine.run(key, chat.key, self._write(chat, pending))

    async def _write(self, chat: Chat, pending: PendingReply) -> AnswerInFlight:
        answer = await self._conversation.begin(chat, pending, partial(self._preview, chat, pending))
        with self._cancellations.answering(answer):
            try:
                await self._conversation.answer(answer)
                switched = answer.generation.switched
                await self._alerts.record(switched.failure if switched else None)
                for other in await self._warnings.send(chat, answer.user_id):
                    self._lanes.wake(other)
            except ModelError as exc:
                log_unanswered(chat.key.telegram_id, exc)
                await self._alerts.record(exc)
                refused = exc.turn_ids if isinstance(exc, MessageRefused) else ()
                await self._give_up(chat, pending, sentence(exc), answer.preview.message_id, refused)
        return answer

    def _preview(self, chat: Chat, pending: PendingReply, reply_id: int) -> Preview:
        async def record_preview(message_id: int) -> None:
            async with self._database.transaction(first=True) as tx:
                await self._outbox.reply_begun(tx, reply_id, message_id, rang=True)

        to = replace(destination(chat.key, chat.private, pending.reply_to), turn_id=reply_id)
        keyboard = markup([Button(texts.STOP, f"{STOP}{reply_id}")])
        return self._deliverer.preview(
            to,
            reply_id,
            begun=pending.begun,
            on_begun=record_preview,
            keyboard=keyboard,
            reply_format=chat.settings.reply_format,
        )

    async def _give_up(
        self, chat: Chat, pending: PendingReply, text: str, shown_in: int | None, refused: Sequence[int] = ()
    ) -> None:
        """Say why there is no answer, in its place, with a button to try again.

        `refused`: the turns to leave out of later prompts.
        """
        last = await self._edits.last_exchange(chat.id)
        buttons = (
            (Button(texts.RETRY, f"{RETRY}{max(last.turn_ids)}"),) if last.turn_ids and last.reply_id is None else ()
        )
        notice = Notice(
            key=chat.key,
            private=chat.private,
            text=text,
            reply_to=pending.reply_to,
            edits=None if pending.in_place else shown_in or pending.begun,
            buttons=buttons,
        )
        async with self._database.transaction() as tx:
            await self._transcript.give_up(tx, chat.id)
            if refused:
                await self._transcript.leave_out(tx, chat.id, refused)
            await self._outbox.add(tx, notice)
