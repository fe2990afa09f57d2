"""Whom an owner means by a message that a command replies to."""

from telegram import (
    Chat,
    ExternalReplyInfo,
    Message,
    MessageOrigin,
    MessageOriginChannel,
    MessageOriginChat,
    MessageOriginUser,
    User,
)

from bot.inbound.bots import SHARED
from bot.inbound.origin import replied_to
from storage.guests import Guest


def replies(message: Message) -> bool:
    """Whether a command is about what it replies to, here or in another chat."""
    return replied_to(message) is not None or message.external_reply is not None


def author_meant(message: Message) -> Guest | None:
    """The person, or the channel, whose message a command replies to; None: nobody who could be let in or blocked.

    What an owner has forwarded themselves is its author's, and what others forward is theirs.
    """
    target = replied_to(message)
    if target is None:
        return _elsewhere(message.external_reply) if message.external_reply else None
    if target.forward_origin is not None and _same_sender(message, target):
        return _author(target.forward_origin)
    return _sender(target)


def _sender(message: Message) -> Guest | None:
    chat = message.sender_chat
    if chat is None:
        return _person(message.from_user) if message.from_user else None
    if chat.id == message.chat.id or message.is_automatic_forward:  # its administrators, and its linked channel's posts
        return None
    return _channel(chat)


def _elsewhere(outside: ExternalReplyInfo) -> Guest | None:
    """In a group what was a channel's post is there by its link, or by somebody who forwarded it, who is not told."""
    source, chat = outside.origin, outside.chat
    if chat is not None and chat.type != Chat.CHANNEL and isinstance(source, MessageOriginChannel):
        return None
    if chat is not None and isinstance(source, MessageOriginChat) and source.sender_chat.id == chat.id:
        return None
    return _author(source)


def _author(source: MessageOrigin) -> Guest | None:
    match source:
        case MessageOriginUser(sender_user=user):
            return _person(user)
        case MessageOriginChat(sender_chat=chat) | MessageOriginChannel(chat=chat):
            return _channel(chat)
    return None


def _person(user: User) -> Guest | None:
    return None if user.id in SHARED else Guest(user.id, user.full_name, user.username, user.language_code)


def _channel(chat: Chat) -> Guest:
    return Guest(chat.id, chat.effective_name or "", chat.username)


def _same_sender(message: Message, other: Message) -> bool:
    return message.from_user is not None and other.from_user is not None and message.from_user.id == other.from_user.id
