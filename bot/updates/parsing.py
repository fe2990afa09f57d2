"""Parsing updates: which conversation and lane one belongs to, and whether it can be joined with another.

Telegram's apps split what a person sends in one go: a long paste arrives as several messages of nearly 4,096 UTF-16
units, a comment and the forward it is about as two, a burst of forwards or an album as many. They belong to one turn.
"""

import json
import time
from dataclasses import dataclass, field
from enum import Enum, auto

from telegram import Bot, Message, Update

from bot.conversation.incoming_message import SPLIT_AT, STOP, utf16_length
from bot.updates.authorship import KNOWN, is_for_us, order
from bot.updates.raw_updates import is_aside, seen_by, stopped_draft, with_command_text, with_message_ids
from storage.inbox import RawUpdate
from storage.records import ChatKey

SPLIT_SLACK = 100
"""Apps split before the word that would not fit: a part this close to the limit may have been split."""
MOST_DIGITS = 20
SAME_MOMENT_S = 1
"""Parts of one action have timestamps at most this far apart."""


class UpdateKind(Enum):
    """How the lanes treat an update."""

    MESSAGE = auto()
    """Text for the model: can be joined with others."""
    EDIT = auto()
    """A new text for a message: one at a time, in order; an answer to the old text in progress is ended."""
    STOP = auto()
    """Overtakes everything that is waiting."""
    OTHER = auto()
    """Commands, buttons and changes of the chat: one at a time, in order."""


@dataclass(frozen=True, slots=True)
class QueuedUpdate:
    """A parsed update in the queue of its lane."""

    update_id: int
    key: ChatKey
    kind: UpdateKind
    update: Update
    arrived: float | None = field(default=None, compare=False)
    """When it was parsed, in monotonic time, if that is known."""

    @property
    def sender(self) -> int | None:
        """Who sent it: a person, or the chat in whose name they write."""
        message = self.update.message or self.update.edited_message
        if message is not None:
            return _sender(message)
        user = self.update.effective_user
        return user.id if user else None

    @property
    def is_private(self) -> bool:
        """Whether only one person writes in its conversation."""
        chat = self.update.effective_chat
        return chat is not None and (chat.type == chat.PRIVATE or bool(chat.is_direct_messages))

    @property
    def may_continue(self) -> bool:
        """Whether another part of the same action may still arrive."""
        message = self.update.message
        if message is None or self.kind is not UpdateKind.MESSAGE:
            return False
        return _is_cut(message) or _is_forward(message) or message.media_group_id is not None

    def joins(self, before: "QueuedUpdate") -> bool:
        """Whether this message and the one before it can be one turn: in a group only if they have the same sender."""
        message, previous = self.update.message, before.update.message
        if message is None or previous is None or {self.kind, before.kind} != {UpdateKind.MESSAGE}:
            return False
        return message.chat.type == message.chat.PRIVATE or _sender(message) == _sender(previous)

    def continues(self, before: "QueuedUpdate") -> bool:
        """Whether this message is part of the same action as the one before it."""
        message, previous = self.update.message, before.update.message
        if message is None or previous is None or not self.joins(before):
            return False
        return is_part(message, previous)


@dataclass(frozen=True, slots=True)
class MessageBatch:
    """Messages that form one turn, as the handlers get them."""

    key: ChatKey
    messages: tuple[Message, ...]
    update_ids: tuple[int, ...]
    continues: bool = False
    """Whether it continues the message before it: the rest of a paste, or the forward that a comment is about."""


def is_part(message: Message, before: Message) -> bool:
    """Whether a message is part of the same action as the previous one from the same person."""
    if message.media_group_id is not None and message.media_group_id == before.media_group_id:
        return True
    at_once = abs((message.date - before.date).total_seconds()) <= SAME_MOMENT_S
    return at_once and (_is_cut(before) or _is_forward(message))


def key_of(message: Message) -> ChatKey:
    """The conversation that a message belongs to: its chat, its topic, or its sender's ephemeral conversation."""
    if (member := seen_by(message)) is not None and is_aside(message, KNOWN):
        return ChatKey.aside(message.chat.id, member)
    return shared_key(message)


def shared_key(message: Message) -> ChatKey:
    """The chat or topic that a message was sent to, even if it is ephemeral."""
    if (topic := message.direct_messages_topic) is not None:
        return ChatKey(message.chat.id, topic.topic_id, direct=True)
    return ChatKey(message.chat.id, (message.message_thread_id or 0) if message.is_topic_message else 0)


def update_ids(update: object) -> tuple[int, ...]:
    """The inbox rows of what a handler is given."""
    if isinstance(update, MessageBatch):
        return update.update_ids
    return (update.update_id,) if isinstance(update, Update) else ()


def parse(raw: RawUpdate, bot: Bot) -> QueuedUpdate:
    """Parse an update's JSON. Raises ValueError, with the cause, if it can't be parsed."""
    try:
        update = Update.de_json(with_command_text(with_message_ids(json.loads(raw.raw, parse_int=_integer))), bot)
        return QueuedUpdate(raw.update_id, _chat_key(update), _kind(update, bot), update, time.monotonic())
    except Exception as exc:  # no JSON from outside may stop the bot, whatever the library raises
        raise ValueError(f"update {raw.update_id} can't be parsed") from exc


def _integer(digits: str) -> int:
    """An integer that the database can store. Raises ValueError."""
    if len(digits) > MOST_DIGITS or not -(2**63) <= (number := int(digits)) < 2**63:
        raise ValueError("a number is out of range")
    return number


def _chat_key(update: Update) -> ChatKey:
    if (stopped := stopped_draft(update)) is not None:
        return stopped[0]
    message = update.effective_message
    if isinstance(message, Message):
        # The move of a group is handled in the old group's lane, after the work in progress there.
        return ChatKey(message.migrate_from_chat_id) if message.migrate_from_chat_id else key_of(message)
    return ChatKey(update.effective_chat.id if update.effective_chat else 0)


def _kind(update: Update, bot: Bot) -> UpdateKind:
    if stopped_draft(update) is not None:
        return UpdateKind.STOP
    if not is_for_us(update):
        return UpdateKind.OTHER
    if update.edited_message is not None:
        return UpdateKind.EDIT
    if update.callback_query is not None and (update.callback_query.data or "").startswith(STOP):
        return UpdateKind.STOP
    if update.message is None:
        return UpdateKind.OTHER
    if update.message.migrate_to_chat_id is not None or update.message.migrate_from_chat_id is not None:
        return UpdateKind.OTHER
    given = order(update.message, bot)
    if given is None:
        return UpdateKind.MESSAGE
    return UpdateKind.STOP if given.lower() in ("/stop", f"/stop@{bot.username.lower()}") else UpdateKind.OTHER


def _is_cut(message: Message) -> bool:
    return utf16_length(message.text or "") >= SPLIT_AT - SPLIT_SLACK


def _is_forward(message: Message) -> bool:
    return message.forward_origin is not None


def _sender(message: Message) -> int | None:
    sender = message.sender_chat or message.from_user  # anonymous administrators and channels share one user
    return sender.id if sender else None
