"""A rich message as it came, turned into one that can be sent: what Telegram adds goes, and files are named by number.

It is read by its shape, as the JSON that came; what is refused all the same goes out as a text.

What an owner sends to everybody: their own words as they formatted them, or a copy of a message.
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
"""Blocks of drafts, and buttons, whose presses would be taken for those of our own."""
_NUMBERED = re.compile(r"\s*(\d{1,9})[.)]")
_COMMAND = re.compile(r"\s*\S+\s*")
MOST_CAPTION = 1024
"""UTF-16 units of a caption that a bot sends; people who pay for Telegram may write longer ones."""
_UNUSUAL = (MessageEntity.CUSTOM_EMOJI, MessageEntity.TEXT_MENTION)
"""What a bot may be refused: it needs a right, or to know the person."""


def without_beginning(rich: object, length: int) -> dict[str, Any] | None:
    """An InputRichMessage of what stands behind so many characters of the first block; None: nothing is left."""
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
    """As Telegram takes it."""
    return json.dumps(rich, ensure_ascii=False)


def _cut(text: Any, left: list[int]) -> Any:
    """A text without its first characters: `left` holds how many are still to go."""
    if isinstance(text, str):
        gone = min(left[0], len(text))
        left[0] -= gone
        return text[gone:]
    if isinstance(text, list):
        return [one for one in (_cut(one, left) for one in text) if one not in ("", [], None)]
    if isinstance(text, Mapping) and "text" in text:
        rest = _cut(text["text"], left)
        return {**text, "text": rest} if rest not in ("", []) else None
    return text


def _stripped(text: Any) -> Any:
    """A text without blanks at its beginning."""
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
    """One of a list: Telegram says how it is labelled, and is told by which number."""
    sent = {name: value for name, value in item.items() if name != "label"} | {
        "blocks": list(_blocks(item.get("blocks")))
    }
    numbered = _NUMBERED.match(str(item.get("label", "")))
    if "type" not in sent and numbered is not None:
        sent |= {"type": "1", "value": int(sent.get("value") or numbered[1])}
    return sent


def _file(kind: str, block: Mapping[str, Any]) -> dict[str, Any]:
    held = block.get(kind)
    largest = held[-1] if isinstance(held, Sequence) and held else held
    number = largest.get("file_id") if isinstance(largest, Mapping) else None
    return {"type": kind, "media": number} | ({"has_spoiler": True} if block.get("has_spoiler") else {})


def _inline(value: Any) -> Any:
    """A text without buttons in it."""
    if isinstance(value, list):
        return [_inline(one) for one in value]
    if isinstance(value, Mapping):
        if value.get("type") == "button" and isinstance(button := value.get("button"), Mapping):
            return _inline(button.get("text", ""))
        return {name: _inline(one) for name, one in value.items()}
    return value


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
