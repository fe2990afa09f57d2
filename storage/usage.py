"""What the model servers reported, added up by chat and day."""

from dataclasses import astuple
from datetime import date
from sqlite3 import Row

from storage.database import Database, Transaction
from storage.records import DayUsage, Usage

NUMBERS = (
    *("input_tokens", "cached_tokens", "output_tokens", "written_tokens", "reasoning_tokens", "audio_tokens"),
    *("image_tokens", "estimated"),
)
"""The columns behind the fields of ``Usage``, in their order."""
_COLUMNS = ("requests", "turns", *NUMBERS)
INSERT = f"INSERT INTO usage (chat_id, day, model, {', '.join(_COLUMNS)})"
_ADD = f"ON CONFLICT DO UPDATE SET {', '.join(f'{name} = {name} + excluded.{name}' for name in _COLUMNS)}"
_SUMS = ", ".join(f"sum({name}) AS {name}" for name in NUMBERS)


class UsageLog:
    """The table of usage."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def record(
        self, tx: Transaction, chat_id: int, day: date, model: str, usage: Usage, *, turns: int = 1
    ) -> None:
        """Add one request to the chat's day; `turns` is 0 when it did not answer the user."""
        await tx.execute(
            f"{INSERT} VALUES (?, ?, ?, 1, ?{', ?' * len(NUMBERS)}) {_ADD}",
            (chat_id, day.isoformat(), model, turns, *astuple(usage)),
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
            f"SELECT day, sum(turns) AS turns, {_SUMS} FROM usage WHERE chat_id = ? AND day BETWEEN ? AND ?"  # noqa: S608
            " GROUP BY day ORDER BY day",
            (chat_id, first.isoformat(), last.isoformat()),
        )
        return [DayUsage(date.fromisoformat(row["day"]), row["turns"], usage_in(row)) for row in rows]

    async def by_telegram_id(self) -> dict[int, Usage]:
        """What was used in each Telegram chat, topics included."""
        rows = await self._database.rows(
            f"SELECT telegram_id, {_SUMS} FROM usage JOIN chats ON chats.id = chat_id GROUP BY telegram_id"  # noqa: S608
        )
        return {row["telegram_id"]: usage_in(row) for row in rows}


async def join_usage(tx: Transaction, old: int, new: int) -> None:
    """Add what one chat used to what another one did."""
    await tx.execute(
        f"{INSERT} SELECT ?, day, model, {', '.join(_COLUMNS)} FROM usage WHERE chat_id = ? {_ADD}",  # noqa: S608
        (new, old),
    )


def usage_in(row: Row) -> Usage:
    """The usage in a row of this table."""
    return Usage(*(row[name] for name in NUMBERS))
