"""Where a message comes from, what it answers, and where its words lead."""

from collections.abc import Iterator, Mapping, Sequence

from telegram import (
    Message,
    MessageEntity,
    MessageOrigin,
    MessageOriginChannel,
    MessageOriginChat,
    MessageOriginHiddenUser,
    MessageOriginUser,
)

from bot.conversation.said import Quoted
from bot.inbound.kinds import clean, described, held

MOST_LINKS = 5
LONGEST_LINK = 300


def origin(message: Message) -> str | None:
    """Who wrote a forwarded message."""
    return _author(message.forward_origin) if message.forward_origin else None


def replied_to(message: Message) -> Message | None:
    """The message that this one answers; not the opening of its topic, which Telegram names where there is none."""
    target = message.reply_to_message
    if target is None or target.forum_topic_created is not None:
        return None
    return target


def quoted(message: Message, bot_id: int) -> Quoted | None:
    """What a message answers: a part that was marked in it, or all of it, or what stands in another chat."""
    target = replied_to(message)
    if target is not None:
        author = _speaker(target, bot_id)
        if message.quote is not None:
            return Quoted(message.quote.text, author, target.message_id, whole=False)
        words = "\n".join(filter(None, (described(target), text_of(target))))
        return Quoted(words, author, target.message_id) if words else None
    return _elsewhere(message)


def text_of(message: Message) -> str:
    """The words of a message: its text or caption, or what its rich form says."""
    rich = message.api_kwargs.get("rich_message")
    return message.text or message.caption or "\n".join(_blocks(rich))


def links(message: Message) -> list[str]:
    """The addresses behind words that don't show them."""
    hidden: list[str | None] = [MessageEntity.TEXT_LINK]
    found = message.parse_entities(hidden) | message.parse_caption_entities(hidden)
    return [
        f"[link behind {clean(words)}: {''.join(url.split())[:LONGEST_LINK]}]"
        for entity, words in list(found.items())[:MOST_LINKS]
        if (url := entity.url)
    ]


def _elsewhere(message: Message) -> Quoted | None:
    if message.reply_to_story is not None:
        return Quoted(f"[{_story_of(message)}]", clean(message.reply_to_story.chat.effective_name) or None)
    outside = message.external_reply
    if outside is None:
        return Quoted(message.quote.text, whole=False) if message.quote else None
    words = "\n".join(filter(None, (held(outside), message.quote.text if message.quote else None)))
    return Quoted(words or "[a message in another chat]", _author(outside.origin), whole=False)


def _story_of(message: Message) -> str:
    return "story, which I can't see" if message.reply_to_story else ""


def _speaker(message: Message, bot_id: int) -> str | None:
    if message.sender_chat is not None:
        return message.author_signature or message.sender_chat.effective_name or "Someone"
    sender = message.from_user
    if sender is None:
        return "Someone"
    return None if sender.id == bot_id else sender.full_name


def _author(source: MessageOrigin) -> str:
    match source:
        case MessageOriginUser(sender_user=user):
            return user.full_name
        case MessageOriginHiddenUser(sender_user_name=name):
            return name
        case MessageOriginChat(sender_chat=chat) | MessageOriginChannel(chat=chat):
            return chat.effective_name or "a chat"
    return "somewhere else"


def _blocks(rich: object) -> Iterator[str]:
    """The words of a rich message, which python-telegram-bot does not know yet, block by block."""
    blocks = rich.get("blocks") if isinstance(rich, Mapping) else None
    for block in blocks if isinstance(blocks, Sequence) and not isinstance(blocks, str) else ():
        words = "".join(_words(block))
        if words.strip():
            yield words


def _words(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for name in ("summary", "text", "expression", "caption", "blocks", "items", "cells"):
            inner = value.get(name)
            yield from _words(inner)
            if inner and name in ("summary", "blocks", "cells"):
                yield "\n"
    elif isinstance(value, Sequence):
        for one in value:
            yield from _words(one)
            if isinstance(one, Mapping) and "blocks" in one:
                yield "\n"
