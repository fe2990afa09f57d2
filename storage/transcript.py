"""Each chat's messages array, and where each turn of it stands.

A user's row is ``waiting`` until its answer is stored. A reply is ``streaming`` while the model writes, ``complete``
once it is stored, and ``sent`` once every part of it arrived. Nothing but these rows is needed to go on after a crash.
"""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from storage.database import Database, Transaction
from storage.media_store import Media
from storage.records import NewReply, NewTurn, Report, Role, Turn, Usage

REPORTS_LOOKED_AT = 1_000
"""Turns among which reports are looked for: some servers never report anything."""


@dataclass(frozen=True, slots=True)
class PendingReply:
    """An answer that the chat waits for."""

    reply_id: int | None
    """The reply that was begun and not finished, if there is one."""
    stale: bool
    """More was said since it was begun: it has to come after that."""
    replaces: int | None
    begun: int | None
    """The Telegram message that already shows its beginning."""
    reply_to: int | None
    in_place: bool = False
    """`begun` is the message of the reply that it replaces."""


class Transcript:
    """The table of turns."""

    def __init__(self, database: Database, media: Media) -> None:
        self._database = database
        self._media = media

    async def append(
        self, tx: Transaction, chat_id: int, turns: Sequence[NewTurn], now: float, *, asked: bool = True
    ) -> None:
        """Add messages of users. Where they `asked`, an answer is owed from now on; else they were only overheard."""
        for turn in turns:
            turn_id = await tx.insert(
                "INSERT INTO turns (chat_id, role, state, content, glue, sender_id, speaker, tokens, said_at,"
                " created_at, asked, from_bot) VALUES (?, 'user', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    *(chat_id, "waiting" if asked else "settled", turn.content, turn.glue, turn.sender_id),
                    *(turn.speaker, turn.tokens, turn.said_at, now, asked, turn.from_bot),
                ),
            )
            if turn.message_id is not None:
                await tx.execute(
                    "INSERT INTO turn_messages (turn_id, message_id, digest) VALUES (?, ?, ?)",
                    (turn_id, turn.message_id, turn.digest),
                )
            await self._media.keep(tx, turn_id, turn.media)

    async def since(self, chat_id: int, through_turn: int, *, without: int | None = None) -> tuple[Turn, ...]:
        """The turns behind this one, and whatever still waits for an answer, oldest first.

        `without` leaves out a reply that is being replaced.
        """
        rows = await self._database.rows(
            "SELECT id, role, state, content, glue, tokens, created_at, asked FROM turns"
            " WHERE chat_id = ? AND id > ? AND state IN ('waiting', 'settled', 'complete', 'sent') AND id IS NOT ?"
            " AND refused != 1 UNION SELECT id, role, state, content, glue, tokens, created_at, asked FROM turns"
            " WHERE chat_id = ? AND state = 'waiting' AND refused != 1 ORDER BY id",
            (chat_id, through_turn, without, chat_id),
        )
        media = await self._media.of_chat(chat_id, rows[0]["id"] - 1) if rows else {}
        return tuple(
            Turn(
                id=row["id"],
                role=Role(row["role"]),
                content=row["content"],
                glue=row["glue"],
                tokens=row["tokens"],
                at=row["created_at"],
                asked=bool(row["asked"]),
                media=media.get(row["id"], ()),
                waiting=row["state"] == "waiting",
            )
            for row in rows
        )

    async def owed(self, chat_id: int) -> PendingReply | None:
        """The answer that this chat waits for, if there is one."""
        row = await self._database.row(
            "SELECT max(iif(state = 'streaming', id, NULL)) AS reply_id, max(replaces) AS replaces,"
            " max(reply_to) AS reply_to, max(in_place) AS in_place, max(iif(state = 'waiting', id, NULL)) AS asked"
            " FROM turns WHERE chat_id = ? AND state IN ('waiting', 'streaming')",
            (chat_id,),
        )
        if row is None or (row["asked"] is None and row["replaces"] is None):
            return None
        stale = row["reply_id"] is not None and (row["asked"] or 0) > row["reply_id"]
        return PendingReply(
            reply_id=row["reply_id"],
            stale=stale,
            replaces=row["replaces"],
            begun=await self._last_message(row["reply_id"]),
            reply_to=await self._last_message(row["asked"]) or row["reply_to"],
            in_place=bool(row["in_place"]),
        )

    async def asking(self, chat_id: int) -> set[int]:
        """The Telegram messages that wait for an answer."""
        rows = await self._database.rows(
            "SELECT message_id FROM turns JOIN turn_messages ON turn_id = id WHERE chat_id = ? AND state = 'waiting'",
            (chat_id,),
        )
        return {row["message_id"] for row in rows}

    async def asker(self, chat_id: int) -> int | None:
        """Who the bot was last asked by: who wrote the question, or had it answered anew."""
        row = await self._database.row(
            "SELECT ifnull(asked_by, sender_id) AS asker FROM turns WHERE chat_id = ?"
            " AND (asked_by IS NOT NULL OR (role = 'user' AND asked)) ORDER BY id DESC LIMIT 1",
            (chat_id,),
        )
        return row["asker"] if row else None

    async def begin_reply(
        self,
        tx: Transaction,
        chat_id: int,
        now: float,
        *,
        reply_to: int | None,
        replaces: int | None = None,
        asked_by: int | None = None,
    ) -> int:
        """Open the row of a reply before the model is asked, so that what is shown meanwhile belongs to it."""
        return await tx.insert(
            "INSERT INTO turns (chat_id, role, state, content, glue, reply_to, replaces, asked_by, created_at)"
            " VALUES (?, 'assistant', 'streaming', '', char(10, 10), ?, ?, ?, ?)",
            (chat_id, reply_to, replaces, asked_by, now),
        )

    async def begin_anew(self, tx: Transaction, chat_id: int, now: float, owed: PendingReply) -> int:
        """Open a reply behind what was said since, with the messages that already show the stale one."""
        reply_id = await self.begin_reply(tx, chat_id, now, reply_to=owed.reply_to, replaces=owed.replaces)
        await tx.execute("UPDATE turn_messages SET turn_id = ? WHERE turn_id = ?", (reply_id, owed.reply_id))
        await tx.execute("DELETE FROM turns WHERE id = ?", (owed.reply_id,))
        return reply_id

    async def finish_reply(
        self, tx: Transaction, chat_id: int, reply_id: int, reply: NewReply, usage: Usage | None
    ) -> None:
        """Store the answer: nothing is owed any more, and what it replaces is out of the prompt."""
        reported = (usage.input, usage.cached, usage.output) if usage else (None, None, None)
        await tx.execute(
            "UPDATE turns SET state = 'complete', content = ?, tokens = ?, marked = ?,"
            " input_tokens = ?, cached_tokens = ?, output_tokens = ? WHERE id = ?",
            (reply.content, reply.tokens, reply.marked, *reported, reply_id),
        )
        await tx.execute(
            "UPDATE turns SET state = 'replaced' WHERE id = (SELECT replaces FROM turns WHERE id = ?)",
            (reply_id,),
        )
        await tx.execute("UPDATE turns SET refused = 0 WHERE chat_id = ? AND refused = 2", (chat_id,))
        await self._settle(tx, chat_id)

    async def leave_out(
        self, tx: Transaction, chat_id: int, turn_ids: Collection[int], *, settled: bool = False
    ) -> None:
        """The model server's content filter refuses these turns: they stand in no prompt any more.

        `settled`: no answer to them is owed either. What is being made of them is void.
        """
        await tx.execute(
            "UPDATE turns SET refused = 1, state = iif(? AND state = 'waiting', 'settled', state)"
            " WHERE chat_id = ? AND id IN (SELECT value FROM json_each(?))",
            (settled, chat_id, json.dumps(list(turn_ids))),
        )
        await tx.execute("UPDATE chats SET epoch = epoch + 1 WHERE id = ?", (chat_id,))

    async def is_left_out(self, chat_id: int, message_id: int) -> bool:
        """Whether this Telegram message stands in no prompt because it was refused."""
        row = await self._database.row(
            "SELECT 1 FROM turns JOIN turn_messages ON turn_id = id"
            " WHERE in_chat = ?1 AND message_id = ?2 AND chat_id = ?1 AND refused",
            (chat_id, message_id),
        )
        return row is not None

    async def keep_partial(self, tx: Transaction, reply_id: int, content: str) -> None:
        """Store what a reply had when the process was told to end; it stays owed."""
        await tx.execute("UPDATE turns SET content = ? WHERE id = ?", (content, reply_id))

    async def give_up(self, tx: Transaction, chat_id: int) -> None:
        """No answer is coming: the user was told, and can ask for a retry."""
        # What was to be replaced in its own message gets the message back, and shows its words there again.
        await tx.execute(
            "UPDATE turn_messages SET turn_id = (SELECT replaces FROM turns WHERE id = turn_id) WHERE turn_id IN"
            " (SELECT id FROM turns WHERE chat_id = ? AND state = 'streaming' AND in_place AND replaces IS NOT NULL)",
            (chat_id,),
        )
        await tx.execute(
            "UPDATE turns SET state = 'complete' WHERE id IN"
            " (SELECT replaces FROM turns WHERE chat_id = ? AND state = 'streaming' AND in_place)",
            (chat_id,),
        )
        await tx.execute("DELETE FROM turns WHERE chat_id = ? AND state = 'streaming'", (chat_id,))
        await tx.execute("UPDATE turns SET refused = 1 WHERE chat_id = ? AND refused = 2", (chat_id,))
        await self._settle(tx, chat_id)

    async def ask_again(self, tx: Transaction, chat_id: int, now: float, by: int | None = None) -> bool:
        """Make the last question owed anew, `by` whom; an answer that it has stays until the next one is complete.

        Returns False when the chat holds no question.
        """
        rows = await tx.rows(
            "SELECT turns.id, role, reply_to FROM turns JOIN chats ON chats.id = chat_id"
            " WHERE chat_id = ? AND turns.id > reset_turn AND state IN ('settled', 'complete', 'sent') AND asked"
            " ORDER BY turns.id DESC LIMIT 2",
            (chat_id,),
        )
        if not rows or all(row["role"] == Role.ASSISTANT for row in rows):  # the question may have been forgotten
            return False
        last = rows[0]
        if last["role"] == Role.ASSISTANT:
            await self.begin_reply(tx, chat_id, now, reply_to=last["reply_to"], replaces=last["id"], asked_by=by)
        else:
            await tx.execute(
                "UPDATE turns SET state = 'waiting', asked_by = ?, refused = iif(refused, 2, 0) WHERE id = ?",
                (by, last["id"]),
            )
        return True

    async def bots_in_a_row(self, chat_id: int) -> int:
        """How many messages of other bots were answered since a person last spoke to the bot."""
        row = await self._database.row(
            "SELECT count(*) AS count FROM turns WHERE chat_id = ?1 AND role = 'user' AND asked AND from_bot AND id >"
            " ifnull((SELECT max(id) FROM turns WHERE chat_id = ?1 AND role = 'user' AND NOT from_bot), 0)",
            (chat_id,),
        )
        return int(row["count"]) if row else 0

    async def reports(self, chat_id: int, count: int) -> list[Report]:
        """What the server reported of the newest answers that it reported anything of, the newest first."""
        rows = await self._database.rows(
            "SELECT input_tokens, cached_tokens, output_tokens, marked, created_at FROM (SELECT * FROM turns"
            " WHERE chat_id = ? ORDER BY id DESC LIMIT ?) WHERE role = 'assistant' AND input_tokens IS NOT NULL"
            " LIMIT ?",
            (chat_id, REPORTS_LOOKED_AT, count),
        )
        return [
            Report(
                Usage(row["input_tokens"], row["cached_tokens"], row["output_tokens"]),
                bool(row["marked"]),
                row["created_at"],
            )
            for row in rows
        ]

    @staticmethod
    async def _settle(tx: Transaction, chat_id: int) -> None:
        await tx.execute("UPDATE turns SET state = 'settled' WHERE chat_id = ? AND state = 'waiting'", (chat_id,))

    async def _last_message(self, turn_id: int | None) -> int | None:
        row = await self._database.row(
            "SELECT max(message_id) AS message_id FROM turn_messages WHERE turn_id = ?", (turn_id,)
        )
        return row["message_id"] if row else None
