"""The context of a message: who wrote a forward, what a reply refers to, and the links in its text."""

from telegram import (
    ExternalReplyInfo,
    Message,
    MessageEntity,
    MessageOrigin,
    MessageOriginChannel,
    MessageOriginChat,
    MessageOriginHiddenUser,
    MessageOriginUser,
)

from bot.conversation.incoming_message import Quote
from bot.conversation.spoofing import escape_framing
from bot.inbound.kinds import described, known_content
from bot.inbound.rich_messages import words_of
from bot.inbound.sanitize import clean, visible

MOST_LINKS = 20
LONGEST_LINK = 300
FILES = ("animation", "audio", "document", "live_photo", "photo", "sticker", "video", "video_note", "voice")
"""Fields whose content would have to be downloaded."""


def origin(message: Message) -> str | None:
    """The name of a forwarded message's author."""
    return _author(message.forward_origin) if message.forward_origin else None


def replied_to(message: Message) -> Message | None:
    """The message that this one replies to, unless that is the topic's first message, which is Telegram's default."""
    target = message.reply_to_message
    if target is None or target.forum_topic_created is not None:
        return None
    return target


def quoted(message: Message, bot_id: int) -> Quote | None:
    """What a message replies to: a quoted part of a message, all of it, or something in another chat."""
    target = replied_to(message)
    if target is None:
        return _elsewhere(message)
    author = _speaker(target, bot_id)
    if part := _part(message) or _item(message, target):
        return Quote(part, author, target.message_id, whole=False, author_id=_sender_id(target))
    words = "\n".join(filter(None, (described(target), escape_framing(text_of(target), quotes=False))))
    return Quote(words, author, target.message_id, author_id=_sender_id(target)) if words else None


def _part(message: Message) -> str | None:
    """The quoted part of the message that a message replies to."""
    return escape_framing(message.quote.text, quotes=False) if message.quote else None


def quoted_id(message: Message) -> int | None:
    """The ID of the author of what a message replies to, here or in another chat."""
    if (target := replied_to(message)) is not None:
        return _sender_id(target)
    return author_id(message.external_reply.origin) if message.external_reply else None


def author_id(source: MessageOrigin | None) -> int | None:
    """The ID of a forward's original author, a person or a chat, unless they hide it."""
    match source:
        case MessageOriginUser(sender_user=user):
            return user.id
        case MessageOriginChat(sender_chat=chat) | MessageOriginChannel(chat=chat):
            return chat.id
    return None


def text_of(message: Message) -> str:
    """The text of a message: its text or caption, or that of its rich message."""
    return words_of(message.api_kwargs.get("rich_message")) or message.text or message.caption or ""


def links(message: Message) -> list[str]:
    """Descriptions of the links whose text doesn't show the address."""
    hidden: list[str | None] = [MessageEntity.TEXT_LINK]
    found = message.parse_entities(hidden) | message.parse_caption_entities(hidden)
    addresses = [(words, entity.url) for entity, words in found.items() if entity.url]
    described_links = [f"[link behind {clean(words)}: {_address(url)}]" for words, url in addresses[:MOST_LINKS]]
    more = len(addresses) - len(described_links)
    return [*described_links, f"[link behind other words: and {more} more]"] if more else described_links


def _address(url: str) -> str:
    """A URL on one line and without square brackets, which would end the description's own."""
    line = "".join(visible(url).split()).replace("[", "%5B").replace("]", "%5D")
    return line if len(line) <= LONGEST_LINK else line[:LONGEST_LINK] + "…"


def _item(message: Message, target: Message) -> str | None:
    """The task of a checklist, or the option of a poll, that a message replies to."""
    if target.checklist is not None:
        tasks = {task.id: task.text for task in target.checklist.tasks}
        task = tasks.get(message.reply_to_checklist_task_id or 0)
        return task and f'[task "{clean(task)}" of the checklist "{clean(target.checklist.title)}"]'
    if target.poll is not None:
        options = {option.persistent_id: option.text for option in target.poll.options}
        option = options.get(message.reply_to_poll_option_id or "")
        return option and f'[option "{clean(option)}" of the poll "{clean(target.poll.question)}"]'
    return None


def _elsewhere(message: Message) -> Quote | None:
    if (story := message.reply_to_story) is not None:
        return Quote("[story, which I can't see]", story.chat.effective_name)
    outside, part = message.external_reply, _part(message)
    if outside is None:
        return Quote(part, "Someone", whole=False) if part else None
    words = "\n".join(filter(None, (known_content(outside, _out_of_sight(outside)), part)))
    return Quote(words or "[a message in another chat]", _author(outside.origin), whole=False)


def _out_of_sight(outside: ExternalReplyInfo) -> str:
    """A remark that files of another chat are not downloaded, because they were not sent here."""
    return ", in another chat, which I can't open" if any(getattr(outside, name) for name in FILES) else ""


def _speaker(message: Message, bot_id: int) -> str | None:
    if message.sender_chat is not None:
        return message.author_signature or message.sender_chat.effective_name or "Someone"
    sender = message.from_user
    if sender is None:
        return "Someone"
    return None if sender.id == bot_id else sender.full_name


def _sender_id(message: Message) -> int | None:
    sender = message.sender_chat or message.from_user
    return sender.id if sender else None


def _author(source: MessageOrigin) -> str:
    match source:
        case MessageOriginUser(sender_user=user):
            return user.full_name
        case MessageOriginHiddenUser(sender_user_name=name):
            return name
        case MessageOriginChat(sender_chat=chat) | MessageOriginChannel(chat=chat):
            return chat.effective_name or "a chat"
    return "somewhere else"
