"""Conversations put into a database as a whole, where there are none."""

from collections.abc import Mapping, Sequence
from dataclasses import astuple
from datetime import date

from storage.chat_archive import ArchivedChat, ArchivedMemory, ArchivedSpeaker, ArchivedTurn, ArchivedUsage
from storage.chats import Chats
from storage.database import Transaction
from storage.media_store import Media
from storage.records import Chat, ChatKey, NewMedium
from storage.sql import smaller
from storage.usage import INSERT, NUMBERS, UsageLog


class ArchiveWriter:
    """Writes whole conversations."""

    def __init__(self, chats: Chats, media: Media, usage: UsageLog) -> None:
        self._chats = chats
        self._media = media
        self._usage = usage

    async def holds_turns(self, tx: Transaction, key: ChatKey) -> bool:
        """Whether this chat has turns that were not reset."""
        rows = await tx.rows(
            "SELECT 1 FROM turns JOIN chats ON chats.id = chat_id WHERE telegram_id = ? AND thread_id = ?"
            " AND turns.id > reset_turn LIMIT 1",
            (key.telegram_id, key.thread_id),
        )
        return bool(rows)

    async def put(self, tx: Transaction, chat: ArchivedChat, contents: Mapping[str, bytes], now: float) -> None:
        """Restore a conversation into a chat that has no turns; `contents` has the bytes behind its media's hashes.

        Its window is looked at when the bot runs: it may be far larger than one that grew here.
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
        """A day that is known here already stays as it is: it may be the same one, imported back."""
        for one in usage:
            new = await tx.execute(
                f"{INSERT} VALUES (?, ?, ?, ?, ?{', ?' * len(NUMBERS)}) ON CONFLICT (chat_id, day, model) DO NOTHING",
                (chat.id, one.day, one.model, one.requests, one.turns, *astuple(one.usage)),
            )
            if new:
                user = chat.key.telegram_id if chat.private else None
                await self._usage.record_for_user(tx, user, date.fromisoformat(one.day), one.model, one.usage)

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
        media = [NewMedium(one.kind, contents[one.hash], one.format, one.tokens) for one in turn.media]
        await self._media.keep(tx, turn_id, media)
        for position, medium in enumerate(turn.media):
            await tx.execute(
                "UPDATE turn_media SET refused = ? WHERE turn_id = ? AND position = ?",
                (medium.refused, turn_id, position),
            )
        return turn_id


async def _write_memory(tx: Transaction, chat: Chat, memory: ArchivedMemory | None, turn_ids: Sequence[int]) -> None:
    await tx.execute("DELETE FROM memories WHERE chat_id = ? AND reset_turn = ?", (chat.id, chat.reset_turn))
    if memory is not None:
        through = turn_ids[memory.covers - 1] if memory.covers else chat.reset_turn
        await tx.execute(
            "INSERT INTO memories (chat_id, reset_turn, through_turn, text, tokens, made_at) VALUES (?, ?, ?, ?, ?, ?)",
            (chat.id, chat.reset_turn, through, memory.text, memory.tokens, memory.made_at),
        )


async def _write_speakers(tx: Transaction, chat_id: int, speakers: Sequence[ArchivedSpeaker]) -> None:
    for one in speakers:
        await tx.execute(
            "INSERT INTO speakers (chat_id, folded, name, shown, sender_id) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT (chat_id, folded) DO NOTHING",
            (chat_id, one.name.casefold(), one.name, one.shown, one.sender_id),
        )
