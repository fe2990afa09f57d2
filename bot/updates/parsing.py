"""An update on its way to its lane: which conversation it belongs to, and whether it can be joined with another.

Telegram's apps split what a person sends in one go: a long paste comes as several messages of nearly 4,096 units, a
comment and the forward it is about as two, a burst of forwards or an album as many. They belong to one turn.
"""

import json
from dataclasses import dataclass
from enum import Enum, auto

from telegram import Bot, Message, Update

from bot.conversation.incoming_message import SPLIT_AT, STOP, utf16_length
from bot.updates.authorship import KNOWN, is_for_us, order
from bot.updates.raw_updates import is_aside, keyed, seen_by, stopped_draft, worded
from storage.inbox import RawUpdate
from storage.records import ChatKey

SPLIT_SLACK = 100
"""Apps cut before the word that would not fit: a part this close to the limit may have been cut."""
SAME_MOMENT_S = 1
"""Parts of one action carry the same second, or the next."""


class UpdateKind(Enum):
    """How the lanes treat an update."""

    MESSAGE = auto()
    """Words to the model: can be joined with others."""
    EDIT = auto()
    """Other words for a message: one at a time, in order, and the answer to the old words ends."""
    STOP = auto()
    """Overtakes everything that waits."""
    OTHER = auto()
    """Commands, buttons and changes of the chat: one at a time, in order."""


@dataclass(frozen=True, slots=True)
class QueuedUpdate:
    """A parsed update."""

    update_id: int
    key: ChatKey
    kind: UpdateKind
    update: Update

    @property
    def may_continue(self) -> bool:
        """Whether a part that belongs to this message may still be on its way."""
        message = self.update.message
        if message is None or self.kind is not UpdateKind.MESSAGE:
            return False
        return _is_cut(message) or _is_forward(message) or message.media_group_id is not None

    def joins(self, before: "QueuedUpdate") -> bool:
        """Whether this message and the one before it can be one turn: in a group only one sender's can."""
        mine, theirs = self.update.message, before.update.message
        if mine is None or theirs is None or {self.kind, before.kind} != {UpdateKind.MESSAGE}:
            return False
        return mine.chat.type == mine.chat.PRIVATE or _sender(mine) == _sender(theirs)

    def continues(self, before: "QueuedUpdate") -> bool:
        """Whether this message is a part of the same action as the one before it."""
        mine, theirs = self.update.message, before.update.message
        if mine is None or theirs is None or not self.joins(before):
            return False
        return is_part(mine, theirs)


@dataclass(frozen=True, slots=True)
class MessageBatch:
    """Messages that are one turn, as the handlers get them."""

    key: ChatKey
    messages: tuple[Message, ...]
    update_ids: tuple[int, ...]
    continues: bool = False
    """Whether it goes on with the message before it: the rest of a paste, or what a comment was about."""


def is_part(message: Message, before: Message) -> bool:
    """Whether a message is a part of the same action as the one of the same person before it."""
    if message.media_group_id is not None and message.media_group_id == before.media_group_id:
        return True
    at_once = abs((message.date - before.date).total_seconds()) <= SAME_MOMENT_S
    return at_once and (_is_cut(before) or _is_forward(message))


def key_of(message: Message) -> ChatKey:
    """The conversation that a message belongs to: its chat, its topic there, or what nobody else there sees."""
    if (member := seen_by(message)) is not None and is_aside(message, KNOWN):
        return ChatKey.aside(message.chat.id, member)
    return shared_key(message)


def shared_key(message: Message) -> ChatKey:
    """The chat, or the topic, that a message was sent to, whoever sees it."""
    if (topic := message.direct_messages_topic) is not None:
        return ChatKey(message.chat.id, topic.topic_id, direct=True)
    return ChatKey(message.chat.id, (message.message_thread_id or 0) if message.is_topic_message else 0)


def update_ids(update: object) -> tuple[int, ...]:
    """The inbox rows behind what a handler gets."""
    if isinstance(update, MessageBatch):
        return update.update_ids
    return (update.update_id,) if isinstance(update, Update) else ()


def parse(raw: RawUpdate, bot: Bot) -> QueuedUpdate:
    """Parse an update's JSON. Raises ValueError, with the cause, when it can't be read."""
    try:
        update = Update.de_json(worded(keyed(json.loads(raw.raw))), bot)
        return QueuedUpdate(raw.update_id, _key(update), _kind(update, bot), update)
    except Exception as exc:  # whatever PTB stumbles over in JSON from outside must stop nothing
        raise ValueError(f"update {raw.update_id} can't be parsed") from exc


def _key(update: Update) -> ChatKey:
    if (stopped := stopped_draft(update)) is not None:
        return stopped[0]
    message = update.effective_message
    if isinstance(message, Message):
        # A group that moves does so in the lane of the old one, when what is under way there has ended.
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
    sender = message.sender_chat or message.from_user  # all anonymous administrators and channels have one user
    return sender.id if sender else None
