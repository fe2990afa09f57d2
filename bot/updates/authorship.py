"""Whose words a message holds: only its sender's own give commands, and answer what we asked."""

import re

from telegram import Bot, Message, MessageEntity, Update

_REPEATED = frozenset(
    (MessageEntity.BLOCKQUOTE, MessageEntity.EXPANDABLE_BLOCKQUOTE, MessageEntity.CODE, MessageEntity.PRE)
)
"""What stands in these is shown, and not said."""
KNOWN = frozenset(
    (
        *("start", "help", "summary", "memory", "search", "why", "forget", "stop", "retry", "reset", "usage"),
        *("export", "settings", "privacy", "users", "allow", "block", "broadcast", "budget", "cancel"),
    )
)
"""The commands that the bot has."""
_CAPTION = "/broadcast"
"""The one command that is given with a file: what stands under other files is said about them."""
_LONGER = re.compile(r"\S*[A-Za-z0-9_/\\]")
"""What goes on behind a command without a blank makes it the beginning of a path, a date or a name."""


def is_own(message: Message) -> bool:
    """Whether its sender wrote it: it is no forward, no post of a channel that Telegram repeats, and no bot's text."""
    older = message.api_kwargs.get("forward_date")  # how servers before Bot API 7.0 tell it
    repeated = message.forward_origin is not None or bool(message.is_automatic_forward) or older is not None
    by_bot = message.via_bot is not None or message.sender_business_bot is not None
    return not (repeated or by_bot)


def command(message: Message) -> str | None:
    """The command that someone gives with this message, as it is written; None when it is no command."""
    if not is_own(message):
        return None
    if any(entity.type in _REPEATED and entity.offset == 0 for entity in message.entities):
        return None
    for entity, text in message.parse_entities([MessageEntity.BOT_COMMAND]).items():
        if entity.offset == 0:
            return None if _LONGER.match(_behind(message, text)) else text
    return None


def _of_caption(message: Message, bot: Bot) -> str | None:
    """A command under one file, in private: nobody can copy an album with other words."""
    if message.chat.type != message.chat.PRIVATE or message.media_group_id is not None or not is_own(message):
        return None
    if any(entity.type in _REPEATED and entity.offset == 0 for entity in message.caption_entities):
        return None
    for entity, text in message.parse_caption_entities([MessageEntity.BOT_COMMAND]).items():
        if entity.offset == 0 and text.lower() in (_CAPTION, f"{_CAPTION}@{bot.username.lower()}"):
            return None if _LONGER.match(_behind(message, text)) else text
    return None


def order(message: Message, bot: Bot) -> str | None:
    """The command that is to be obeyed, or passed over; None when the message is words, if it begins like one or not.

    People call the bot by commands that it has not got ("/ask@name what ..."), and a slash begins many a sentence.
    """
    given = command(message)
    if given is None:
        return _of_caption(message, bot)
    name, _, at = given[1:].lower().partition("@")
    if name in KNOWN and at in ("", bot.username.lower()):
        return given
    return None if _behind(message, given).strip() and is_at(message, bot) else given


def is_at(message: Message, bot: Bot) -> bool:
    """Whether a command that the bot has not got was meant for it: in a group there may be other bots.

    People also reply to a message of this bot with another one's command ("/translate@other").
    """
    if message.chat.type == message.chat.PRIVATE or message.chat.is_direct_messages or message.message_id <= 0:
        return True  # see `bot.updates.raw_updates`
    at = (command(message) or "").lower().partition("@")[2]
    if at:
        return at == bot.username.lower()
    answered = message.reply_to_message.from_user if message.reply_to_message else None
    if answered is not None and answered.id == bot.id:
        return True
    names = message.parse_entities([MessageEntity.MENTION, MessageEntity.BOT_COMMAND]).values()
    return any(name.lower().partition("@")[2] == bot.username.lower() for name in names)


def _behind(message: Message, command: str) -> str:
    return (message.text or message.caption or "")[len(command) :]


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
