"""Export and import of whole chats, without anything that was reset or forgotten.

The index, vectors and token ratios can be made again, so they are left out, as is an answer in progress. Updates and
notices in transit belong to the bot rather than to the chat.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import astuple
from datetime import date

from storage.archived_chat import (
    ArchivedChat,
    ArchivedMedium,
    ArchivedMemory,
    ArchivedMessage,
    ArchivedSpeaker,
    ArchivedTurn,
    ArchivedUsage,
)
from storage.chats import Chats, key_in
from storage.database import Database, Row, Transaction
from storage.media_store import Media
from storage.records import Chat, ChatKey, MediaKind, NewMedium, Role, Usage
from storage.sql import BYTEWISE, smaller
from storage.transcript import KEPT, TurnState
from storage.usage import INSERT, NUMBERS, UsageLog, usage_in

_OF_KEPT = f"JOIN turns ON turns.id = turn_id WHERE chat_id = ? AND turns.id > ? AND {KEPT}"


class ChatArchive:
    """Reads whole chats from the tables, and writes them into chats without turns."""

    def __init__(self, database: Database, chats: Chats, media: Media, usage: UsageLog) -> None:
        self._database = database
        self._chats = chats
        self._media = media
        self._usage = usage

    async def keys(self) -> list[ChatKey]:
        """The keys of all conversations, in the order in which they began."""
        rows = await self._database.rows(
            "SELECT telegram_id, thread_id, direct FROM chats WHERE thread_id >= 0 ORDER BY id"
        )
        return [key_in(row) for row in rows]

    async def read(self, key: ChatKey) -> ArchivedChat | None:
        """The conversation of this chat, or None if nothing was ever said there.

        The memory is read before the turns, so a compaction stored in between can't leave a gap.
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
        messages, media = await self._read_messages(bounds), await self._read_media(bounds)
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
            speakers=await self._read_speakers(chat.id),
            usage=await self._read_usage(chat.id),
        )

    async def _read_messages(self, bounds: tuple[int, int]) -> Mapping[int, list[ArchivedMessage]]:
        found = defaultdict[int, list[ArchivedMessage]](list)
        rows = await self._database.rows(
            f"SELECT turn_messages.* FROM turn_messages {_OF_KEPT} ORDER BY turn_id, message_id",
            bounds,
        )
        for row in rows:
            found[row["turn_id"]].append(ArchivedMessage(row["message_id"], row["delivered_end"]))
        return found

    async def _read_media(self, bounds: tuple[int, int]) -> Mapping[int, list[ArchivedMedium]]:
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

    async def _read_speakers(self, chat_id: int) -> tuple[ArchivedSpeaker, ...]:
        rows = await self._database.rows(
            f"SELECT * FROM speakers WHERE chat_id = ? ORDER BY folded {BYTEWISE}", (chat_id,)
        )
        return tuple(ArchivedSpeaker(row["name"], row["shown"], row["sender_id"]) for row in rows)

    async def _read_usage(self, chat_id: int) -> tuple[ArchivedUsage, ...]:
        rows = await self._database.rows(
            f"SELECT * FROM usage WHERE chat_id = ? ORDER BY day, model {BYTEWISE}", (chat_id,)
        )
        return tuple(
            ArchivedUsage(row["day"], row["model"], row["requests"], row["turns"], usage_in(row)) for row in rows
        )

    async def has_turns(self, tx: Transaction, key: ChatKey) -> bool:
        """Whether this chat has turns that weren't reset."""
        rows = await tx.rows(
            "SELECT 1 FROM turns JOIN chats ON chats.id = chat_id WHERE telegram_id = ? AND thread_id = ?"
            " AND turns.id > reset_turn LIMIT 1",
            (key.telegram_id, key.thread_id),
        )
        return bool(rows)

    async def put(self, tx: Transaction, chat: ArchivedChat, contents: Mapping[str, bytes], now: float) -> None:
        """Restore a conversation into a chat without turns; `contents` maps its media's hashes to their bytes.

        Its window is marked for a check when the bot runs, because it may be far larger than one that grew here.
        """
        into = await self._chats.ensure(tx, chat.key, private=chat.private, now=chat.created_at)
        if chat.settings is not None:
            await self._chats.choose(tx, into.id, chat.settings)
        await tx.execute(
            f"UPDATE chats SET created_at = {smaller('created_at', '?1')}, stamped_at = ?,"
            " heard_language = ?, gone = ?, greeted = ?, due_at = ?, compact_failures = 0, epoch = epoch + 1"
            " WHERE id = ?",
            (
                *(chat.created_at, chat.stamped_at, chat.heard_language, chat.gone, chat.greeted),
                *(now if chat.turns else None, into.id),
            ),
        )
        turn_ids = [await self._write_turn(tx, into.id, turn, contents) for turn in chat.turns]
        await _write_memory(tx, into, chat.memory, turn_ids)
        await _write_speakers(tx, into.id, chat.speakers)
        await self._write_usage(tx, into, chat.usage)

    async def _write_usage(self, tx: Transaction, chat: Chat, usage: Sequence[ArchivedUsage]) -> None:
        """Existing days are left unchanged: they may be the same ones, imported again."""
        for row in usage:
            new = await tx.execute(
                f"{INSERT} VALUES (?, ?, ?, ?, ?{', ?' * len(NUMBERS)}) ON CONFLICT (chat_id, day, model) DO NOTHING",
                (chat.id, row.day, row.model, row.requests, row.turns, *astuple(row.usage)),
            )
            if new:
                user = chat.key.telegram_id if chat.private else None
                await self._usage.record_for_user(tx, user, date.fromisoformat(row.day), row.model, row.usage)

    async def _write_turn(
        self, tx: Transaction, chat_id: int, turn: ArchivedTurn, contents: Mapping[str, bytes]
    ) -> int:
        reported = (turn.usage.input, turn.usage.cached, turn.usage.output) if turn.usage else (None, None, None)
        turn_id = await tx.insert(
            "INSERT INTO turns (chat_id, role, state, content, glue, sender_id, speaker, tokens, said_at, created_at,"
            " asked, from_bot, refused, reply_to, marked, input_tokens, cached_tokens, output_tokens)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                *(
                    chat_id,
                    turn.role,
                    turn.state,
                    turn.content,
                    turn.separator,
                    turn.sender_id,
                    turn.speaker,
                    turn.tokens,
                ),
                *(turn.said_at, turn.created_at, turn.asked, turn.from_bot, turn.refused, turn.reply_to),
                *(turn.marked, *reported),
            ),
        )
        for message in turn.messages:
            await tx.execute(
                "INSERT INTO turn_messages (turn_id, message_id, delivered_end) VALUES (?, ?, ?)",
                (turn_id, message.message_id, message.delivered_end),
            )
        media = [NewMedium(medium.kind, contents[medium.hash], medium.format, medium.tokens) for medium in turn.media]
        await self._media.keep(tx, turn_id, media)
        for position, medium in enumerate(turn.media):
            await tx.execute(
                "UPDATE turn_media SET refused = ? WHERE turn_id = ? AND position = ?",
                (medium.refused, turn_id, position),
            )
        return turn_id


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


async def _write_memory(tx: Transaction, chat: Chat, memory: ArchivedMemory | None, turn_ids: Sequence[int]) -> None:
    await tx.execute("DELETE FROM memories WHERE chat_id = ? AND reset_turn = ?", (chat.id, chat.reset_turn))
    if memory is not None:
        through = turn_ids[memory.covers - 1] if memory.covers else chat.reset_turn
        await tx.execute(
            "INSERT INTO memories (chat_id, reset_turn, through_turn, text, tokens, made_at) VALUES (?, ?, ?, ?, ?, ?)",
            (chat.id, chat.reset_turn, through, memory.text, memory.tokens, memory.made_at),
        )


async def _write_speakers(tx: Transaction, chat_id: int, speakers: Sequence[ArchivedSpeaker]) -> None:
    for speaker in speakers:
        await tx.execute(
            "INSERT INTO speakers (chat_id, folded, name, shown, sender_id) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT (chat_id, folded) DO NOTHING",
            (chat_id, speaker.name.casefold(), speaker.name, speaker.shown, speaker.sender_id),
        )
