"""A Telegram message as what somebody said."""

from telegram import Message, MessageOriginChannel, MessageOriginChat, MessageOriginHiddenUser, MessageOriginUser

from bot.conversation.said import Said


def said(message: Message) -> Said | None:
    """What the message says; None when it holds no words that can be read."""
    if message.text is None:
        return None
    sender, name = message.from_user, _speaker(message)
    private = message.chat.type == message.chat.PRIVATE
    return Said(
        message_id=message.message_id,
        sender_id=sender.id if sender else None,
        text=message.text,
        at=message.date,
        speaker=None if private else name,
        sender=name,
        forwarded_from=_origin(message),
        quote=_quote(message),
    )


def is_unreadable(message: Message) -> bool:
    """Whether a person sent something that is not text: a photo, a voice note, ... (service messages are neither)."""
    return message.text is None and message.effective_attachment is not None


def _speaker(message: Message) -> str:
    if message.sender_chat is not None:  # an anonymous administrator, or a channel
        return message.author_signature or message.sender_chat.effective_name or "Someone"
    return message.from_user.full_name if message.from_user else "Someone"


def _origin(message: Message) -> str | None:
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


def _quote(message: Message) -> str | None:
    if message.quote is not None:
        return message.quote.text
    replied_to = message.reply_to_message
    return (replied_to.text or replied_to.caption) if replied_to else None
