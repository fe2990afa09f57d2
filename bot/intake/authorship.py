"""Whose words a message holds: only its sender's own give commands, and answer what we asked."""

from telegram import Message, MessageEntity, Update

_REPEATED = frozenset(
    (MessageEntity.BLOCKQUOTE, MessageEntity.EXPANDABLE_BLOCKQUOTE, MessageEntity.CODE, MessageEntity.PRE)
)
"""What stands in these is shown, and not said."""


def is_own(message: Message) -> bool:
    """Whether its sender wrote it: it is no forward, no post of a channel that Telegram repeats, and no bot's text."""
    repeated = message.forward_origin is not None or bool(message.is_automatic_forward)
    by_bot = message.via_bot is not None or message.sender_business_bot is not None
    return not (repeated or by_bot)


def command(message: Message) -> str | None:
    """The command that somebody gives with this message, as it is written; None when it is no command."""
    if not is_own(message):
        return None
    if any(entity.type in _REPEATED and entity.offset == 0 for entity in message.entities):
        return None
    for entity, text in message.parse_entities([MessageEntity.BOT_COMMAND]).items():
        if entity.offset == 0:
            return text
    return None


def is_for_us(update: Update) -> bool:
    """Whether this is an update of a kind that the bot asks for; others may have waited from before it said so.

    A private chat of a business account, or of one that calls a guest, may have the number of a chat with the bot. In a
    channel's direct messages nothing tells whose words are whose but their topic, and without one nobody is answered.
    A button under a forward is no button of ours.
    """
    said = update.message or update.edited_message
    if said is not None and said.chat.is_direct_messages and said.direct_messages_topic is None:
        return False
    query = update.callback_query
    if query is not None and isinstance(query.message, Message):
        return not query.message.business_connection_id and query.message.forward_origin is None
    return any((update.message, update.edited_message, query, update.my_chat_member))
