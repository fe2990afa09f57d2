"""The content of a broadcast: the owner's words with their formatting, or a copy of a message.

A received rich message is turned into one that can be sent: what Telegram adds is removed, and files are referred to
by their IDs. This works on the JSON, whatever blocks it has; if Telegram refuses the result, plain text is sent.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from telegram import LinkPreviewOptions, Message, MessageEntity

from bot.conversation.incoming_message import utf16_length
from bot.inbound.quotes import replied_to
from bot.inbound.rich_messages import words_of
from bot.outbound.content import Attachment, Blocks, Content, Copied, Text
from storage.broadcasts import BroadcastContent

_FILES = frozenset({"animation", "audio", "document", "photo", "video", "voice_note"})
_UNSENT = frozenset({"thinking", "buttons"})
"""Blocks that only occur in drafts, and buttons, which would be mistaken for the bot's own."""
_NUMBERED = re.compile(r"\s*(\d{1,9})[.)]")
_COMMAND = re.compile(r"\s*\S+\s*")
MOST_CAPTION = 1024
"""The most UTF-16 units in a caption sent by a bot; Premium users may write longer ones."""
_UNUSUAL = (MessageEntity.CUSTOM_EMOJI, MessageEntity.TEXT_MENTION)
"""Entities that a bot may not be allowed to send: it needs a permission, or to know the person."""


def without_beginning(rich: object, length: int) -> dict[str, Any] | None:
    """An InputRichMessage without the first `length` characters; None if nothing is left."""
    if not isinstance(rich, Mapping) or not isinstance(rich.get("blocks"), list) or not rich["blocks"]:
        return None
    first, *others = rich["blocks"]
    said = _stripped(_cut(first.get("text"), [length]))
    begun = [{**first, "text": said}] if _has_words(said) else []
    blocks = list(_blocks([*begun, *others]))
    if not blocks:
        return None
    return {"blocks": blocks} | ({"is_rtl": True} if rich.get("is_rtl") else {})


def as_json(rich: Mapping[str, Any]) -> str:
    return json.dumps(rich, ensure_ascii=False)


def _cut(text: Any, left: list[int]) -> Any:
    """A text without its first characters; `left` has one element, how many are still to be removed."""
    if isinstance(text, str):
        removed = min(left[0], len(text))
        left[0] -= removed
        return text[removed:]
    if isinstance(text, list):
        return [part for part in (_cut(part, left) for part in text) if part not in ("", [], None)]
    if isinstance(text, Mapping) and "text" in text:
        rest = _cut(text["text"], left)
        return {**text, "text": rest} if rest not in ("", []) else None
    return text


def _stripped(text: Any) -> Any:
    """A text without leading whitespace."""
    if isinstance(text, str):
        return text.lstrip()
    if isinstance(text, list):
        while text:
            first = _stripped(text[0])
            if first not in ("", [], None):
                return [first, *text[1:]]
            text = text[1:]
        return text
    if isinstance(text, Mapping) and "text" in text:
        rest = _stripped(text["text"])
        return {**text, "text": rest} if rest not in ("", []) else None
    return text


def _has_words(text: Any) -> bool:
    return text not in ("", [], None)


def _blocks(blocks: Any) -> Iterator[dict[str, Any]]:
    for block in blocks if isinstance(blocks, list) else ():
        if isinstance(block, Mapping) and block.get("type") not in _UNSENT:
            yield _block(block)


def _block(block: Mapping[str, Any]) -> dict[str, Any]:
    sent = {name: _inline(value) for name, value in block.items() if name not in ("blocks", "items", "has_spoiler")}
    if "blocks" in block:
        sent["blocks"] = list(_blocks(block["blocks"]))
    if isinstance(items := block.get("items"), list):
        sent["items"] = [_item(item) for item in items if isinstance(item, Mapping)]
    if (kind := block.get("type")) in _FILES:
        sent[str(kind)] = _file(str(kind), block)
    return sent


def _item(item: Mapping[str, Any]) -> dict[str, Any]:
    """A list item: received ones have a label, but sent ones need its number."""
    sent = {name: value for name, value in item.items() if name != "label"} | {
        "blocks": list(_blocks(item.get("blocks")))
    }
    numbered = _NUMBERED.match(str(item.get("label", "")))
    if "type" not in sent and numbered is not None:
        sent |= {"type": "1", "value": int(sent.get("value") or numbered[1])}
    return sent


def _file(kind: str, block: Mapping[str, Any]) -> dict[str, Any]:
    sizes = block.get(kind)
    largest = sizes[-1] if isinstance(sizes, Sequence) and sizes else sizes
    file_id = largest.get("file_id") if isinstance(largest, Mapping) else None
    return {"type": kind, "media": file_id} | ({"has_spoiler": True} if block.get("has_spoiler") else {})


def _inline(value: Any) -> Any:
    """A text with its buttons replaced by their labels."""
    if isinstance(value, list):
        return [_inline(part) for part in value]
    if isinstance(value, Mapping):
        if value.get("type") == "button" and isinstance(button := value.get("button"), Mapping):
            return _inline(button.get("text", ""))
        return {name: _inline(part) for name, part in value.items()}
    return value


def content_of(message: Message) -> BroadcastContent | None:
    """What follows ``/broadcast``, or else the message it replies to; None if there is neither."""
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
    target_text = target.text or target.caption or words_of(target.api_kwargs.get("rich_message"))
    return BroadcastContent(target_text, _json(entities), None, target.message_id)


def content_forms(owner_id: int, content: BroadcastContent) -> Sequence[Content | Attachment]:
    """The forms in which to send it, each one to be tried if Telegram refuses the one before."""
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
