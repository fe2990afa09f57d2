"""Questions asked after a button press, until they are answered. A row is written with the notice that asks.

Answered and cancelled ones are kept for two days, without the answer's text, so that an answer that is edited or sent
again is recognized as such, and doesn't become part of a conversation.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from storage.database import Database, Row, Transaction
from storage.records import Button, ChatKey
from storage.sql import in_list, listed

LIVES_S = 2 * 86_400.0
"""How long a reply to a question counts as an answer, in seconds."""

_SEEN = "(?2 > 0 OR coalesce(person, 0) = coalesce(?3, 0))"
"""Negative ids are those of ephemeral messages, which several people may have."""


class QuestionKind(StrEnum):
    """What the answer is used for."""

    CORRECT = "correct"
    FORGET = "forget"
    PERSONA = "persona"


@dataclass(frozen=True, slots=True)
class Question:
    """One question; `id` 0 if it has no row, because it was asked by a version that stored none."""

    id: int
    key: ChatKey
    person: int | None
    kind: QuestionKind
    asked_at: float
    """In Unix seconds."""
    message_id: int | None
    panel: int | None = None
    buttons: tuple[Button, ...] = ()
    open: bool = True


class Questions:
    """The table of questions."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def ask(self, tx: Transaction, question: Question, notice_id: int) -> int:
        """Store a question that is sent with this notice; earlier ones can from then on be answered only by replies."""
        await self.pass_over(tx, question.key, question.person)
        if question.panel is not None:  # the panel's Cancel button now belongs to this question
            sql = "UPDATE questions SET panel = NULL WHERE telegram_id = ? AND panel = ?"
            await tx.execute(sql, (question.key.telegram_id, question.panel))
        return await tx.insert(
            "INSERT INTO questions (telegram_id, thread_id, person, kind, asked_at, notice_id, panel, buttons)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                *(question.key.telegram_id, question.key.thread_id, question.person, question.kind),
                *(question.asked_at, notice_id, question.panel),
                json.dumps([[button.label, button.data] for button in question.buttons], ensure_ascii=False),
            ),
        )

    async def of_message(self, telegram_id: int, message_id: int, person: int | None) -> Question | None:
        """The question asked by this message of the bot, open or not; an ephemeral one must be this person's."""
        where = f"telegram_id = ?1 AND message_id = ?2 AND {_SEEN}"
        return await self._one(where, telegram_id, message_id, person)

    async def without_message(self, key: ChatKey, kind: QuestionKind, person: int | None) -> Question | None:
        """An open question of this kind whose message id is unknown, preferably this person's.

        That happens if the process died while sending it, or the group became a supergroup.
        """
        where = "telegram_id = ? AND thread_id = ? AND kind = ? AND open = 1 AND message_id IS NULL"
        values = (key.telegram_id, key.thread_id, kind)
        own = await self._one(f"{where} AND person = ?", *values, person or 0)
        return own or await self._one(where, *values)

    async def awaiting(self, key: ChatKey, person: int) -> Question | None:
        """The question that this person's next message answers."""
        where = "telegram_id = ? AND thread_id = ? AND person = ? AND open = 1 AND awaits = 1"
        return await self._one(where, key.telegram_id, key.thread_id, person)

    async def open_for(self, key: ChatKey, person: int) -> list[Question]:
        """The open questions to this person, newest first."""
        rows = await self._database.rows(
            "SELECT * FROM questions WHERE telegram_id = ? AND thread_id = ? AND person = ? AND open = 1"
            " ORDER BY id DESC",
            (key.telegram_id, key.thread_id, person),
        )
        return [_question(row) for row in rows]

    async def find(self, number: int) -> Question | None:
        """The question with this id."""
        return await self._one("id = ?", number)

    async def answered_by(self, telegram_id: int, message_id: int, person: int | None) -> Question | None:
        """The question that this message of this person answered."""
        where = f"telegram_id = ?1 AND ?2 {in_list('answers')} AND " + _SEEN
        return await self._one(where, telegram_id, message_id, person)

    async def answered(
        self,
        tx: Transaction,
        question: Question,
        message_ids: Sequence[int],
        *,
        over: bool = True,
        awaits: bool = False,
    ) -> None:
        """Record these messages as an answer. `over`: it was accepted.

        Otherwise another answer is expected: the person's next message if `awaits` is set, or else only a reply.
        """
        number = question.id or await tx.insert(
            "INSERT INTO questions (telegram_id, thread_id, person, kind, asked_at, message_id)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (
                *(question.key.telegram_id, question.key.thread_id, question.person),
                *(question.kind, question.asked_at, question.message_id),
            ),
        )
        if not question.id:  # if the process died while sending it, it was sent twice: both are answered
            alike = (question.key.telegram_id, question.key.thread_id, question.person, question.kind, number)
            sql = (
                "SELECT id FROM questions WHERE telegram_id = ? AND thread_id = ? AND person = ? AND kind = ?"
                " AND open = 1 AND id != ?"
            )
            for row in await tx.rows(sql, alike):
                await self._end(tx, row["id"])
        if over:
            await self._withdraw(tx, number)
        known = await tx.row("SELECT answers FROM questions WHERE id = ?", (number,))
        answers = {*json.loads(known["answers"] if known else "[]"), *message_ids}
        await tx.execute(
            "UPDATE questions SET open = ?, awaits = ?, message_id = coalesce(message_id, ?),"
            " panel = CASE WHEN ? = 1 THEN NULL ELSE panel END, answers = ? WHERE id = ?",
            (not over, awaits and not over, question.message_id, over, listed(sorted(answers)), number),
        )

    async def cancel(self, tx: Transaction, question: Question) -> bool:
        """Close a question; False if it was already closed."""
        return await self._end(tx, question.id)

    async def withdraw(self, tx: Transaction, telegram_id: int, person: int) -> None:
        """Close all questions to someone who has left this Telegram chat."""
        sql = "SELECT id FROM questions WHERE telegram_id = ? AND person = ? AND open = 1"
        for row in await tx.rows(sql, (telegram_id, person)):
            await self._end(tx, row["id"])

    async def pass_over(self, tx: Transaction, key: ChatKey, person: int | None) -> None:
        """The person has said something else: from now on only replies answer their questions."""
        await tx.execute(
            "UPDATE questions SET awaits = 0 WHERE telegram_id = ? AND thread_id = ? AND coalesce(person, 0) = ?"
            " AND awaits = 1",
            (key.telegram_id, key.thread_id, person or 0),
        )

    async def any_before(self, before: float) -> bool:
        """Whether there are questions from before this time."""
        return await self._database.row("SELECT 1 FROM questions WHERE asked_at < ? LIMIT 1", (before,)) is not None

    async def prune(self, tx: Transaction, before: float) -> None:
        """Delete questions from before this time, answered or not."""
        await tx.execute("DELETE FROM questions WHERE asked_at < ?", (before,))

    async def _end(self, tx: Transaction, number: int) -> bool:
        await self._withdraw(tx, number)
        sql = "UPDATE questions SET open = 0, awaits = 0, panel = NULL WHERE id = ? AND open = 1"
        return bool(await tx.execute(sql, (number,)))

    @staticmethod
    async def _withdraw(tx: Transaction, number: int) -> None:
        """Drop the question's notice if it hasn't been sent."""
        rows = await tx.rows("SELECT notice_id FROM questions WHERE id = ? AND notice_id IS NOT NULL", (number,))
        await tx.execute("UPDATE questions SET notice_id = NULL WHERE id = ?", (number,))
        for row in rows:
            await tx.execute("DELETE FROM notices WHERE id = ?", (row["notice_id"],))

    async def _one(self, where: str, *values: str | int | None) -> Question | None:
        sql = f"SELECT * FROM questions WHERE {where} ORDER BY id DESC LIMIT 1"
        row = await self._database.row(sql, values)
        return _question(row) if row else None


async def end_questions(tx: Transaction, chat_id: int) -> None:
    """Close all questions of a conversation that starts over."""
    await tx.execute(
        "UPDATE questions SET open = 0, awaits = 0, panel = NULL WHERE (telegram_id, thread_id) ="
        " (SELECT telegram_id, thread_id FROM chats WHERE id = ?)",
        (chat_id,),
    )


async def move_questions(tx: Transaction, old: int, new: int) -> None:
    """Move a group's open questions to its new id; their messages have new ids, which aren't known."""
    await tx.execute("DELETE FROM questions WHERE telegram_id = ? AND open = 0", (old,))
    await tx.execute(
        "UPDATE questions SET telegram_id = ?, message_id = NULL, panel = NULL, answers = '[]' WHERE telegram_id = ?",
        (new, old),
    )


def _question(row: Row) -> Question:
    return Question(
        id=row["id"],
        key=ChatKey(row["telegram_id"], row["thread_id"]),
        person=row["person"],
        kind=QuestionKind(row["kind"]),
        asked_at=row["asked_at"],
        message_id=row["message_id"],
        panel=row["panel"],
        buttons=tuple(Button(label, data) for label, data in json.loads(row["buttons"])),
        open=bool(row["open"]),
    )
