"""Usage as reported by model servers, summed by day for chats and users; budgets; token ratios."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import astuple, fields
from datetime import date

from storage.database import Database, Row, Transaction
from storage.records import DayUsage, ModelUsage, Report, Usage
from storage.sql import BYTEWISE, in_texts, listed

NUMBERS = tuple(
    one.name if one.name == "estimated" else f"{one.name}_tokens"  # it counts requests
    for one in fields(Usage)
)
"""The columns for the fields of ``Usage``, in order."""
_COLUMNS = ("requests", "turns", *NUMBERS)
INSERT = f"INSERT INTO usage (chat_id, day, model, {', '.join(_COLUMNS)})"
_ADD = (
    "ON CONFLICT (chat_id, day, model) DO UPDATE SET"
    f" {', '.join(f'{name} = usage.{name} + excluded.{name}' for name in _COLUMNS)}"
)
_SUMS = ", ".join(f"sum({name}) AS {name}" for name in NUMBERS)
EVERYBODY = 0
"""The id for the total of all users."""
_INSERT_SPENDING = f"INSERT INTO spending (user_id, day, model, {', '.join(NUMBERS)})"
_ADD_SPENDING = (
    "ON CONFLICT (user_id, day, model) DO UPDATE SET"
    f" {', '.join(f'{name} = spending.{name} + excluded.{name}' for name in NUMBERS)}"
)
ByModel = Mapping[str, Usage]
REPORTS_LOOKED_AT = 1_000
"""How many turns are searched for reports, since some servers never report anything."""
ANY_CHAT = 0
"""Instead of a chat's id: the newest ratio of all chats."""


class UsageLog:
    """The tables of usage (by chat), spending (by user), budgets and token ratios.

    A token ratio is the number of tokens that the server reports for each one that the bot counts, by model and chat.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def record(
        self, tx: Transaction, chat_id: int, day: date, model: str, usage: Usage, *, turns: int = 1
    ) -> None:
        """Add one request to the chat's day; `turns` is 0 if it didn't answer a user."""
        await tx.execute(
            f"{INSERT} VALUES (?, ?, ?, 1, ?{', ?' * len(NUMBERS)}) {_ADD}",
            (chat_id, day.isoformat(), model, turns, *astuple(usage)),
        )

    async def has(self, chat_id: int, model: str, tx: Transaction | None = None) -> bool:
        """Whether this model has ever answered in the chat."""
        rows = await (tx or self._database).rows(
            "SELECT 1 FROM usage WHERE chat_id = ? AND model = ? LIMIT 1", (chat_id, model)
        )
        return bool(rows)

    async def usual_output(self, tx: Transaction, chat_id: int, model: str) -> int:
        """The average output of a request in this chat, in tokens; 0 if there was none yet."""
        row = await tx.row(
            "SELECT sum(output_tokens) AS output, sum(requests) AS requests FROM usage WHERE chat_id = ? AND model = ?",
            (chat_id, model),
        )
        return round(row["output"] / row["requests"]) if row is not None and row["requests"] else 0

    async def between(self, chat_id: int, first: date, last: date) -> list[DayUsage]:
        """A chat's usage by day from `first` to `last` (inclusive), of all models; days without any are left out."""
        rows = await self._database.rows(
            f"SELECT day, sum(turns) AS turns, {_SUMS} FROM usage WHERE chat_id = ? AND day BETWEEN ? AND ?"
            " GROUP BY day ORDER BY day",
            (chat_id, first.isoformat(), last.isoformat()),
        )
        return [DayUsage(date.fromisoformat(row["day"]), row["turns"], usage_in(row)) for row in rows]

    async def by_model(self, chat_id: int, first: date, last: date) -> list[ModelUsage]:
        """A chat's usage by model from `first` to `last` (inclusive), that with most tokens first."""
        rows = await self._database.rows(
            f"SELECT model, sum(requests) AS requests, sum(turns) AS turns, {_SUMS} FROM usage"
            " WHERE chat_id = ? AND day BETWEEN ? AND ? GROUP BY model"
            f" ORDER BY sum(input_tokens + output_tokens) DESC, model {BYTEWISE}",
            (chat_id, first.isoformat(), last.isoformat()),
        )
        return [ModelUsage(row["model"], row["requests"], row["turns"], usage_in(row)) for row in rows]

    async def by_chat(self, first: date, last: date) -> dict[int, ByModel]:
        """The usage of each Telegram chat, topics included, from `first` to `last` (inclusive)."""
        rows = await self._database.rows(
            f"SELECT telegram_id, usage.model, {_SUMS} FROM usage JOIN chats ON chats.id = chat_id"
            " WHERE day BETWEEN ? AND ? GROUP BY telegram_id, usage.model",
            (first.isoformat(), last.isoformat()),
        )
        found: dict[int, dict[str, Usage]] = {}
        for row in rows:
            found.setdefault(row["telegram_id"], {})[row["model"]] = usage_in(row)
        return dict(found)

    async def reports(self, chat_id: int, count: int) -> list[Report]:
        """The server's reports on the chat's latest answers, newest first; answers without a report are skipped."""
        rows = await self._database.rows(
            "SELECT input_tokens, cached_tokens, output_tokens, marked, created_at FROM (SELECT * FROM turns"
            " WHERE chat_id = ? ORDER BY id DESC LIMIT ?) AS newest"
            " WHERE role = 'assistant' AND input_tokens IS NOT NULL LIMIT ?",
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

    async def by_telegram_chat(self) -> dict[int, Usage]:
        """The usage of each Telegram chat, topics included."""
        rows = await self._database.rows(
            f"SELECT telegram_id, {_SUMS} FROM usage JOIN chats ON chats.id = chat_id GROUP BY telegram_id"
        )
        return {row["telegram_id"]: usage_in(row) for row in rows}

    async def record_for_user(self, tx: Transaction, user_id: int | None, day: date, model: str, usage: Usage) -> None:
        """Add a request to the day of the user who asked (None: no one in particular), and to the total."""
        for number in {user_id or EVERYBODY, EVERYBODY}:
            await tx.execute(
                f"{_INSERT_SPENDING} VALUES (?, ?, ?{', ?' * len(NUMBERS)}) {_ADD_SPENDING}",
                (number, day.isoformat(), model, *astuple(usage)),
            )

    async def of_user(self, user_id: int, day: date) -> ByModel:
        """A user's usage (or everyone's) on a day, in all chats, by model."""
        rows = await self._database.rows(
            "SELECT * FROM spending WHERE user_id = ? AND day = ?", (user_id, day.isoformat())
        )
        return _by_model(rows)

    async def of_chat(self, telegram_id: int, day: date) -> ByModel:
        """A Telegram chat's usage on a day, topics included, by model."""
        rows = await self._database.rows(
            f"SELECT model, {_SUMS} FROM usage WHERE day = ?"
            " AND chat_id IN (SELECT id FROM chats WHERE telegram_id = ?) GROUP BY model",
            (day.isoformat(), telegram_id),
        )
        return _by_model(rows)

    async def by_user(self) -> dict[int, Usage]:
        """Each user's usage so far, in all chats. Groups and channels that speak as themselves don't count."""
        rows = await self._database.rows(
            f"SELECT user_id, {_SUMS} FROM spending WHERE user_id > {EVERYBODY} GROUP BY user_id"
        )
        return {row["user_id"]: usage_in(row) for row in rows}

    async def budgets(self) -> dict[tuple[str, int], str]:
        """The budgets set by owners, by scope and id."""
        rows = await self._database.rows("SELECT scope, id, amount FROM budgets")
        return {(row["scope"], row["id"]): row["amount"] for row in rows}

    async def set_budget(self, tx: Transaction, scope: str, number: int, amount: str | None) -> None:
        """Set a budget, or remove it (None), so that the default applies again."""
        if amount is None:
            await tx.execute("DELETE FROM budgets WHERE scope = ? AND id = ?", (scope, number))
        else:
            await tx.execute(
                "INSERT INTO budgets (scope, id, amount) VALUES (?, ?, ?)"
                " ON CONFLICT (scope, id) DO UPDATE SET amount = excluded.amount",
                (scope, number, amount),
            )

    async def hint(self, tx: Transaction, day: date, scope: str, number: int) -> bool:
        """Record the day's warning about a budget, or about a model server; False if there was one already."""
        await tx.execute("DELETE FROM budget_hints WHERE day < ?", (day.isoformat(),))
        new = "INSERT INTO budget_hints (day, scope, id) VALUES (?, ?, ?) ON CONFLICT (day, scope, id) DO NOTHING"
        return bool(await tx.execute(new, (day.isoformat(), scope, number)))

    async def forget_hints(self, tx: Transaction, day: date, scopes: Collection[str]) -> None:
        """Have the next warnings about these count as the first of the day."""
        hints = f"day = ? AND scope {in_texts()}"
        await tx.execute(f"DELETE FROM budget_hints WHERE {hints}", (day.isoformat(), listed(scopes)))

    async def token_ratio(self, model: str, chat_id: int, tx: Transaction | None = None) -> float:
        """The chat's ratio, or else the model's newest, or else 1."""
        row = await (tx or self._database).row(
            "SELECT ratio FROM token_ratios WHERE model = ? AND chat_id IN (?, ?) ORDER BY chat_id DESC LIMIT 1",
            (model, chat_id, ANY_CHAT),
        )
        return float(row["ratio"]) if row else 1.0

    async def forget_ratios(self, tx: Transaction, model: str) -> None:
        """Delete the ratios of a model, because they came from truncated prompts."""
        await tx.execute("DELETE FROM token_ratios WHERE model = ?", (model,))

    async def learn_ratio(self, tx: Transaction, model: str, chat_id: int, ratio: float) -> None:
        """Store the newest ratio, for the chat and for the model."""
        await tx.execute(
            "INSERT INTO token_ratios VALUES (?1, ?2, ?4), (?1, ?3, ?4)"
            " ON CONFLICT (model, chat_id) DO UPDATE SET ratio = excluded.ratio",
            (model, chat_id, ANY_CHAT, ratio),
        )


async def join_usage(tx: Transaction, old: int, new: int) -> None:
    """Add one chat's usage to another's."""
    await tx.execute(
        f"{INSERT} SELECT ?, day, model, {', '.join(_COLUMNS)} FROM usage WHERE chat_id = ? {_ADD}",
        (new, old),
    )


def usage_in(row: Row) -> Usage:
    """The usage in a row."""
    return Usage(*(row[name] for name in NUMBERS))


def _by_model(rows: Sequence[Row]) -> dict[str, Usage]:
    return {row["model"]: usage_in(row) for row in rows}
