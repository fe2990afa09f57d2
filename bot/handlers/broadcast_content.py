"""What an owner sends to everybody: their own words as they formatted them, or a copy of a message."""

import json
import re
from collections.abc import Sequence
from dataclasses import replace

from telegram import LinkPreviewOptions, Message, MessageEntity

from bot.conversation.said import utf16_length
from bot.handlers.blocks import as_json, without_beginning
from bot.inbound.origin import replied_to
from bot.inbound.rich import words_of
from bot.outbound.content import Attachment, Blocks, Content, Copied, Text
from storage.broadcasts import BroadcastContent

_COMMAND = re.compile(r"\s*\S+\s*")

MOST_CAPTION = 1024
"""UTF-16 units of a caption that a bot sends; people who pay for Telegram may write longer ones."""

_UNUSUAL = (MessageEntity.CUSTOM_EMOJI, MessageEntity.TEXT_MENTION)
"""What a bot may be refused: it needs a right, or to know the person."""


def content_of(message: Message) -> BroadcastContent | None:
    """What a /broadcast says, without the command itself, or else the message that it replies to; None: nothing."""
    if message.caption and message.effective_attachment:
        begin = _begin(message.caption)
        words = _words(message.caption, begin, message.caption_entities, message.link_preview_options)
        return replace(words, copied=message.message_id, captioned=True, above=bool(message.show_caption_above_media))
    text = message.text or ""
    begin = _begin(text)
    rich = message.api_kwargs.get("rich_message")
    if rich is not None and (sent := without_beginning(rich, begin)) is not None:
        return BroadcastContent(words_of(sent), rich=as_json(sent))
    if text[begin:].strip():
        return _words(text, begin, message.entities, message.link_preview_options)
    target = replied_to(message)
    if target is None:
        return None
    entities = target.entities or target.caption_entities
    words_there = target.text or target.caption or words_of(target.api_kwargs.get("rich_message"))
    return BroadcastContent(words_there, _json(entities), None, target.message_id)


def content_forms(owner_id: int, content: BroadcastContent) -> Sequence[Content | Attachment]:
    """What is sent: the second where Telegram refuses the first, and so on."""
    shown = LinkPreviewOptions.de_json(json.loads(content.preview)) if content.preview else LinkPreviewOptions()
    entities = MessageEntity.de_list(json.loads(content.entities), None)
    usual = tuple(entity for entity in entities if entity.type not in _UNUSUAL)
    forms: list[Content | Attachment] = []
    if content.rich is not None:
        forms.append(Blocks(content.rich))
    if content.copied is not None and content.captioned:
        copies = [Copied(owner_id, content.copied, content.text, some, content.above) for some in (entities, usual, ())]
        forms.extend(dict.fromkeys(copies))
    elif content.copied is not None:
        forms.append(Copied(owner_id, content.copied))
    if content.text:
        forms.extend(dict.fromkeys(Text(content.text, some, shown) for some in (entities, usual, ())))
    return forms


def _begin(text: str) -> int:
    return found.end() if (found := _COMMAND.match(text)) else 0


def _words(
    whole: str, start: int, marked: Sequence[MessageEntity], preview: LinkPreviewOptions | None
) -> BroadcastContent:
    text, begin = whole[start:].rstrip(), utf16_length(whole[:start])
    end = begin + utf16_length(text)
    entities = []
    for entity in marked:
        first, last = max(entity.offset, begin), min(entity.offset + entity.length, end)
        if first < last:
            entities.append({**entity.to_dict(), "offset": first - begin, "length": last - first})
    return BroadcastContent(text, json.dumps(entities), preview.to_json() if preview else None)


def _json(entities: Sequence[MessageEntity]) -> str:
    return json.dumps([entity.to_dict() for entity in entities])
