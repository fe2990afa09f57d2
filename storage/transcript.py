"""The turns of all chats and their states. All transitions are in this file.

After a crash, these rows are all that is needed to continue.

A user's message::

      append (to the bot)                  append (unaddressed)
            |                                     |
            v      answered, given up, refused,   v
        waiting -- reset, bot removed --------> settled
            ^                                     |
            +------- /retry, or an edit ----------+

An answer::

      begin_reply, replace_stale_reply, rewrite_reply
            |
            v
        streaming -- given up, or restarted --> (deleted)
            |
            | finish_reply
            v        all parts arrived, or never will
        complete ----------------------------------> sent
            |  ^                                      | |
            |  +--- the rest is wanted after all -----+ |
            |                                           |
            +--- another answer took its place ---------+
            v
        replaced -- its messages are deleted -> (deleted)

While a new answer is being written into the message of the one it replaces (``rewrite_reply``), the old one is
unchanged; it becomes ``complete`` if the new one is given up, so that its text is shown again.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum

from storage.database import Database, Transaction
from storage.media_store import Media
from storage.records import ONE_MESSAGE, ChatKey, NewReply, NewTurn, Role, Usage
from storage.sql import in_list, listed


class TurnState(StrEnum):
    """The state of a turn; the diagram above has the transitions."""

    WAITING = "waiting"
    """A user's message that is waiting for an answer."""
    SETTLED = "settled"
    """A user's message that was answered or given up, or that needs no answer."""
    STREAMING = "streaming"
    """An answer that is being written; after a crash it starts over."""
    COMPLETE = "complete"
    """An answer that is stored with its usage, but not completely delivered."""
    SENT = "sent"
    """An answer that was delivered."""
    REPLACED = "replaced"
    """An answer that another one has replaced; its messages must still be deleted."""


def _is(*states: TurnState) -> str:
    """SQL for "the turn is in one of these states"."""
    names = ", ".join(f"'{state}'" for state in states)
    return f"state IN ({names})" if len(states) > 1 else f"state = {names}"


WAITING, STREAMING = _is(TurnState.WAITING), _is(TurnState.STREAMING)
COMPLETE, SENT, REPLACED = _is(TurnState.COMPLETE), _is(TurnState.SENT), _is(TurnState.REPLACED)
KEPT_STATES = (TurnState.WAITING, TurnState.SETTLED, TurnState.COMPLETE, TurnState.SENT)
KEPT = _is(*KEPT_STATES)
"""Turns that are part of the chat: no unfinished answer, and none that was replaced."""
SETTLED = _is(TurnState.SETTLED, TurnState.COMPLETE, TurnState.SENT)
"""Turns that are settled, and can be recalled, searched, summarized and forgotten."""
PENDING = _is(TurnState.WAITING, TurnState.STREAMING)
"""Messages waiting for an answer, and the answer being written."""
OPEN = _is(TurnState.WAITING, TurnState.STREAMING, TurnState.COMPLETE, TurnState.REPLACED)
"""Turns that a restart must handle; the index turns_open has these."""

ASKER = (
    "SELECT coalesce(asked_by, sender_id) AS asker FROM turns WHERE chat_id = ?"
    " AND (asked_by IS NOT NULL OR (role = 'user' AND asked = 1)) ORDER BY id DESC LIMIT 1"
)
"""Who asked last: the author of the question, or the user who had it answered again."""


@dataclass(frozen=True, slots=True)
class PendingReply:
    """An answer that the chat is waiting for."""

    reply_id: int | None
    """The unfinished reply, if one was begun."""
    stale: bool
    """Whether more was said after it was begun, so that it must come after that."""
    replaces: int | None
    begun: int | None
    """The Telegram message that already shows its beginning."""
    reply_to: int | None
    in_place: bool = False
    """Whether `begun` is a message of the reply that it replaces."""
    asker: int | None = None
    """Who asked, or had it answered again; None if no one in particular."""


class Transcript:
    """The table of turns."""

    def __init__(self, database: Database, media: Media) -> None:
        self._database = database
        self._media = media

    async def append(
        self, tx: Transaction, chat_id: int, turns: Sequence[NewTurn], now: float, *, asked: bool = True
    ) -> None:
        """Add messages of users. If they `asked`, an answer is due; otherwise the messages are unaddressed."""
        state = TurnState.WAITING if asked else TurnState.SETTLED
        for turn in turns:
            turn_id = await tx.insert(
                "INSERT INTO turns (chat_id, role, state, content, glue, sender_id, speaker, tokens, said_at,"
                " created_at, asked, from_bot) VALUES (?, 'user', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    *(chat_id, state, turn.content, turn.separator, turn.sender_id),
                    *(turn.speaker, turn.tokens, turn.said_at, now, asked, turn.from_bot),
                ),
            )
            if turn.message_id is not None:
                await tx.execute(
                    "INSERT INTO turn_messages (turn_id, message_id, digest) VALUES (?, ?, ?)",
                    (turn_id, turn.message_id, turn.digest),
                )
            if turn.media:
                await self._media.add(tx, turn_id, turn.media)

    async def pending_reply(self, chat_id: int, tx: Transaction | None = None) -> PendingReply | None:
        """The answer that this chat is waiting for, if there is one."""
        row = await (tx or self._database).row(
            f"WITH pending AS (SELECT max(CASE WHEN {STREAMING} THEN id END) AS reply_id, max(replaces) AS replaces,"
            f" max(reply_to) AS reply_to, max(in_place) AS in_place, max(CASE WHEN {WAITING} THEN id END) AS asked"
            f" FROM turns WHERE chat_id = ? AND {PENDING})"
            f" SELECT *, ({ASKER}) AS asker,"
            " (SELECT max(message_id) FROM turn_messages WHERE turn_id = reply_id) AS begun,"
            " (SELECT max(message_id) FROM turn_messages WHERE turn_id = asked) AS question FROM pending",
            (chat_id, chat_id),
        )
        if row is None or (row["asked"] is None and row["replaces"] is None):
            return None
        stale = row["reply_id"] is not None and (row["asked"] or 0) > row["reply_id"]
        return PendingReply(
            reply_id=row["reply_id"],
            stale=stale,
            replaces=row["replaces"],
            begun=row["begun"],
            reply_to=row["question"] or row["reply_to"],
            in_place=bool(row["in_place"]),
            asker=row["asker"],
        )

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
        """Create the row of a reply before the model is asked, so that its preview message can be recorded."""
        return await tx.insert(
            "INSERT INTO turns (chat_id, role, state, content, glue, reply_to, replaces, asked_by, created_at)"
            " VALUES (?, 'assistant', 'streaming', '', ?, ?, ?, ?, ?)",
            (chat_id, "\n\n", reply_to, replaces, asked_by, now),
        )

    async def begin_first(self, tx: Transaction, chat_id: int, now: float, reply_to: int | None) -> None:
        """Create the row of a reply together with its question, unless one is already being written."""
        await tx.execute(
            "INSERT INTO turns (chat_id, role, state, content, glue, reply_to, created_at)"
            " SELECT ?1, 'assistant', 'streaming', '', ?2, ?3, ?4"
            f" WHERE NOT EXISTS (SELECT 1 FROM turns WHERE chat_id = ?1 AND {STREAMING})",
            (chat_id, "\n\n", reply_to, now),
        )

    async def replace_stale_reply(self, tx: Transaction, chat_id: int, now: float, pending_reply: PendingReply) -> int:
        """Replace a stale reply by a new one after the latest turns, which takes over its messages."""
        reply_id = await self.begin_reply(
            tx, chat_id, now, reply_to=pending_reply.reply_to, replaces=pending_reply.replaces
        )
        await tx.execute("UPDATE turn_messages SET turn_id = ? WHERE turn_id = ?", (reply_id, pending_reply.reply_id))
        await tx.execute("DELETE FROM turns WHERE id = ?", (pending_reply.reply_id,))
        return reply_id

    async def finish_reply(
        self, tx: Transaction, chat_id: int, reply_id: int, reply: NewReply, usage: Usage | None
    ) -> None:
        """Store the answer. The waiting messages are settled, and the answer it replaces leaves the prompt."""
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
        await settle(tx, chat_id)

    async def leave_out(
        self, tx: Transaction, chat_id: int, turn_ids: Collection[int], *, settled: bool = False
    ) -> None:
        """Leave these turns, which the model refuses, out of all later prompts.

        `settled`: they aren't waiting for an answer any more either. Anything being computed from them is void.
        """
        await tx.execute(
            f"UPDATE turns SET refused = 1 WHERE chat_id = ? AND id {in_list()}",
            (chat_id, listed(turn_ids)),
        )
        if settled:
            await tx.execute(
                f"UPDATE turns SET state = 'settled' WHERE chat_id = ? AND {WAITING} AND id {in_list()}",
                (chat_id, listed(turn_ids)),
            )
        await tx.execute("UPDATE chats SET epoch = epoch + 1 WHERE id = ?", (chat_id,))

    async def keep_partial(self, tx: Transaction, reply_id: int, content: str) -> None:
        """Store the text so far of a reply when the process stops; the reply is still pending."""
        await tx.execute("UPDATE turns SET content = ? WHERE id = ?", (content, reply_id))

    async def give_up(self, tx: Transaction, chat_id: int) -> None:
        """Settle the chat without an answer. The user is informed, and can ask for a retry."""
        # An answer that was being replaced in its own message gets the message back, and is shown there again.
        await tx.execute(
            "UPDATE turn_messages SET turn_id = (SELECT replaces FROM turns WHERE id = turn_id) WHERE turn_id IN"
            f" (SELECT id FROM turns WHERE chat_id = ? AND {STREAMING} AND in_place = 1 AND replaces IS NOT NULL)",
            (chat_id,),
        )
        await tx.execute(
            "UPDATE turns SET state = 'complete' WHERE id IN"
            f" (SELECT replaces FROM turns WHERE chat_id = ? AND {STREAMING} AND in_place = 1)",
            (chat_id,),
        )
        await tx.execute(f"DELETE FROM turns WHERE chat_id = ? AND {STREAMING}", (chat_id,))
        await tx.execute("UPDATE turns SET refused = 1 WHERE chat_id = ? AND refused = 2", (chat_id,))
        await settle(tx, chat_id)

    async def ask_again(self, tx: Transaction, chat_id: int, now: float, by: int | None = None) -> bool:
        """Have the last question answered again for the user `by`. Its answer is kept until the new one is complete.

        Returns False if the chat has no question.
        """
        rows = await tx.rows(
            "SELECT turns.id, role, reply_to FROM turns JOIN chats ON chats.id = chat_id"
            f" WHERE chat_id = ? AND turns.id > reset_turn AND {SETTLED} AND asked = 1"
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
                "UPDATE turns SET state = 'waiting', asked_by = ?,"
                " refused = CASE WHEN refused = 0 THEN 0 ELSE 2 END WHERE id = ?",
                (by, last["id"]),
            )
        return True

    async def ask(self, tx: Transaction, turn_id: int) -> None:
        """Mark an edited message as waiting for an answer."""
        await tx.execute("UPDATE turns SET state = 'waiting', asked = 1 WHERE id = ?", (turn_id,))

    async def rewrite_reply(self, tx: Transaction, chat_id: int, reply_id: int, now: float, by: int | None) -> None:
        """Have another answer written in place of this one, in its first message."""
        new = await tx.insert(
            "INSERT INTO turns (chat_id, role, state, content, glue, reply_to, replaces, in_place, asked_by,"
            " created_at) SELECT chat_id, role, 'streaming', '', glue, reply_to, id, 1, ?, ? FROM turns"
            " WHERE id = ? AND chat_id = ?",
            (by, now, reply_id, chat_id),
        )
        await tx.execute(
            "UPDATE turn_messages SET turn_id = ?1, delivered_end = 0, rang = 0 WHERE turn_id = ?2"
            " AND abs(message_id) = (SELECT min(abs(message_id)) FROM turn_messages WHERE turn_id = ?2)",
            (new, reply_id),
        )

    async def sent(self, tx: Transaction, reply_id: int) -> None:
        """Record that the whole answer was delivered, or never will be."""
        await tx.execute("UPDATE turns SET state = 'sent' WHERE id = ?", (reply_id,))

    async def send_again(self, tx: Transaction, key: ChatKey, reply_id: int) -> bool:
        """Deliver the rest of an answer of this chat after all; False if there is no such answer."""
        changed = await tx.execute(
            f"UPDATE turns SET state = 'complete' WHERE id = ? AND {SENT} AND role = 'assistant'"
            " AND chat_id = (SELECT id FROM chats WHERE telegram_id = ? AND thread_id = ?)",
            (reply_id, key.telegram_id, key.thread_id),
        )
        return changed > 0

    async def stop_sending(self, tx: Transaction, chat_id: int) -> int:
        """Stop delivering long answers of which some parts have arrived; returns how many."""
        return await tx.execute(
            f"UPDATE turns SET state = 'sent' WHERE chat_id = ? AND {COMPLETE} AND length(content) > ?"
            " AND EXISTS (SELECT 1 FROM turn_messages WHERE turn_id = turns.id AND delivered_end > 0)",
            (chat_id, ONE_MESSAGE),
        )

    async def drop_replaced(self, tx: Transaction, chat_id: int) -> None:
        """Delete replaced answers."""
        await tx.execute(f"DELETE FROM turns WHERE chat_id = ? AND {REPLACED}", (chat_id,))


async def settle(tx: Transaction, chat_id: int) -> None:
    """Mark all waiting messages of a chat as settled."""
    await tx.execute(f"UPDATE turns SET state = 'settled' WHERE chat_id = ? AND {WAITING}", (chat_id,))


async def abandon(tx: Transaction, chat_id: int) -> None:
    """Give up everything pending or being delivered in a chat where nothing can be sent any more."""
    await tx.execute(f"DELETE FROM turns WHERE chat_id = ? AND {STREAMING}", (chat_id,))
    await settle(tx, chat_id)
    await tx.execute(f"UPDATE turns SET state = 'sent' WHERE chat_id = ? AND {COMPLETE}", (chat_id,))


async def move_settled(tx: Transaction, chat_id: int, through_turn: int, into: int) -> None:
    """Move settled turns up to this one to another chat. Answers among them are no longer delivered."""
    await tx.execute(
        f"UPDATE turns SET state = 'sent' WHERE chat_id = ? AND id <= ? AND {COMPLETE}", (chat_id, through_turn)
    )
    await tx.execute(
        f"UPDATE turns SET chat_id = ? WHERE chat_id = ? AND id <= ? AND {SETTLED}", (into, chat_id, through_turn)
    )


async def finish_all(tx: Transaction) -> tuple[int, int]:
    """Mark everything pending or being delivered as done, in all chats; returns the number of each."""
    # OPEN makes SQLite use the index turns_open instead of reading every turn.
    asked = f"{STREAMING} OR {WAITING} AND asked = 1"
    pending_reply = await tx.rows(f"SELECT count(DISTINCT chat_id) AS n FROM turns WHERE {OPEN} AND ({asked})")
    await tx.execute(f"DELETE FROM turns WHERE {OPEN} AND ({STREAMING} OR {REPLACED})")
    await tx.execute(f"UPDATE turns SET state = 'settled' WHERE {OPEN} AND {WAITING}")
    return int(pending_reply[0]["n"]), await tx.execute(f"UPDATE turns SET state = 'sent' WHERE {OPEN} AND {COMPLETE}")
