"""What the model servers reported, added up by chat and day."""

from datetime import date

from storage.database import Database, Transaction
from storage.records import Usage


class UsageLog:
    """The table of usage."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def record(
        self, tx: Transaction, chat_id: int, day: date, model: str, usage: Usage, *, turns: int = 1
    ) -> None:
        """Add one request to the chat's day."""
        await tx.execute(
            "INSERT INTO usage VALUES (?, ?, ?, 1, ?, ?, ?) ON CONFLICT DO UPDATE SET"
            " requests = requests + 1, input_tokens = input_tokens + excluded.input_tokens,"
            " cached_tokens = cached_tokens + excluded.cached_tokens,"
            " output_tokens = output_tokens + excluded.output_tokens",
            (chat_id, day.isoformat(), model, usage.input, usage.cached, usage.output),
        )

    async def of_day(self, chat_id: int, day: date) -> Usage:
        """What a chat used on one day, over all models."""
        row = await self._database.row(
            "SELECT ifnull(sum(input_tokens), 0) AS input, ifnull(sum(cached_tokens), 0) AS cached,"
            " ifnull(sum(output_tokens), 0) AS output FROM usage WHERE chat_id = ? AND day = ?",
            (chat_id, day.isoformat()),
        )
        return Usage(row["input"], row["cached"], row["output"]) if row else Usage(0, 0, 0)
