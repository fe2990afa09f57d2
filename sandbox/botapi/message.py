"""A message as a test or the terminal sees it."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from sandbox.botapi.wire import Json


@dataclass(frozen=True, slots=True)
class Button:
    """A button of an inline keyboard, with `data` for the bot or a `url`."""

    text: str
    data: str | None = None
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Entity:
    """A formatted or meaningful part of the text; offset and length in UTF-16 units."""

    type: str
    offset: int
    length: int
    url: str | None = None
    language: str | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """The current state of a message; `text` is also the text of a rich message or a caption."""

    id: int
    chat_id: int
    date: int
    sender: str
    from_bot: bool
    text: str
    html: str | None
    markdown: str | None
    entities: tuple[Entity, ...]
    keyboard: tuple[tuple[Button, ...], ...]
    reply_to: int | None
    thread: int | None
    direct_topic: int | None
    edits: int
    deleted: bool
    photo: bytes | None = None
    voice: bytes | None = None
    document: bytes | None = None
    file_name: str | None = None
    asks: bool = False
    """Whether the user's next message becomes a reply to it (ForceReply)."""
    opened_for: tuple[int, ...] | None = None
    """For whom, if it is selective; None: for everyone."""
    placeholder: str | None = None
    """The placeholder in the input field."""
    receiver: int | None = None
    """The member who alone sees it besides its sender; its id is then negative."""

    @property
    def buttons(self) -> tuple[Button, ...]:
        """The buttons of all rows."""
        return tuple(button for row in self.keyboard for button in row)


def from_json(raw: Json, source: Json | None, edits: int, deleted: bool) -> Message:
    """Parse Telegram's JSON, and the source of a rich message, which Telegram doesn't return."""
    sender = cast("Json", raw["from"])
    reply = cast("Json | None", raw.get("reply_to_message"))
    source = source or {}
    return Message(
        id=number(raw),
        chat_id=cast("int", cast("Json", raw["chat"])["id"]),
        date=cast("int", raw["date"]),
        sender=str(sender["first_name"]),
        from_bot=bool(sender["is_bot"]),
        text=words(raw),
        html=cast("str | None", source.get("html")),
        markdown=cast("str | None", source.get("markdown")),
        entities=_entities(cast("Sequence[Json]", raw.get("entities") or raw.get("caption_entities") or ())),
        keyboard=_keyboard(cast("Json", raw.get("reply_markup", {}))),
        reply_to=number(reply) if reply else None,
        thread=cast("int | None", raw.get("message_thread_id")),
        direct_topic=cast("int | None", cast("Json", raw.get("direct_messages_topic", {})).get("topic_id")),
        edits=edits,
        deleted=deleted,
        photo=_file(source, "photo"),
        voice=_file(source, "voice"),
        document=_file(source, "document"),
        file_name=cast("str | None", source.get("name")),
        asks=bool(source.get("asks")),
        opened_for=tuple(cast("list[int]", opened)) if (opened := source.get("opened_for")) is not None else None,
        placeholder=cast("str | None", cast("Json", source.get("markup", {})).get("input_field_placeholder")),
        receiver=cast("int | None", cast("Json", raw.get("receiver_user", {})).get("id")),
    )


def number(raw: Json) -> int:
    """The message's number: negative for ephemeral messages, which Telegram numbers separately."""
    return (
        -cast("int", raw["ephemeral_message_id"]) if "ephemeral_message_id" in raw else cast("int", raw["message_id"])
    )


def _file(source: Json, kind: str) -> bytes | None:
    return base64.b64decode(str(source[kind])) if kind in source else None


def words(raw: Json) -> str:
    """The text of a message, or the caption of a file."""
    if "rich_message" in raw:
        blocks = cast("dict[str, list[Json]]", raw["rich_message"])["blocks"]
        return "\n".join(str(block.get("text", "")) for block in blocks)
    return str(raw.get("text") or raw.get("caption") or "")


def _entities(raw: Sequence[Json]) -> tuple[Entity, ...]:
    fields = Entity.__dataclass_fields__
    return tuple(Entity(**{key: item for key, item in one.items() if key in fields}) for one in raw)  # type: ignore[arg-type]  # checked when it came


def _keyboard(markup: Json) -> tuple[tuple[Button, ...], ...]:
    rows = cast("Sequence[Sequence[dict[str, str]]]", markup.get("inline_keyboard", ()))
    return tuple(tuple(Button(one["text"], one.get("callback_data"), one.get("url")) for one in row) for row in rows)
