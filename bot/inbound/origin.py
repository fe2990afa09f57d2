"""Provisional."""

from telegram import Message, MessageOriginChannel, MessageOriginChat, MessageOriginHiddenUser, MessageOriginUser

from bot.conversation.said import Quoted


def origin(message: Message) -> str | None:
    """Provisional."""
    match message.forward_origin:
        case None:
            return None
        case MessageOriginUser(sender_user=user):
            return user.full_name
        case MessageOriginHiddenUser(sender_user_name=name):
            return name
        case MessageOriginChat(sender_chat=chat) | MessageOriginChannel(chat=chat):
            return chat.effective_name or "a chat"
    return "somewhere else"


def quoted(message: Message, bot_id: int) -> Quoted | None:
    """Provisional."""
    if message.quote is not None:
        return Quoted(message.quote.text, whole=False)
    replied_to = message.reply_to_message
    if replied_to is None:
        return None
    text = replied_to.text or replied_to.caption
    sender = replied_to.from_user
    author = None if sender is None or sender.id == bot_id else sender.full_name
    return Quoted(text, author, replied_to.message_id) if text else None


def links(message: Message) -> list[str]:
    """Provisional."""
    return []
