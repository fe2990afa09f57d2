"""What it takes to build the messages of an answer's request again; deleted with the answer's basis."""

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from storage.database import Database, Row, Transaction
from storage.records import Chat
from storage.sql import in_list, listed

STEP = 200
"""Answers that are looked at together."""
FEW = 20
"""For more turns than these, it isn't worth finding the prompts that had each."""


@dataclass(frozen=True, slots=True)
class SentPrompt:
    """A request's messages, as IDs and numbers. Tokens are the model's, as the bot estimates them."""

    digest: str | None
    """Tells whether messages built again are the same; None: some of them were edited or forgotten."""
    system: str | None
    """The system prompt; None: there was none."""
    last_turn: int | None
    """The last turn of the window."""
    images: int
    """How many pictures of the window were sent, the newest."""
    sounds: int
    tools: tuple[str, ...]
    """The names of those that were offered."""
    tokens: int
    """Of the window, without what was recalled."""
    low: int | None
    """What a compaction leaves; None: nothing is compacted."""
    high: int | None
    """When it is due; None: never."""
    room: int
    """The model's context window."""
    first_s: float | None
    """Seconds until the user saw some of the answer; None: nothing before the end."""
    total_s: float
    """Seconds until it was stored."""


class SentPrompts:
    """The tables of sent prompts, and of the system prompts in them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def put(self, tx: Transaction, chat: Chat, reply_id: int, prompt: SentPrompt, *, notes: bool) -> None:
        """Store it after the answer's basis; `notes`: whether the prompt had notes.

        If anything of the chat was edited or forgotten since `chat` was read, or the notes were, the digest of the old
        words isn't stored.
        """
        system_hash = None
        if prompt.system is not None:
            system_hash = hashlib.sha256(prompt.system.encode(errors="replace")).hexdigest()
            await tx.execute(
                "INSERT INTO system_prompts (hash, text) VALUES (?, ?) ON CONFLICT (hash) DO NOTHING",
                (system_hash, prompt.system),
            )
        await tx.execute(
            "INSERT INTO sent_prompts (reply_id, digest, system_hash, last_turn, images, sounds, tools, tokens, low,"
            " high, room, first_s, total_s) SELECT reply_id, CASE WHEN (?4 = 0 OR notes_id IS NOT NULL)"
            " AND EXISTS (SELECT 1 FROM chats WHERE id = ?2 AND epoch = ?3) THEN ?5 END,"
            " ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16 FROM bases WHERE reply_id = ?1",
            (
                *(reply_id, chat.id, chat.epoch, notes, prompt.digest, system_hash, prompt.last_turn),
                *(prompt.images, prompt.sounds, " ".join(prompt.tools), prompt.tokens, prompt.low, prompt.high),
                *(prompt.room, prompt.first_s, prompt.total_s),
            ),
        )

    async def of(self, reply_id: int) -> SentPrompt | None:
        """The prompt of an answer; None if it wasn't recorded."""
        row = await self._database.row(
            "SELECT sent_prompts.*, text FROM sent_prompts LEFT JOIN system_prompts ON hash = system_hash"
            " WHERE reply_id = ?",
            (reply_id,),
        )
        return _sent_prompt(row) if row else None


async def forget_digests(tx: Transaction, chat_id: int, turn_ids: Collection[int]) -> None:
    """These turns are changed, or go: delete the digests of the prompts that had them, word for word.

    Windows move on, so the answers after a turn are looked at only as far as their windows reach back. For many turns,
    the digests of all answers after them are deleted.
    """
    if len(turn_ids) > FEW:
        await tx.execute(
            "UPDATE sent_prompts SET digest = NULL WHERE digest IS NOT NULL AND reply_id IN"
            " (SELECT id FROM turns WHERE chat_id = ? AND id >= ?)",
            (chat_id, min(turn_ids)),
        )
        return
    await forget_digests_of_recall(tx, turn_ids)
    for turn_id in turn_ids:
        after = turn_id
        while seen := await _windows_with(tx, chat_id, turn_id, after):
            await tx.execute(f"UPDATE sent_prompts SET digest = NULL WHERE reply_id {in_list()}", (listed(seen),))
            after = seen[-1]


async def forget_digests_of_recall(tx: Transaction, turn_ids: Collection[int]) -> None:
    """Delete the digests of the prompts that these turns were recalled for."""
    recalled = f"SELECT reply_id FROM basis_turns WHERE turn_id {in_list()} AND shown = 1"
    await tx.execute(f"UPDATE sent_prompts SET digest = NULL WHERE reply_id IN ({recalled})", (listed(turn_ids),))


async def _windows_with(tx: Transaction, chat_id: int, turn_id: int, after: int) -> list[int]:
    """The next answers whose windows began at this turn or before."""
    rows = await tx.rows(
        "SELECT t.id, first_turn FROM turns AS t JOIN bases ON reply_id = t.id WHERE t.chat_id = ? AND t.id > ?"
        " ORDER BY t.id LIMIT ?",
        (chat_id, after, STEP),
    )
    return [row["id"] for row in rows if row["first_turn"] is not None and row["first_turn"] <= turn_id]


async def forget_digests_of_notes(tx: Transaction, version_ids: Sequence[int]) -> None:
    """Lines of these versions of the notes go: delete the digests of the answers that have seen them."""
    for version_id in version_ids:
        await tx.execute(
            "UPDATE sent_prompts SET digest = NULL WHERE reply_id IN (SELECT reply_id FROM bases WHERE notes_id = ?)",
            (version_id,),
        )


def _sent_prompt(row: Row) -> SentPrompt:
    return SentPrompt(
        digest=row["digest"],
        system=row["text"],
        last_turn=row["last_turn"],
        images=row["images"],
        sounds=row["sounds"],
        tools=tuple(row["tools"].split()),
        tokens=row["tokens"],
        low=row["low"],
        high=row["high"],
        room=row["room"],
        first_s=row["first_s"],
        total_s=row["total_s"],
    )
