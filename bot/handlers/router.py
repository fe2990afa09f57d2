"""The lanes' worker: each update gets its context, passes the gate, and goes to its handler."""

from collections.abc import Collection, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext, suppress
from functools import partial

from telegram import Message, Update
from telegram.constants import ChatAction

from bot.access.policy import AccessPolicy
from bot.handlers.access_gate import AccessGate
from bot.handlers.answering import ReplyWorker
from bot.handlers.cancellation import Cancellations
from bot.handlers.context import (
    ButtonContext,
    MessageContext,
    UpdateContext,
    UpdateProgress,
    context_of,
    ensure_finished,
)
from bot.handlers.last_resort import LastResort
from bot.handlers.notices import answer, destination, is_private
from bot.handlers.pending_questions import QuestionHandlers
from bot.handlers.rate_limits import AnswerLimiter
from bot.handlers.set_aside import SetAsideHandlers
from bot.handlers.table import HandlerTable
from bot.handlers.topic_titles import TopicHandlers
from bot.inbound.addressing import Addressing, is_other_bot
from bot.inbound.unchanged import RecentMessages
from bot.language import chat_language, speaking, texts
from bot.outbound.delivery import Deliverer
from bot.updates.authorship import command
from bot.updates.deaths import MOST_DEATHS
from bot.updates.in_flight import WorkKey, WorkKind
from bot.updates.lanes import DroppedUpdate
from bot.updates.parsing import MessageBatch, QueuedUpdate, UpdateKind
from bot.updates.quarantine import Quarantine
from storage import Storage, StorageError, until_stored
from storage.records import ChatKey, Notice


class Router:
    """Handles the updates of a lane, and then what is pending in its chat."""

    def __init__(
        self,
        storage: Storage,
        gate: AccessGate,
        table: HandlerTable,
        last_resort: LastResort,
        replies: ReplyWorker,
        cancellations: Cancellations,
        questions: QuestionHandlers,
        topics: TopicHandlers,
        set_aside: SetAsideHandlers,
        quarantine: Quarantine,
        access: AccessPolicy,
        addressing: Addressing,
        rate_limiter: AnswerLimiter,
        recent: RecentMessages,
        deliverer: Deliverer,
    ) -> None:
        self._storage = storage
        self._gate = gate
        self._table = table
        self._last_resort = last_resort
        self._replies = replies
        self._cancellations = cancellations
        self._questions = questions
        self._topics = topics
        self._set_aside = set_aside
        self._quarantine = quarantine
        self._access = access
        self._addressing = addressing
        self._rate_limiter = rate_limiter
        self._recent = recent
        self._deliverer = deliverer
        self._continued: set[ChatKey] = set()
        """Chats whose next batch continues the turn in progress."""

    async def close(self) -> None:
        """Cancel the work in progress outside the lanes."""
        await self._topics.close()

    async def handle(self, key: ChatKey, batch: Sequence[QueuedUpdate]) -> None:
        """See ``LaneWorker``."""
        parts = self._parts(key, batch) if batch else []
        if parts:
            self._cancellations.begin(key)
        for number, part in enumerate(parts):
            await self._handle_batch(key, part, continues=number > 0)
        messages = {m.message_id for one in batch if isinstance(m := one.update.effective_message, Message)}
        await until_stored(partial(self._process_pending, key, messages))

    async def overtake(self, arrival: QueuedUpdate) -> None:
        """See ``LaneWorker``."""
        await self._handle_batch(arrival.key, [arrival])

    def ends_sending(self, arrival: QueuedUpdate) -> bool:
        """See ``LaneWorker``."""
        message = arrival.update.message
        resets = message is not None and (command(message) or "").lower().startswith("/reset")
        return resets and self._cancellations.is_sending(arrival.key)

    def is_overheard(self, arrival: QueuedUpdate) -> bool:
        """See ``LaneWorker``."""
        message = arrival.update.message
        with suppress(Exception):  # a faulty message is reported when it is handled
            return arrival.kind is UpdateKind.MESSAGE and message is not None and not self._addressing.is_meant(message)
        return False

    async def overflow(self, dropped: Sequence[DroppedUpdate]) -> None:
        """See ``LaneWorker``."""
        await until_stored(partial(self._drop, dropped))

    def more_to_come(self, key: ChatKey) -> None:
        """See ``LaneWorker``."""
        self._continued.add(key)
        self._cancellations.restart_unshown(key)

    def arrived(self, arrival: QueuedUpdate) -> None:
        """See ``LaneWorker``."""
        message = arrival.update.message
        if message is not None and (old := message.migrate_from_chat_id) is not None:
            self._access.moved(old, message.chat.id)
        elif message is not None and (new := message.migrate_to_chat_id) is not None:
            self._access.moved(message.chat.id, new)

    async def edited(self, arrival: QueuedUpdate) -> None:
        """See ``LaneWorker``."""
        message = arrival.update.edited_message
        if message is not None and not is_other_bot(message) and not self._recent.knows(message):
            admits = partial(self._rate_limiter.admits_edit, message)
            await self._cancellations.restart_if_asked(arrival.key, message.message_id, admits)

    async def _drop(self, dropped: Sequence[DroppedUpdate]) -> None:
        told = [one for one in dropped if one.tell and await self._set_aside.lets_in(one.arrival.update)]
        notices = [notice for one in told if (notice := await self._too_many(one)) is not None]
        async with self._storage.transaction() as tx:
            await self._storage.inbox.done(tx, [one.arrival.update_id for one in dropped])
            for notice in notices:
                await self._storage.outbox.add(tx, notice)

    async def _too_many(self, dropped: DroppedUpdate) -> Notice | None:
        update, message = dropped.arrival.update, dropped.arrival.update.message
        with speaking((await context_of(update, UpdateProgress(self._storage))).language):
            return answer(message, texts.TOO_MANY_WAITING, alone=True) if message is not None else None

    def _parts(self, key: ChatKey, batch: Sequence[QueuedUpdate]) -> Sequence[Sequence[QueuedUpdate]]:
        """Split a batch that killed the process twice, so that the third death can be blamed on one of its updates."""
        deaths = max(self._quarantine.deaths(_key(arrival)) for arrival in batch)
        if len(batch) == 1 or deaths < MOST_DEATHS - 1:
            return [batch]
        for arrival in batch:
            self._quarantine.record_deaths(_key(arrival), key, MOST_DEATHS - 1)
        return [[arrival] for arrival in batch]

    async def _handle_batch(self, chat_key: ChatKey, batch: Sequence[QueuedUpdate], *, continues: bool = False) -> None:
        first, key = batch[0], _key(batch[0])
        asks = first.kind is UpdateKind.MESSAGE and not all(map(self.is_overheard, batch))
        with self._cancellations.asking(chat_key) if asks else nullcontext():
            progress = UpdateProgress(self._storage)
            if self._quarantine.is_exhausted(key):
                with speaking((await context_of(first.update, progress)).language):
                    await until_stored(partial(self._set_aside.update, first, key))
                return
            subject = (
                first.update if first.kind is UpdateKind.STOP else self._subject(chat_key, batch, continues=continues)
            )
            await self._quarantine.run(key, chat_key, until_stored(partial(self._process, subject, progress)))

    async def _process(self, subject: Update | MessageBatch, progress: UpdateProgress) -> None:
        update = await context_of(subject, progress)
        with speaking(update.language):
            if isinstance(subject, Update) and subject.edited_message is None:
                await self._questions.pass_over(update)
            async with self._busy(update, subject):
                await self._run(update, subject)

    async def _run(self, update: UpdateContext, subject: Update | MessageBatch) -> None:
        """Handle it. Raises StorageError if the database is busy: then nothing was written, and it can be repeated."""
        try:
            if await self._gate.admits(update, subject):
                await self._table.dispatch(update, subject)
            await ensure_finished(update)
        except StorageError:
            raise
        except Exception as exc:  # noqa: BLE001 - no failure of an update may end its lane
            said = subject.messages[-1] if isinstance(subject, MessageBatch) else subject.message
            await self._last_resort.in_handler(update, exc, said)

    def _busy(self, update: UpdateContext, subject: Update | MessageBatch) -> AbstractAsyncContextManager[None]:
        """Show that the bot is busy while it reads a file or writes a summary, unless nobody is waiting for that."""
        of_others = isinstance(subject, MessageBatch) and not any(map(self._addressing.is_meant, subject.messages))
        if of_others or not isinstance(update, MessageContext | ButtonContext):
            return nullcontext()
        to = destination(update.key, is_private(update.message), None)
        return self._deliverer.busy(to, _action(update))

    async def _process_pending(self, key: ChatKey, messages: Collection[int]) -> None:
        pending = await self._storage.chats.pending(key)
        with speaking(chat_language(pending.chat if pending else None)):
            try:
                await self._replies.process_pending(key, pending, messages)
            except StorageError:
                raise
            except Exception as exc:  # noqa: BLE001 - no failure in a chat may end its lane
                await self._last_resort.in_lane(key, exc)
                await self._replies.process_pending(key, await self._storage.chats.pending(key))
            await self._topics.ensure_title(key)

    def _subject(self, key: ChatKey, batch: Sequence[QueuedUpdate], *, continues: bool) -> Update | MessageBatch:
        first = batch[0]
        continues = continues or key in self._continued
        self._continued.discard(key)
        if first.kind is not UpdateKind.MESSAGE:
            return first.update
        messages = tuple(arrival.update.message for arrival in batch if arrival.update.message is not None)
        return MessageBatch(key, messages, tuple(arrival.update_id for arrival in batch), continues)


def _action(update: MessageContext | ButtonContext) -> str:
    """The activity that Telegram's apps show while this is handled."""
    if isinstance(update, ButtonContext):
        asked = update.query.data or ""
    else:
        asked = (command(update.message) or "")[1:].partition("@")[0].lower()
    name = asked.partition(":")[0]
    return {"export": ChatAction.UPLOAD_DOCUMENT, "usage": ChatAction.UPLOAD_PHOTO}.get(name, ChatAction.TYPING)


def _key(arrival: QueuedUpdate) -> WorkKey:
    """Identifies the batch that begins with this update."""
    return WorkKey(WorkKind.UPDATE, arrival.update_id)
