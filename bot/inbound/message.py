"""A Telegram message as what somebody said."""

from telegram import Message

from bot.conversation.said import Said
from bot.inbound.kinds import described
from bot.inbound.origin import links, origin, quoted, text_of
from bot.inbound.unchanged import digest


def said(message: Message, bot_id: int) -> Said | None:
    """What the message says, without what has to be downloaded; None when nobody said anything."""
    text = text_of(message)
    kind = described(message)
    if not text and kind is None:
        return None
    sender, name = message.sender_chat or message.from_user, _speaker(message)
    private = message.chat.type == message.chat.PRIVATE
    return Said(
        message_id=message.message_id,
        sender_id=sender.id if sender else None,
        text=text,
        at=message.date,
        speaker=None if private else name,
        sender=name,
        forwarded_from=origin(message),
        quote=quoted(message, bot_id),
        notes=(*((kind,) if kind else ()), *links(message)),
        from_bot=bool(message.from_user and message.from_user.is_bot and message.sender_chat is None),
        digest=digest(message),
    )


def is_live(message: Message) -> bool:
    """Whether this is a place that Telegram keeps up to date by editing the message all the time."""
    return message.location is not None and message.location.live_period is not None


def _speaker(message: Message) -> str:
    if message.sender_chat is not None:  # an anonymous administrator, or a channel
        return message.author_signature or message.sender_chat.effective_name or "Someone"
    return message.from_user.full_name if message.from_user else "Someone"
