"""Who wrote a message: only the sender's own words can be commands, or answers to a question of the bot."""

import re

from telegram import Bot, Message, MessageEntity, Update

_REPEATED = frozenset(
    (MessageEntity.BLOCKQUOTE, MessageEntity.EXPANDABLE_BLOCKQUOTE, MessageEntity.CODE, MessageEntity.PRE)
)
"""A command inside one of these is being shown, not given."""
KNOWN = frozenset(
    (
        *("start", "help", "summary", "memory", "search", "why", "forget", "stop", "retry", "reset", "usage"),
        *("export", "settings", "privacy", "users", "allow", "block", "broadcast", "budget", "cancel"),
    )
)
"""The commands that the bot has."""
_CAPTION = "/broadcast"
"""The one command that can be a caption; all other captions are about their file."""
_LONGER = re.compile(r"\S*[A-Za-z0-9_/\\]")
"""Text right after a command, without a space, makes it the beginning of a path, a date or a name instead."""


def is_own(message: Message) -> bool:
    """Whether its sender wrote it: it isn't a forward, an automatically forwarded channel post, or a bot's text."""
    older = message.api_kwargs.get("forward_date")  # set instead by servers older than Bot API 7.0
    repeated = message.forward_origin is not None or bool(message.is_automatic_forward) or older is not None
    by_bot = message.via_bot is not None or message.sender_business_bot is not None
    return not (repeated or by_bot)


def command(message: Message) -> str | None:
    """The command at the beginning of a message, as written, such as ``/Stop@name``; None if there is none."""
    if not is_own(message):
        return None
    if any(entity.type in _REPEATED and entity.offset == 0 for entity in message.entities):
        return None
    for entity, text in message.parse_entities([MessageEntity.BOT_COMMAND]).items():
        if entity.offset == 0:
            return None if _LONGER.match(_rest_after(message, text)) else text
    return None


def _of_caption(message: Message, bot: Bot) -> str | None:
    """A command as the caption of one file in a private chat; an album can't be copied with another caption."""
    if message.chat.type != message.chat.PRIVATE or message.media_group_id is not None or not is_own(message):
        return None
    if any(entity.type in _REPEATED and entity.offset == 0 for entity in message.caption_entities):
        return None
    for entity, text in message.parse_caption_entities([MessageEntity.BOT_COMMAND]).items():
        if entity.offset == 0 and text.lower() in (_CAPTION, f"{_CAPTION}@{bot.username.lower()}"):
            return None if _LONGER.match(_rest_after(message, text)) else text
    return None


def order(message: Message, bot: Bot) -> str | None:
    """The command to obey or ignore; None if the message is meant as text, even if it begins like a command.

    People address the bot with commands that it doesn't have ("/ask@name what ..."), and many sentences begin with a
    slash.
    """
    given = command(message)
    if given is None:
        return _of_caption(message, bot)
    name, _, at = given[1:].lower().partition("@")
    if name in KNOWN and at in ("", bot.username.lower()):
        return given
    return None if _rest_after(message, given).strip() and is_addressed_to(message, bot) else given


def is_addressed_to(message: Message, bot: Bot) -> bool:
    """Whether a command that the bot doesn't have was meant for it: there may be other bots in a group.

    People also reply to a message of this bot with a command for another one ("/translate@other").
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


def _rest_after(message: Message, command: str) -> str:
    return (message.text or message.caption or "")[len(command) :]


def is_for_us(update: Update) -> bool:
    """Whether the bot handles this kind of update; others may have been queued before it told Telegram what it handles.

    A business account's private chat, or one that a guest bot was called into, may have the same ID as a chat with the
    bot. In a channel's direct messages only the topic says who is writing, so messages without one are ignored. Buttons
    under forwards are ignored, too.
    """
    message = update.message or update.edited_message
    if message is not None and message.chat.is_direct_messages and message.direct_messages_topic is None:
        return False
    query = update.callback_query
    if query is not None and isinstance(query.message, Message):
        return not query.message.business_connection_id and query.message.forward_origin is None
    return any((update.message, update.edited_message, query, update.my_chat_member))
