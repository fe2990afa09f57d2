"""One object per update: what the router finds out about it once, and passes to its handler.

A handler writes its effect with ``finish()``: one transaction, which also marks the update as done.
"""

import logging
from collections.abc import AsyncIterator, Collection, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from telegram import CallbackQuery, Message, Update, User
from telegram.error import TelegramError

from bot.access.policy import Sender
from bot.handlers.notices import answer, edited, is_private
from bot.language import chat_language
from bot.updates.parsing import MessageBatch, key_of, update_ids
from bot.updates.raw_updates import stopped_draft
from storage import Storage, Transaction
from storage.records import Button, Chat, ChatKey, File, Notice

UNFINISHED = "The handler of the updates %s returned without finishing them"
"""A log message that makes a test fail."""
_DIRECTIONS = "\u200e\u200f\u2066\u2067\u2068\u2069"
"""Invisible directional marks. The Arabic texts put them around examples, and people copy those."""

log = logging.getLogger(__name__)


class UpdateProgress:
    """Which updates a handler has finished; kept across the retries of a handler when the database is busy."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._finished: set[int] = set()

    @asynccontextmanager
    async def finish(self, update_ids: Collection[int]) -> AsyncIterator[Transaction]:
        """See ``UpdateContext.finish``."""
        async with self._storage.transaction() as tx:
            await self._storage.inbox.done(tx, update_ids)
            yield tx
        self.leave(update_ids)

    async def done(self, tx: Transaction, update_ids: Collection[int]) -> None:
        """See ``UpdateContext.done``."""
        await self._storage.inbox.done(tx, update_ids)
        self.leave(update_ids)

    async def add(self, tx: Transaction, notices: Iterable[Notice]) -> None:
        """Store notices to be sent."""
        for notice in notices:
            await self._storage.outbox.add(tx, notice)

    async def find(self, key: ChatKey) -> Chat | None:
        """The chat as it is in the database now."""
        return await self._storage.chats.find(key)

    def leave(self, update_ids: Collection[int]) -> None:
        """Note that these are done, or that something else will mark them as done."""
        self._finished.update(update_ids)

    def unfinished(self, update_ids: Collection[int]) -> list[int]:
        """Those of these updates that have not been finished."""
        return [number for number in update_ids if number not in self._finished]


@dataclass(frozen=True, slots=True)
class UpdateContext:
    """An update, or the messages of one turn; `chat` is None if nothing is stored of this conversation yet.

    `key` is ``ChatKey(0)`` if Telegram does not name a conversation: for a change of the bot's membership, or a button
    whose message is gone.
    """

    key: ChatKey
    chat: Chat | None
    user: User | None
    language: str
    """The language of the reply."""
    update_ids: tuple[int, ...]
    progress: UpdateProgress

    @property
    def language_code(self) -> str | None:
        """The language of the user's app (IETF)."""
        return self.user.language_code if self.user is not None else None

    @asynccontextmanager
    async def finish(self, also: Collection[int] = ()) -> AsyncIterator[Transaction]:
        """Write the update's effect and mark it as done, both or neither; `also`: more updates that this finishes."""
        async with self.progress.finish((*self.update_ids, *also)) as tx:
            yield tx

    async def done(self, tx: Transaction) -> None:
        """Mark the update as done in a transaction that was begun before this was clear."""
        await self.progress.done(tx, self.update_ids)

    def hand_over(self) -> None:
        """Leave the update to the answer in flight, which marks it as done when it ends."""
        self.progress.leave(self.update_ids)

    def skip(self, update_ids: Collection[int]) -> None:
        """Don't finish these updates: a previous attempt did."""
        self.progress.leave(update_ids)

    async def send(self, tx: Transaction, *notices: Notice | None) -> None:
        """Store notices to be sent; None is skipped."""
        await self.progress.add(tx, (notice for notice in notices if notice is not None))

    async def say(self, notice: Notice | None, also: Collection[int] = ()) -> None:
        """Finish the update with a notice, or with none."""
        async with self.finish(also) as tx:
            await self.send(tx, notice)


@dataclass(frozen=True, slots=True)
class MessageContext(UpdateContext):
    """The context of a command, an edited message, or the messages of one turn; `message` is the first of them."""

    message: Message

    def notice(
        self,
        text: str,
        buttons: Sequence[Button] = (),
        *,
        until: float | None = None,
        file: File | None = None,
        alone: bool = False,
    ) -> Notice:
        """A reply to the message; for the options see ``notices.answer``."""
        return answer(self.message, text, buttons, until=until, file=file, alone=alone)

    async def reply(self, tx: Transaction, text: str, buttons: Sequence[Button] = (), *, alone: bool = False) -> None:
        """Store a reply to the message."""
        await self.send(tx, self.notice(text, buttons, alone=alone))

    async def part(self, batch: MessageBatch) -> "MessageContext":
        """The context of some messages of this turn, which may belong to another conversation of the same group."""
        chat = self.chat if batch.key == self.key else await self.progress.find(batch.key)
        return MessageContext(
            *(batch.key, chat, self.user, self.language, batch.update_ids, self.progress), batch.messages[0]
        )


@dataclass(frozen=True, slots=True)
class PressContext(UpdateContext):
    """The context of a pressed button; `message` is None if Telegram no longer provides the message it is under."""

    query: CallbackQuery
    message: Message | None

    async def acknowledge(self, text: str = "") -> None:
        """See ``acknowledge``."""
        await acknowledge(self.query, text)


@dataclass(frozen=True, slots=True)
class ButtonContext(PressContext):
    """The context of a button under a message that still exists."""

    message: Message

    def notice(self, text: str, buttons: Sequence[Button] = (), *, file: File | None = None) -> Notice:
        """A reply to the press, below the message; in a group only the person who pressed sees it."""
        return answer(self.message, text, buttons, file=file, alone=True, press=self.query)

    async def edit(self, tx: Transaction, text: str, buttons: Sequence[Button] = ()) -> None:
        """Store an edit of the message with the button."""
        await self.send(tx, edited(self.message, text, buttons))


async def context_of(subject: Update | MessageBatch, progress: UpdateProgress) -> UpdateContext:
    """Build the context of an update, or of the messages of one turn."""
    key, message, user = _origin(subject)
    chat = await progress.find(key) if key is not None else None
    language = chat_language(chat, user.language_code if user else None)
    common = (key or ChatKey(0), chat, user, language, update_ids(subject), progress)
    query = subject.callback_query if isinstance(subject, Update) else None
    if query is not None:
        return PressContext(*common, query, None) if message is None else ButtonContext(*common, query, message)
    return UpdateContext(*common) if message is None else MessageContext(*common, message)


def _origin(subject: Update | MessageBatch) -> tuple[ChatKey | None, Message | None, User | None]:
    """The conversation, message and user that it came from."""
    if isinstance(subject, MessageBatch):
        return subject.key, subject.messages[0], subject.messages[0].from_user
    user, message = subject.effective_user, subject.effective_message
    if isinstance(message, Message):
        return key_of(message), message, user
    stopped = stopped_draft(subject)
    return stopped[0] if stopped else None, None, user


async def ensure_finished(update: UpdateContext) -> None:
    """Finish an update that its handler forgot to finish: otherwise it would be handled again at every start."""
    left = update.progress.unfinished(update.update_ids)
    if left:
        log.error(UNFINISHED, left)
        await update.say(None)


async def acknowledge(query: CallbackQuery, text: str) -> None:
    """Answer a button press; if it is too late for that, the message shows the result anyway."""
    try:
        await query.answer(text or None)
    except TelegramError as exc:
        log.info("A button press can't be answered: %s", exc)


def argument(message: Message) -> str:
    """The text after a command."""
    return "".join((message.text or "").split(maxsplit=1)[1:]).strip().strip(_DIRECTIONS).strip()


def sender(message: Message) -> Sender | None:
    """Who wrote a message, or None.

    Messages in a group's own name are its administrators', and posts of its linked channel are forwarded by Telegram.
    Any other channel may be that of any member, so it is ``masked``.
    """
    chat, user = message.sender_chat, message.from_user
    if chat is not None and chat.id != message.chat.id:
        return Sender(chat.id, masked=not message.is_automatic_forward)
    return _person(user)


def sender_in(update: Update | MessageBatch) -> Sender | None:
    """Who caused an update; all messages of a batch in a group have the same sender."""
    if isinstance(update, MessageBatch):
        senders = [found for found in map(sender, update.messages) if found is not None]
        return next((found for found in senders if found.masked), senders[0] if senders else None)
    message = update.message or update.edited_message
    return sender(message) if message is not None else _person(update.effective_user)


def sender_of(message: Message) -> int | None:
    """The ID of a message's sender: that of the chat if someone writes in its name, as anonymous administrators do."""
    sender = message.sender_chat or message.from_user
    return sender.id if sender else None


def is_personal(message: Message) -> bool:
    """Whether only one person writes here: in a private chat, or in their topic of a channel's direct messages."""
    return is_private(message) or bool(message.chat.is_direct_messages)


def _person(user: User | None) -> Sender | None:
    return Sender(user.id) if user is not None else None
