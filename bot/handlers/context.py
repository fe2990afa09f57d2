"""One object per update: what the router finds out about it once, and hands to its handler.

A handler writes what it does with ``finish()``: one transaction, which marks the update as done as well.
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
"""Logged; a test that sees it fails."""
_DIRECTIONS = "\u200e\u200f\u2066\u2067\u2068\u2069"
"""Invisible marks of the writing direction. Arabic texts enclose their examples in them, and people copy those."""

log = logging.getLogger(__name__)


class UpdateProgress:
    """Which updates a handler has finished; kept for as long as it is tried again when the database is busy."""

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
        """Have notices sent."""
        for notice in notices:
            await self._storage.outbox.add(tx, notice)

    async def find(self, key: ChatKey) -> Chat | None:
        """The chat as it is stored."""
        return await self._storage.chats.find(key)

    def leave(self, update_ids: Collection[int]) -> None:
        """These are done, or are marked as done by someone else."""
        self._finished.update(update_ids)

    def unfinished(self, update_ids: Collection[int]) -> list[int]:
        """Those of these that nobody has finished."""
        return [number for number in update_ids if number not in self._finished]


@dataclass(frozen=True, slots=True)
class UpdateContext:
    """An update, or the messages of one turn; `chat` None: nothing is stored of this conversation yet.

    `key` is that of no chat where Telegram names none: when the bot's membership has changed, or the message with the
    button is gone.
    """

    key: ChatKey
    chat: Chat | None
    user: User | None
    language: str
    """Of what is said in answer to it."""
    update_ids: tuple[int, ...]
    progress: UpdateProgress

    @property
    def language_code(self) -> str | None:
        """Of the user's app (IETF)."""
        return self.user.language_code if self.user is not None else None

    @asynccontextmanager
    async def finish(self, also: Collection[int] = ()) -> AsyncIterator[Transaction]:
        """Write what the update does and mark it as done, both or neither; `also`: more updates that this finishes."""
        async with self.progress.finish((*self.update_ids, *also)) as tx:
            yield tx

    async def done(self, tx: Transaction) -> None:
        """Mark the update as done in a transaction that was begun before it was known whether it is."""
        await self.progress.done(tx, self.update_ids)

    def hand_over(self) -> None:
        """Leave the update to the answer under way, which marks it as done when it ends."""
        self.progress.leave(self.update_ids)

    def skip(self, update_ids: Collection[int]) -> None:
        """Leave some of the updates alone: they were done when this was tried before."""
        self.progress.leave(update_ids)

    async def send(self, tx: Transaction, *notices: Notice | None) -> None:
        """Have notices sent."""
        await self.progress.add(tx, (notice for notice in notices if notice is not None))

    async def say(self, notice: Notice | None, also: Collection[int] = ()) -> None:
        """Finish the update with a notice, or with none."""
        async with self.finish(also) as tx:
            await self.send(tx, notice)


@dataclass(frozen=True, slots=True)
class MessageContext(UpdateContext):
    """Of a command, an edited message, or the messages of one turn; `message` is the first of them."""

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
        """An answer to the message; for the options see ``notices.answer``."""
        return answer(self.message, text, buttons, until=until, file=file, alone=alone)

    async def reply(self, tx: Transaction, text: str, buttons: Sequence[Button] = (), *, alone: bool = False) -> None:
        """Have an answer to the message sent."""
        await self.send(tx, self.notice(text, buttons, alone=alone))

    async def part(self, batch: MessageBatch) -> "MessageContext":
        """The context of some messages of this turn, which may belong to the conversation of the whole group."""
        chat = self.chat if batch.key == self.key else await self.progress.find(batch.key)
        return MessageContext(
            *(batch.key, chat, self.user, self.language, batch.update_ids, self.progress), batch.messages[0]
        )


@dataclass(frozen=True, slots=True)
class PressContext(UpdateContext):
    """Of a button that was pressed; `message` None: Telegram does not show us any more what it is under."""

    query: CallbackQuery
    message: Message | None

    async def acknowledge(self, text: str = "") -> None:
        """Answer the press; a late or repeated one can't be answered, and its message tells the user anyway."""
        await acknowledge(self.query, text)


@dataclass(frozen=True, slots=True)
class ButtonContext(PressContext):
    """Of a button under a message that is still there."""

    message: Message

    def notice(self, text: str, buttons: Sequence[Button] = (), *, file: File | None = None) -> Notice:
        """An answer to the press, under the message; in a group it is shown only to the person who pressed."""
        return answer(self.message, text, buttons, file=file, alone=True, press=self.query)

    async def edit(self, tx: Transaction, text: str, buttons: Sequence[Button] = ()) -> None:
        """Have the message with the button turned into another one."""
        await self.send(tx, edited(self.message, text, buttons))


async def context_of(subject: Update | MessageBatch, progress: UpdateProgress) -> UpdateContext:
    """Find out about an update, or about the messages of one turn."""
    key, message, user = _origin(subject)
    chat = await progress.find(key) if key is not None else None
    language = chat_language(chat, user.language_code if user else None)
    common = (key or ChatKey(0), chat, user, language, update_ids(subject), progress)
    query = subject.callback_query if isinstance(subject, Update) else None
    if query is not None:
        return PressContext(*common, query, None) if message is None else ButtonContext(*common, query, message)
    return UpdateContext(*common) if message is None else MessageContext(*common, message)


def _origin(subject: Update | MessageBatch) -> tuple[ChatKey | None, Message | None, User | None]:
    """Where it came from, its message, and from whom."""
    if isinstance(subject, MessageBatch):
        return subject.key, subject.messages[0], subject.messages[0].from_user
    user, message = subject.effective_user, subject.effective_message
    if isinstance(message, Message):
        return key_of(message), message, user
    stopped = stopped_draft(subject)
    return stopped[0] if stopped else None, None, user


async def ensure_finished(update: UpdateContext) -> None:
    """Finish an update that its handler has forgotten to finish, or it would be handled again at every start."""
    left = update.progress.unfinished(update.update_ids)
    if left:
        log.error(UNFINISHED, left)
        await update.say(None)


async def acknowledge(query: CallbackQuery, text: str) -> None:
    """Answer a press; a late or repeated one can't be answered, and its message tells the user anyway."""
    try:
        await query.answer(text or None)
    except TelegramError as exc:
        log.info("A button press can't be answered: %s", exc)


def argument(message: Message) -> str:
    """What stands behind a command."""
    return "".join((message.text or "").split(maxsplit=1)[1:]).strip().strip(_DIRECTIONS).strip()


def sender(message: Message) -> Sender | None:
    """Who wrote a message. A group's own name is that of its administrators, and its linked channel's posts are known.

    In the name of any other channel anybody may write whose channel it is.
    """
    chat, user = message.sender_chat, message.from_user
    if chat is not None and chat.id != message.chat.id:
        return Sender(chat.id, masked=not message.is_automatic_forward)
    return _person(user)


def sender_in(update: Update | MessageBatch) -> Sender | None:
    """Whose update it is; the messages of a batch in a group are all of one sender."""
    if isinstance(update, MessageBatch):
        found = [one for one in map(sender, update.messages) if one is not None]
        return next((one for one in found if one.masked), found[0] if found else None)
    message = update.message or update.edited_message
    return sender(message) if message is not None else _person(update.effective_user)


def sender_of(message: Message) -> int | None:
    """Telegram gives all anonymous administrators one user; who they are is their group."""
    sender = message.sender_chat or message.from_user
    return sender.id if sender else None


def is_personal(message: Message) -> bool:
    """Whether one person talks here: in private, or in their topic of a channel's direct messages."""
    return is_private(message) or bool(message.chat.is_direct_messages)


def _person(user: User | None) -> Sender | None:
    return Sender(user.id) if user is not None else None
