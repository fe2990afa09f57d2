"""The bot's own format: writes and reads a conversation without loss, except for fractions of a microsecond."""

import base64
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import UTC, date, datetime

from bot.archive import schema
from bot.conversation.tokens import TokenCounter
from storage.archived_chat import (
    ArchivedChat,
    ArchivedMedium,
    ArchivedMemory,
    ArchivedMessage,
    ArchivedSpeaker,
    ArchivedTurn,
    ArchivedUsage,
)
from storage.records import ChatKey, ChatSettings, MediaKind, Role, Usage
from storage.transcript import TurnState

DEFAULT_STATE: Mapping[Role, TurnState] = {Role.USER: TurnState.SETTLED, Role.ASSISTANT: TurnState.SENT}


@dataclass(frozen=True, slots=True)
class ConversationBundle:
    """A conversation to be written to a database, with the bytes of its media by their hashes."""

    chat: ArchivedChat
    contents: Mapping[str, bytes]


def opening(chat: ArchivedChat, *, media_left_out: bool = False) -> str:
    """The beginning of the file, up to its first message."""
    head = schema.ExportHeader(
        format=schema.FORMAT,
        version=schema.VERSION,
        chat=_chat(chat),
        memory=_memory(chat.memory) if chat.memory else None,
        people=tuple(schema.ExportedSpeaker(id=s.sender_id, name=s.name, shown=s.shown) for s in chat.speakers),
        usage=tuple(
            schema.ExportedDayUsage(
                day=date.fromisoformat(entry.day),
                model=entry.model,
                requests=entry.requests,
                turns=entry.turns,
                **asdict(entry.usage),
            )
            for entry in chat.usage
        ),
        media_left_out=media_left_out,
    )
    return f'{head.model_dump_json(exclude_defaults=True)[:-1]},"messages":[\n'


USED = tuple(field.name for field in fields(Usage))
CLOSING = "\n]}"
"""The end of the file, after its last message."""


def lines(turns: Sequence[ArchivedTurn], contents: Mapping[str, bytes]) -> Iterator[str]:
    """One line for each turn, including its media if their bytes are given."""
    for turn in turns:
        yield _message(turn, contents).model_dump_json(exclude_defaults=True)


def bundle(file: schema.ExportedConversation, count_tokens: TokenCounter) -> ConversationBundle:
    """The conversation in a file."""
    contents: dict[str, bytes] = {}
    chat, memory = file.chat, file.memory
    archived = ArchivedChat(
        key=ChatKey(chat.id, chat.thread, chat.direct),
        private=chat.private,
        created_at=chat.created.timestamp(),
        turns=tuple(_turn(message, contents, count_tokens) for message in file.messages),
        memory=ArchivedMemory(memory.covers, memory.text, memory.tokens, memory.time.timestamp()) if memory else None,
        settings=chat.choices,
        stamped_at=chat.stamped.timestamp() if chat.stamped else None,
        heard_language=chat.language,
        gone=chat.gone,
        greeted=chat.greeted,
        speakers=tuple(ArchivedSpeaker(person.name, person.shown, person.id) for person in file.people),
        usage=tuple(
            ArchivedUsage(
                day.day.isoformat(), day.model, day.requests, day.turns, Usage(*(getattr(day, name) for name in USED))
            )
            for day in file.usage
        ),
    )
    return ConversationBundle(archived, contents)


def _chat(chat: ArchivedChat) -> schema.ExportedChat:
    return schema.ExportedChat(
        id=chat.key.telegram_id,
        thread=chat.key.thread_id,
        direct=chat.key.direct,
        private=chat.private,
        created=_time(chat.created_at),
        stamped=None if chat.stamped_at is None else _time(chat.stamped_at),
        language=chat.heard_language,
        gone=chat.gone,
        greeted=chat.greeted,
        choices=chat.settings or ChatSettings(),
    )


def _memory(memory: ArchivedMemory) -> schema.ExportedMemory:
    return schema.ExportedMemory(
        text=memory.text, covers=memory.covers, tokens=memory.tokens, time=_time(memory.made_at)
    )


def _message(turn: ArchivedTurn, contents: Mapping[str, bytes]) -> schema.ExportedMessage:
    media = [medium for medium in turn.media if medium.hash in contents]
    sender = schema.ExportedSender(id=turn.sender_id, name=turn.speaker, bot=turn.from_bot)
    usage = turn.usage
    return schema.ExportedMessage(
        role=turn.role.value,
        content=_content(turn.content, media, contents),
        time=_time(turn.at),
        sender=None if sender == schema.ExportedSender() else sender,
        stored=None if turn.said_at is None else _time(turn.created_at),
        state=None if turn.state == DEFAULT_STATE[turn.role] else turn.state,
        glue=turn.separator,
        tokens=turn.tokens,
        asked=turn.asked,
        refused=turn.refused,
        telegram=tuple(schema.ExportedDelivery(id=m.message_id, end=m.delivered_end) for m in turn.messages),
        reply_to=turn.reply_to,
        usage=schema.ExportedUsage(input=usage.input, cached=usage.cached, output=usage.output) if usage else None,
        marked=turn.marked,
        media=tuple(schema.ExportedMedium(tokens=medium.tokens, refused=medium.refused) for medium in media),
    )


def _content(
    text: str, media: Sequence[ArchivedMedium], contents: Mapping[str, bytes]
) -> str | tuple[schema.Part, ...]:
    if not media:
        return text
    words = (schema.ExportedText(type="text", text=text),) if text else ()
    return (*(_part(medium, contents[medium.hash]) for medium in media), *words)


def _part(medium: ArchivedMedium, data: bytes) -> schema.ExportedImage | schema.ExportedAudio:
    coded = base64.b64encode(data).decode()
    if medium.kind is MediaKind.IMAGE:
        url = schema.ExportedImageUrl(url=f"data:{medium.format};base64,{coded}")
        return schema.ExportedImage(type="image_url", image_url=url)
    return schema.ExportedAudio(
        type="input_audio", input_audio=schema.ExportedAudioData(data=coded, format=medium.format)
    )


def _turn(message: schema.ExportedMessage, contents: dict[str, bytes], count_tokens: TokenCounter) -> ArchivedTurn:
    role, text, sender, stored = (
        Role(message.role),
        message.text,
        message.sender or schema.ExportedSender(),
        message.stored,
    )
    known = message.media or (schema.ExportedMedium(tokens=0),) * len(message.files)
    media = tuple(_medium(part, entry, contents) for part, entry in zip(message.files, known, strict=True))
    return ArchivedTurn(
        role=role,
        state=message.state or DEFAULT_STATE[role],
        content=text,
        separator=message.glue,
        created_at=(stored or message.time).timestamp(),
        tokens=count_tokens(text) if message.tokens is None else message.tokens,
        said_at=message.time.timestamp() if stored else None,
        sender_id=sender.id,
        speaker=sender.name,
        asked=message.asked,
        refused=message.refused,
        from_bot=sender.bot,
        reply_to=message.reply_to,
        usage=Usage(**message.usage.model_dump()) if message.usage else None,
        marked=message.marked,
        messages=tuple(ArchivedMessage(delivery.id, delivery.end) for delivery in message.telegram),
        media=media,
    )


def _medium(
    part: schema.ExportedImage | schema.ExportedAudio, known: schema.ExportedMedium, contents: dict[str, bytes]
) -> ArchivedMedium:
    if isinstance(part, schema.ExportedImage):
        kind, data, form = MediaKind.IMAGE, part.image_url.data, part.image_url.mime
    else:
        kind, data, form = MediaKind.AUDIO, base64.b64decode(part.input_audio.data), part.input_audio.format
    name = hashlib.sha256(data).hexdigest()
    contents[name] = data
    return ArchivedMedium(kind, name, form, known.tokens, known.refused)


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
