"""What an owner sends to everybody: their own words as they formatted them, or a copy of a message."""

import json
import re
from collections.abc import Sequence

from telegram import LinkPreviewOptions, Message, MessageEntity

from bot.conversation.said import utf16_length
from bot.inbound.origin import replied_to
from bot.outbound.content import Attachment, Content, Copied, Text
from storage.broadcasts import BroadcastContent

_COMMAND = re.compile(r"\s*\S+\s*")

_UNUSUAL = (MessageEntity.CUSTOM_EMOJI, MessageEntity.TEXT_MENTION)
"""What a bot may be refused: it needs a right, or to know the person."""


def content_of(message: Message) -> BroadcastContent | None:
    """What a /broadcast says, without the command itself, or else the message that it replies to; None: nothing."""
    text = message.text or ""
    begin = found.end() if (found := _COMMAND.match(text)) else 0
    if text[begin:].strip():
        return _words(message, text[begin:].rstrip(), utf16_length(text[:begin]))
    target = replied_to(message)
    if target is None:
        return None
    entities = target.entities or target.caption_entities
    return BroadcastContent(target.text or target.caption or "", _json(entities), None, target.message_id)


def content_forms(owner_id: int, content: BroadcastContent) -> Sequence[Content | Attachment]:
    """What is sent: the second where Telegram refuses the first, and so on."""
    shown = LinkPreviewOptions.de_json(json.loads(content.preview)) if content.preview else LinkPreviewOptions()
    entities = MessageEntity.de_list(json.loads(content.entities), None)
    forms: list[Content | Attachment] = []
    if content.copied is not None:
        forms.append(Copied(owner_id, content.copied))
    usual = [entity for entity in entities if entity.type not in _UNUSUAL]
    for some in (entities, usual):
        if content.text and some and Text(content.text, tuple(some), shown) not in forms:
            forms.append(Text(content.text, tuple(some), shown))
    if content.text:
        forms.append(Text(content.text, preview=shown))
    return forms


def _words(message: Message, text: str, begin: int) -> BroadcastContent:
    end = begin + utf16_length(text)
    entities = []
    for entity in message.entities:
        first, last = max(entity.offset, begin), min(entity.offset + entity.length, end)
        if first < last:
            entities.append({**entity.to_dict(), "offset": first - begin, "length": last - first})
    preview = message.link_preview_options
    return BroadcastContent(text, json.dumps(entities), preview.to_json() if preview else None)


def _json(entities: Sequence[MessageEntity]) -> str:
    return json.dumps([entity.to_dict() for entity in entities])
