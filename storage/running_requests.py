"""Requests that the model is answering, so that they are charged even if the process is killed meanwhile.

A row is written before a request is sent, and deleted in the transaction that charges the answer. What is left after a
crash was never charged.
"""

from dataclasses import dataclass

from storage.database import Transaction


@dataclass(frozen=True, slots=True)
class RunningRequest:
    """A request for an answer."""

    chat_id: int
    reply_id: int
    model: str
    counted: int
    """Tokens of the prompt, as the bot counts them."""
    user_id: int | None = None
    """The user who asked; None if no one in particular."""


class RunningRequests:
    """The table of requests in progress."""

    async def begin(self, tx: Transaction, request: RunningRequest) -> None:
        """Record that a request is about to be sent."""
        await tx.execute(
            "INSERT INTO running_requests (chat_id, reply_id, model, counted, user_id) VALUES (?, ?, ?, ?, ?)",
            (request.chat_id, request.reply_id, request.model, request.counted, request.user_id),
        )

    async def end(self, tx: Transaction, reply_id: int) -> None:
        """The requests for this answer are charged in the same transaction."""
        await tx.discard("DELETE FROM running_requests WHERE reply_id = ?", (reply_id,))

    async def take(self, tx: Transaction, telegram_id: int | None = None) -> list[RunningRequest]:
        """Remove and return those that were in progress, in this Telegram chat or in any, when the process died."""
        chats = "true" if telegram_id is None else "chat_id IN (SELECT id FROM chats WHERE telegram_id = ?)"
        values = () if telegram_id is None else (telegram_id,)
        rows = await tx.rows(
            f"SELECT chat_id, reply_id, model, counted, user_id FROM running_requests WHERE {chats} ORDER BY id", values
        )
        await tx.discard(f"DELETE FROM running_requests WHERE {chats}", values)
        return [
            RunningRequest(row["chat_id"], row["reply_id"], row["model"], row["counted"], row["user_id"])
            for row in rows
        ]
