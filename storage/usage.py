"""What the model servers reported, added up by chat and day."""

from datetime import date

from storage.database import Database, Transaction
from storage.records import DayUsage, Usage


class UsageLog:
    """The table of usage."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def record(
        self, tx: Transaction, chat_id: int, day: date, model: str, usage: Usage, *, turns: int = 1
    ) -> None:
        """Add one request to the chat's day; `turns` is 0 when it did not answer the user."""
        await tx.execute(
            "INSERT INTO usage (chat_id, day, model, requests, input_tokens, cached_tokens, output_tokens, turns)"
            " VALUES (?, ?, ?, 1, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
            " requests = requests + 1, turns = turns + excluded.turns,"
            " input_tokens = input_tokens + excluded.input_tokens,"
            " cached_tokens = cached_tokens + excluded.cached_tokens,"
            " output_tokens = output_tokens + excluded.output_tokens",
            (chat_id, day.isoformat(), model, usage.input, usage.cached, usage.output, turns),
        )

    async def has(self, chat_id: int, model: str) -> bool:
        """Whether this model has ever answered in the chat."""
        rows = await self._database.rows(
            "SELECT 1 FROM usage WHERE chat_id = ? AND model = ? LIMIT 1", (chat_id, model)
        )
        return bool(rows)

    async def between(self, chat_id: int, first: date, last: date) -> list[DayUsage]:
        """What a chat used on each day from the first to the last, over all models; days without use are left out."""
        rows = await self._database.rows(
            "SELECT day, sum(turns) AS turns, sum(input_tokens) AS input, sum(cached_tokens) AS cached,"
            " sum(output_tokens) AS output FROM usage WHERE chat_id = ? AND day BETWEEN ? AND ?"
            " GROUP BY day ORDER BY day",
            (chat_id, first.isoformat(), last.isoformat()),
        )
        return [
            DayUsage(date.fromisoformat(row["day"]), row["turns"], Usage(row["input"], row["cached"], row["output"]))
            for row in rows
        ]
