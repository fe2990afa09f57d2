"""ChatGPT's export (conversations.json): some of its conversations as the history of a private chat or topic.

A conversation is a tree there, since every edited question and every regenerated answer starts a branch; what its owner
saw last is the path from `current_node` up to the root. Of that, the person's and the model's messages are imported,
but not those of tools and the system, thoughts, and hidden messages. A picture becomes a line of text.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, tzinfo
from typing import Annotated, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)

from bot.archive.native_format import DEFAULT_STATE, ConversationBundle
from bot.conversation.incoming_message import IncomingMessage, render, timestamp
from bot.conversation.tokens import TokenCounter
from bot.errors import ArchiveError
from storage.archived_chat import ArchivedChat, ArchivedTurn
from storage.records import ChatKey, Role

SPEAKER = "Me"
"""The name of the person, for example in /search: the file does not have it."""
_CITATION = re.compile("\ue200[^\ue200\ue201]*\ue201")
"""A reference to a web page, which only ChatGPT itself can resolve."""
LATEST = 32_503_680_000
"""The year 3000."""
Moment = Annotated[float, Field(ge=0, lt=LATEST)]
"""Seconds since 1970 (UTC)."""
_SPOKEN = ("text", "multimodal_text")
T = TypeVar("T")


def _none_if_unreadable(value: object, validate: ValidatorFunctionWrapHandler) -> object:
    try:
        return validate(value)
    except ValidationError:
        return None


def _written_out(part: object) -> object:
    """A bare number among the parts as text."""
    return str(part) if isinstance(part, int | float) and not isinstance(part, bool) else part


Lenient = Annotated[T | None, WrapValidator(_none_if_unreadable)]
"""What a message can be imported without: it counts as missing if it isn't what it should be."""


class _ChatGPTModel(BaseModel):
    """Ignores further fields: the file has many more, and gets new ones."""

    model_config = ConfigDict(extra="ignore", frozen=True, allow_inf_nan=False, hide_input_in_errors=True)


class ChatGPTAuthor(_ChatGPTModel):
    """The author; `role` is user, assistant, system or tool."""

    role: str


class ChatGPTPart(_ChatGPTModel):
    """A part other than plain text: a picture, audio, or a transcript."""

    content_type: Lenient[str] = None
    text: Lenient[str] = None


Part = Annotated[str | ChatGPTPart | None, WrapValidator(_none_if_unreadable), BeforeValidator(_written_out)]


class ChatGPTContent(_ChatGPTModel):
    """The content of a message, in parts."""

    content_type: str
    parts: Lenient[tuple[Part, ...]] = None


class ChatGPTAttachment(_ChatGPTModel):
    """An attached file; pictures are listed here and among the parts."""

    name: Lenient[str] = None
    mime_type: Lenient[str] = None


class ChatGPTMetadata(_ChatGPTModel):
    """Some of a message's metadata."""

    is_visually_hidden_from_conversation: Lenient[bool] = None
    attachments: Lenient[tuple[Lenient[ChatGPTAttachment], ...]] = None


class ChatGPTMessage(_ChatGPTModel):
    """One message; `recipient` is "all" or a tool, `channel` is set for what a model says in between."""

    author: ChatGPTAuthor
    content: ChatGPTContent | None = None
    create_time: Lenient[Moment] = None
    weight: Lenient[float] = None
    recipient: Lenient[str] = None
    channel: Lenient[str] = None
    metadata: Lenient[ChatGPTMetadata] = None


class ChatGPTNode(_ChatGPTModel):
    """A node of the tree; the root has no message."""

    parent: str | None = None
    message: ChatGPTMessage | None = None


class ChatGPTTitle(_ChatGPTModel):
    """What identifies an entry of the file."""

    id: Lenient[str] = None
    conversation_id: Lenient[str] = None
    title: Annotated[Lenient[str], BeforeValidator(_written_out)] = None
    create_time: Lenient[Moment] = None

    @property
    def name(self) -> str:
        """Its ID, or else its title."""
        return self.conversation_id or self.id or self.title or "?"


class ChatGPTConversation(ChatGPTTitle):
    """One entry of the file."""

    create_time: Moment | None = None
    current_node: str | None = None
    mapping: dict[str, ChatGPTNode] = Field(min_length=1)


class ChatGPTReader:
    """Turns messages into turns; `zone` is the time zone of the times in them."""

    def __init__(self, key: ChatKey, zone: tzinfo, count_tokens: TokenCounter) -> None:
        self._key = key
        self._zone = zone
        self._count_tokens = count_tokens

    def bundle(self, conversations: Sequence[ChatGPTConversation]) -> ConversationBundle:
        """The conversations, one after another, as the history of the chat.

        Raises ArchiveError if there are no messages to import.
        """
        turns: list[ArchivedTurn] = []
        stamped_at: float | None = None
        for conversation in conversations:
            of_conversation, stamped_at = self._turns(conversation, stamped_at)
            turns += of_conversation
        if not turns:
            one = f"the conversation {conversations[0].name} has" if len(conversations) == 1 else "they have"
            raise ArchiveError(f"{one} no messages to import")
        began = conversations[0].create_time or 0.0
        chat = ArchivedChat(self._key, private=True, created_at=began, turns=tuple(turns), stamped_at=stamped_at)
        return ConversationBundle(chat, {})

    def _turns(
        self, conversation: ChatGPTConversation, stamped_at: float | None
    ) -> tuple[list[ArchivedTurn], float | None]:
        """The turns, and the last time that was written into one of them; `stamped_at` is the one before."""
        turns = []
        at = conversation.create_time or 0.0
        for message in filter(_is_said, path(conversation)):
            at = at if message.create_time is None else message.create_time
            turn = self._turn(message, at)
            files = tuple(_files(message))
            if turn.role is Role.USER and (turn.content or files):
                said = IncomingMessage(None, None, turn.content, datetime.fromtimestamp(at, UTC), notes=files)
                time = timestamp(said, stamped_at, self._zone)
                stamped_at = at if time else stamped_at
                turn = replace(turn, content=time + render(said))
            elif files:
                turn = replace(turn, content="\n".join(filter(None, (*files, turn.content))))
            if turn.content:
                turns.append(replace(turn, tokens=self._count_tokens(turn.content)))
        return turns, stamped_at

    def _turn(self, message: ChatGPTMessage, at: float) -> ArchivedTurn:
        role = Role(message.author.role)
        mine = role is Role.USER
        return ArchivedTurn(
            role=role,
            state=DEFAULT_STATE[role],
            content=_words(message),
            separator="\n\n",
            created_at=at,
            said_at=at if mine else None,
            sender_id=self._key.telegram_id if mine else None,
            speaker=SPEAKER if mine else None,
        )


def chosen(titles: Sequence[ChatGPTTitle], wanted: str) -> int:
    """The index of the entry with this title or ID. Raises ArchiveError."""
    found = [i for i, entry in enumerate(titles) if wanted in (entry.title, entry.id, entry.conversation_id)]
    if len(found) == 1:
        return found[0]
    if found:
        ids = ", ".join(titles[i].name for i in found)
        raise ArchiveError(f"{len(found)} conversations have the title {wanted!r}: choose one by its ID: {ids}")
    raise ArchiveError(f"the file has no conversation with the title or ID {wanted!r}")


def listing(titles: Sequence[ChatGPTTitle], zone: tzinfo) -> str:
    """A line for each conversation, oldest first: its day, ID and title."""
    rows = sorted((entry.create_time or 0.0, entry.name, entry.title or "") for entry in titles)
    return "".join(
        f"{datetime.fromtimestamp(at, zone):%Y-%m-%d}  {_line(name)}  {_line(title)}\n" for at, name, title in rows
    )


def _line(text: str) -> str:
    """The text without control characters."""
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())


def path(conversation: ChatGPTConversation) -> list[ChatGPTMessage]:
    """The messages of the branch that was shown last, oldest first. Raises ArchiveError."""
    nodes = conversation.mapping
    name = conversation.current_node or _newest_leaf(conversation)
    if name not in nodes:
        raise ArchiveError(f"the conversation {conversation.name} has no node {name}, which is its current_node")
    found: list[ChatGPTMessage] = []
    seen: set[str] = set()
    while name in nodes:
        if name in seen:
            raise ArchiveError(f"the conversation {conversation.name} loops at its node {name}")
        seen.add(name)
        node = nodes[name]
        if node.message is not None:
            found.append(node.message)
        name = node.parent or ""
    return found[::-1]


def _newest_leaf(conversation: ChatGPTConversation) -> str:
    """The leaf with the newest message: older files do not say which branch was shown last."""
    parents = {node.parent for node in conversation.mapping.values()}
    leaves = [name for name in conversation.mapping if name not in parents] or list(conversation.mapping)
    return max(leaves, key=lambda name: _time(conversation.mapping[name]))


def _time(node: ChatGPTNode) -> float:
    return (node.message and node.message.create_time) or 0.0


def _is_said(message: ChatGPTMessage) -> bool:
    """Whether a message was part of the visible conversation."""
    hidden = message.metadata is not None and message.metadata.is_visually_hidden_from_conversation
    return (
        message.author.role in (Role.USER, Role.ASSISTANT)
        and message.content is not None
        and message.content.content_type in _SPOKEN
        and message.recipient in (None, "all")
        and message.channel in (None, "final")
        and message.weight != 0
        and not hidden
    )


def _words(message: ChatGPTMessage) -> str:
    parts = (message.content.parts if message.content else None) or ()
    return "\n".join(filter(None, map(_of_part, parts))).strip()


def _files(message: ChatGPTMessage) -> Iterator[str]:
    for file in (message.metadata and message.metadata.attachments) or ():
        if file is not None and file.name and not (file.mime_type or "").startswith("image/"):
            yield f"[file: {' '.join(file.name.split())}]"


def _of_part(part: str | ChatGPTPart | None) -> str:
    if part is None or isinstance(part, str):
        return _CITATION.sub("", part or "")
    if part.text:
        return part.text
    kinds = {"image": "[picture]", "audio": "[sound]", "video": "[video]"}
    return next((shown for kind, shown in kinds.items() if kind in (part.content_type or "")), "[something]")
