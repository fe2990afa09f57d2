"""One conversation as it is taken out of a database and put into another one: all that can't be made again from it.

Conversations as a whole, read out of the tables: what was reset or forgotten is not among them.

What can be made again (the index, vectors, token ratios) is left out, as is an answer that is just being written; what
is on its way (updates, notices) belongs to the bot and not to the conversation.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from storage.chats import Chats, key_in
from storage.database import Database, Row
from storage.records import ChatKey, ChatSettings, MediaKind, Role, Usage
from storage.transcript import KEPT, TurnState
from storage.usage import usage_in

_OF_KEPT = f"JOIN turns ON turns.id = turn_id WHERE chat_id = ? AND turns.id > ? AND {KEPT}"


@dataclass(frozen=True, slots=True)
class ArchivedMedium:
    """A picture or a sound of a turn; its bytes travel by their hash."""

    kind: MediaKind
    hash: str
    format: str
    tokens: int
    refused: bool


@dataclass(frozen=True, slots=True)
class ArchivedMessage:
    """A Telegram message of a turn, and how much of a reply was delivered with it."""

    message_id: int
    delivered_end: int = 0


@dataclass(frozen=True, slots=True)
class ArchivedTurn:
    """One row of the messages array, with everything that hangs on it; times are in seconds since 1970 (UTC)."""

    role: Role
    state: TurnState
    """One of those of what is kept."""
    content: str
    separator: str
    created_at: float
    tokens: int = 0
    said_at: float | None = None
    sender_id: int | None = None
    speaker: str | None = None
    asked: bool = True
    from_bot: bool = False
    refused: bool = False
    """The model server's content filter refuses it: it stands in no prompt."""
    reply_to: int | None = None
    usage: Usage | None = None
    marked: bool = False
    messages: tuple[ArchivedMessage, ...] = ()
    media: tuple[ArchivedMedium, ...] = ()

    @property
    def at(self) -> float:
        """When it was said, or else stored."""
        return self.created_at if self.said_at is None else self.said_at


@dataclass(frozen=True, slots=True)
class ArchivedMemory:
    """What stands in the prompt in place of the first `covers` turns of the archive."""

    covers: int
    text: str
    tokens: int
    made_at: float


@dataclass(frozen=True, slots=True)
class ArchivedSpeaker:
    """A name that is taken in the chat, and by whom."""

    name: str
    shown: str
    sender_id: int


@dataclass(frozen=True, slots=True)
class ArchivedUsage:
    """What one model used on one day (YYYY-MM-DD)."""

    day: str
    model: str
    requests: int
    turns: int
    usage: Usage


@dataclass(frozen=True, slots=True)
class ArchivedChat:
    """One conversation; `turns` are those that were not reset, oldest first."""

    key: ChatKey
    private: bool
    created_at: float
    turns: tuple[ArchivedTurn, ...]
    memory: ArchivedMemory | None = None
    settings: ChatSettings | None = None
    """None: those of the chat stay as they are."""
    stamped_at: float | None = None
    heard_language: str | None = None
    gone: bool = False
    greeted: bool = False
    speakers: tuple[ArchivedSpeaker, ...] = ()
    usage: tuple[ArchivedUsage, ...] = ()


class ArchiveReader:
    """Reads whole conversations."""

    def __init__(self, database: Database, chats: Chats) -> None:
        self._database = database
        self._chats = chats

    async def keys(self) -> list[ChatKey]:
        """Where there are conversations, in the order in which they began."""
        rows = await self._database.rows(
            "SELECT telegram_id, thread_id, direct FROM chats WHERE thread_id >= 0 ORDER BY id"
        )
        return [key_in(row) for row in rows]

    async def read(self, key: ChatKey) -> ArchivedChat | None:
        """The conversation of this chat; None: nothing was ever said there.

        Its memory is read before its turns: a compaction that is stored meanwhile does not show, or shows whole.
        """
        chat = await self._chats.find(key)
        if chat is None:
            return None
        bounds = (chat.id, chat.reset_turn)
        memory = await self._database.row("SELECT * FROM memories WHERE chat_id = ? AND reset_turn = ?", bounds)
        turns = await self._database.rows(
            f"SELECT * FROM turns WHERE chat_id = ? AND id > ? AND {KEPT} ORDER BY id",
            bounds,
        )
        messages, media = await self._messages(bounds), await self._media_of(bounds)
        (row,) = await self._database.rows("SELECT created_at FROM chats WHERE id = ?", (chat.id,))
        return ArchivedChat(
            key=chat.key,
            private=chat.private,
            created_at=row["created_at"],
            turns=tuple(_turn(row, messages[row["id"]], media[row["id"]]) for row in turns),
            memory=_memory(memory, turns) if memory else None,
            settings=chat.settings,
            stamped_at=chat.stamped_at,
            heard_language=chat.heard_language,
            gone=chat.gone,
            greeted=chat.greeted,
            speakers=await self._speakers(chat.id),
            usage=await self._usage(chat.id),
        )

    async def _messages(self, bounds: tuple[int, int]) -> Mapping[int, list[ArchivedMessage]]:
        found = defaultdict[int, list[ArchivedMessage]](list)
        rows = await self._database.rows(
            f"SELECT turn_messages.* FROM turn_messages {_OF_KEPT} ORDER BY turn_id, message_id",
            bounds,
        )
        for row in rows:
            found[row["turn_id"]].append(ArchivedMessage(row["message_id"], row["delivered_end"]))
        return found

    async def _media_of(self, bounds: tuple[int, int]) -> Mapping[int, list[ArchivedMedium]]:
        found = defaultdict[int, list[ArchivedMedium]](list)
        rows = await self._database.rows(
            f"SELECT turn_media.* FROM turn_media {_OF_KEPT} ORDER BY turn_id, position",
            bounds,
        )
        for row in rows:
            medium = ArchivedMedium(
                MediaKind(row["kind"]), row["hash"], row["format"], row["tokens"], bool(row["refused"])
            )
            found[row["turn_id"]].append(medium)
        return found

    async def _speakers(self, chat_id: int) -> tuple[ArchivedSpeaker, ...]:
        rows = await self._database.rows("SELECT * FROM speakers WHERE chat_id = ? ORDER BY folded", (chat_id,))
        return tuple(ArchivedSpeaker(row["name"], row["shown"], row["sender_id"]) for row in rows)

    async def _usage(self, chat_id: int) -> tuple[ArchivedUsage, ...]:
        rows = await self._database.rows("SELECT * FROM usage WHERE chat_id = ? ORDER BY day, model", (chat_id,))
        return tuple(
            ArchivedUsage(row["day"], row["model"], row["requests"], row["turns"], usage_in(row)) for row in rows
        )


def _turn(row: Row, messages: Sequence[ArchivedMessage], media: Sequence[ArchivedMedium]) -> ArchivedTurn:
    return ArchivedTurn(
        role=Role(row["role"]),
        state=TurnState(row["state"]),
        content=row["content"],
        separator=row["glue"],
        created_at=row["created_at"],
        tokens=row["tokens"],
        said_at=row["said_at"],
        sender_id=row["sender_id"],
        speaker=row["speaker"],
        asked=bool(row["asked"]),
        from_bot=bool(row["from_bot"]),
        refused=bool(row["refused"]),
        reply_to=row["reply_to"],
        usage=_reported(row) if row["input_tokens"] is not None else None,
        marked=bool(row["marked"]),
        messages=tuple(messages),
        media=tuple(media),
    )


def _reported(row: Row) -> Usage:
    return Usage(row["input_tokens"], row["cached_tokens"], row["output_tokens"])


def _memory(row: Row, turns: Sequence[Row]) -> ArchivedMemory:
    covers = sum(turn["id"] <= row["through_turn"] for turn in turns)
    return ArchivedMemory(covers, row["text"], row["tokens"], row["made_at"])
