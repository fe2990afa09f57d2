"""Each chat's messages array, and the state of each turn in it: all changes of state are made in this file.

Nothing but these rows is needed to go on after a crash.

A user's message::

      append (to the bot)                  append (overheard)
            |                                     |
            v      answered, given up, refused,   v
        waiting -- reset, the bot was removed -> settled
            ^                                     |
            +------- /retry, or an edit ----------+

An answer::

      begin_reply, begin_anew, answer_anew
            |
            v
        streaming -- given up, or begun anew -> (deleted)
            |
            | finish_reply
            v        all of it arrived, or never will
        complete ----------------------------------> sent
            |  ^                                      | |
            |  +--- more of it is wanted after all ---+ |
            |                                           |
            +--- another answer took its place ---------+
            v
        replaced -- its messages are deleted -> (deleted)

While another answer is being written into the message of one that is edited away (``answer_anew``), the old one stays
as it is; it becomes ``complete`` if that is given up, so that its words are shown again.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum

from storage.database import Database, Transaction
from storage.media_store import Media
from storage.records import ONE_MESSAGE, ChatKey, NewReply, NewTurn, Role, Usage
from storage.sql import in_list, listed


class TurnState(StrEnum):
    """Where a turn is on its way; the diagram above has the changes from one to another."""

    WAITING = "waiting"
    """A user's message that an answer is owed to."""
    SETTLED = "settled"
    """A user's message that was answered, or given up with a notice that said so."""
    STREAMING = "streaming"
    """An answer that is being written; it is begun again after a crash."""
    COMPLETE = "complete"
    """An answer that is stored and paid for, and has not wholly arrived."""
    SENT = "sent"
    """An answer that has arrived."""
    REPLACED = "replaced"
    """An answer that another one took the place of: its messages are still to be deleted."""


def _is(*states: TurnState) -> str:
    """SQL: the turn is in one of these states."""
    names = ", ".join(f"'{state}'" for state in states)
    return f"state IN ({names})" if len(states) > 1 else f"state = {names}"


WAITING, STREAMING = _is(TurnState.WAITING), _is(TurnState.STREAMING)
COMPLETE, SENT, REPLACED = _is(TurnState.COMPLETE), _is(TurnState.SENT), _is(TurnState.REPLACED)
KEPT_STATES = (TurnState.WAITING, TurnState.SETTLED, TurnState.COMPLETE, TurnState.SENT)
KEPT = _is(*KEPT_STATES)
"""What the chat holds: neither half an answer nor one that was replaced."""
SETTLED = _is(TurnState.SETTLED, TurnState.COMPLETE, TurnState.SENT)
"""What was said and is over: it can be recalled, searched, summarised and forgotten."""
PENDING = _is(TurnState.WAITING, TurnState.STREAMING)
"""What an answer is owed to, and the answer that is being written."""
OPEN = _is(TurnState.WAITING, TurnState.STREAMING, TurnState.COMPLETE, TurnState.REPLACED)
"""What a restart has to take up; the index turns_open is of these."""

ASKER = (
    "SELECT coalesce(asked_by, sender_id) AS asker FROM turns WHERE chat_id = ?"
    " AND (asked_by IS NOT NULL OR (role = 'user' AND asked = 1)) ORDER BY id DESC LIMIT 1"
)
"""Who the bot was last asked by: who wrote the question, or had it answered again."""


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
    asker: int | None = None
    """Who asked, or had it answered again; None: nobody in particular."""


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
                    *(
                        chat_id,
                        TurnState.WAITING if asked else TurnState.SETTLED,
                        turn.content,
                        turn.separator,
                        turn.sender_id,
                    ),
                    *(turn.speaker, turn.tokens, turn.said_at, now, asked, turn.from_bot),
                ),
            )
            if turn.message_id is not None:
                await tx.execute(
                    "INSERT INTO turn_messages (turn_id, message_id, digest) VALUES (?, ?, ?)",
                    (turn_id, turn.message_id, turn.digest),
                )
            await self._media.add(tx, turn_id, turn.media)

    async def pending_reply(self, chat_id: int, tx: Transaction | None = None) -> PendingReply | None:
        """The answer that this chat waits for, if there is one."""
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
        """Open the row of a reply before the model is asked, so that what is shown meanwhile belongs to it."""
        return await tx.insert(
            "INSERT INTO turns (chat_id, role, state, content, glue, reply_to, replaces, asked_by, created_at)"
            " VALUES (?, 'assistant', 'streaming', '', ?, ?, ?, ?, ?)",
            (chat_id, "\n\n", reply_to, replaces, asked_by, now),
        )

    async def begin_first(self, tx: Transaction, chat_id: int, now: float, reply_to: int | None) -> None:
        """Open the row of a reply together with its question, unless one is being written already."""
        await tx.execute(
            "INSERT INTO turns (chat_id, role, state, content, glue, reply_to, created_at)"
            " SELECT ?1, 'assistant', 'streaming', '', ?2, ?3, ?4"
            f" WHERE NOT EXISTS (SELECT 1 FROM turns WHERE chat_id = ?1 AND {STREAMING})",
            (chat_id, "\n\n", reply_to, now),
        )

    async def begin_anew(self, tx: Transaction, chat_id: int, now: float, pending_reply: PendingReply) -> int:
        """Open a reply behind what was said since, with the messages that already show the stale one."""
        reply_id = await self.begin_reply(
            tx, chat_id, now, reply_to=pending_reply.reply_to, replaces=pending_reply.replaces
        )
        await tx.execute("UPDATE turn_messages SET turn_id = ? WHERE turn_id = ?", (reply_id, pending_reply.reply_id))
        await tx.execute("DELETE FROM turns WHERE id = ?", (pending_reply.reply_id,))
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
        await settle(tx, chat_id)

    async def leave_out(
        self, tx: Transaction, chat_id: int, turn_ids: Collection[int], *, settled: bool = False
    ) -> None:
        """The model server's content filter refuses these turns: they stand in no prompt any more.

        `settled`: no answer to them is owed either. What is being made of them is void.
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
        """Store what a reply had when the process was told to end; it stays owed."""
        await tx.execute("UPDATE turns SET content = ? WHERE id = ?", (content, reply_id))

    async def give_up(self, tx: Transaction, chat_id: int) -> None:
        """No answer is coming: the user was told, and can ask for a retry."""
        # What was to be replaced in its own message gets the message back, and shows its words there again.
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
        """Make the last question owed anew, `by` whom; an answer that it has stays until the next one is complete.

        Returns False when the chat holds no question.
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
        """An answer to this message of a user is owed: someone changed it."""
        await tx.execute("UPDATE turns SET state = 'waiting', asked = 1 WHERE id = ?", (turn_id,))

    async def answer_anew(self, tx: Transaction, chat_id: int, reply_id: int, now: float, by: int | None) -> None:
        """Owe another answer in place of this one, in the message where it begins."""
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
        """The whole answer arrived, or never will."""
        await tx.execute("UPDATE turns SET state = 'sent' WHERE id = ?", (reply_id,))

    async def send_again(self, tx: Transaction, key: ChatKey, reply_id: int) -> bool:
        """Deliver the rest of an answer of this chat after all; False when there is no such answer."""
        changed = await tx.execute(
            f"UPDATE turns SET state = 'complete' WHERE id = ? AND {SENT} AND role = 'assistant'"
            " AND chat_id = (SELECT id FROM chats WHERE telegram_id = ? AND thread_id = ?)",
            (reply_id, key.telegram_id, key.thread_id),
        )
        return changed > 0

    async def stop_sending(self, tx: Transaction, chat_id: int) -> int:
        """Let no more of the long answers arrive of which some has; returns how many those are."""
        return await tx.execute(
            f"UPDATE turns SET state = 'sent' WHERE chat_id = ? AND {COMPLETE} AND length(content) > ?"
            " AND EXISTS (SELECT 1 FROM turn_messages WHERE turn_id = turns.id AND delivered_end > 0)",
            (chat_id, ONE_MESSAGE),
        )

    async def drop_replaced(self, tx: Transaction, chat_id: int) -> None:
        """Delete the answers that another one took the place of."""
        await tx.execute(f"DELETE FROM turns WHERE chat_id = ? AND {REPLACED}", (chat_id,))


async def settle(tx: Transaction, chat_id: int) -> None:
    """No answer is owed in this chat any more."""
    await tx.execute(f"UPDATE turns SET state = 'settled' WHERE chat_id = ? AND {WAITING}", (chat_id,))


async def abandon(tx: Transaction, chat_id: int) -> None:
    """Nothing can be sent in this chat any more: what is owed there, or on its way, is given up."""
    await tx.execute(f"DELETE FROM turns WHERE chat_id = ? AND {STREAMING}", (chat_id,))
    await settle(tx, chat_id)
    await tx.execute(f"UPDATE turns SET state = 'sent' WHERE chat_id = ? AND {COMPLETE}", (chat_id,))


async def move_settled(tx: Transaction, chat_id: int, through_turn: int, into: int) -> None:
    """Move what is over into another chat, up to this turn. Answers among it that are on their way don't arrive."""
    await tx.execute(
        f"UPDATE turns SET state = 'sent' WHERE chat_id = ? AND id <= ? AND {COMPLETE}", (chat_id, through_turn)
    )
    await tx.execute(
        f"UPDATE turns SET chat_id = ? WHERE chat_id = ? AND id <= ? AND {SETTLED}", (into, chat_id, through_turn)
    )


async def finish_all(tx: Transaction) -> tuple[int, int]:
    """Mark all that is owed or on its way as done, in all chats; returns how many answers that were, of each kind."""
    # All of it is in the index of what is open: a condition that says so keeps SQLite from reading every turn.
    asked = f"{STREAMING} OR {WAITING} AND asked = 1"
    pending_reply = await tx.rows(f"SELECT count(DISTINCT chat_id) AS n FROM turns WHERE {OPEN} AND ({asked})")
    await tx.execute(f"DELETE FROM turns WHERE {OPEN} AND ({STREAMING} OR {REPLACED})")
    await tx.execute(f"UPDATE turns SET state = 'settled' WHERE {OPEN} AND {WAITING}")
    return int(pending_reply[0]["n"]), await tx.execute(f"UPDATE turns SET state = 'sent' WHERE {OPEN} AND {COMPLETE}")
