"""Usage as the model servers reported it, added up by day for chats and for people; budgets; token ratios."""

from collections.abc import Mapping, Sequence
from dataclasses import astuple, fields
from datetime import date
from sqlite3 import Row

from storage.database import Database, Transaction
from storage.records import DayUsage, Report, Usage

NUMBERS = tuple(
    one.name if one.name == "estimated" else f"{one.name}_tokens"  # it counts requests
    for one in fields(Usage)
)
"""The columns behind the fields of ``Usage``, in their order."""
_COLUMNS = ("requests", "turns", *NUMBERS)
INSERT = f"INSERT INTO usage (chat_id, day, model, {', '.join(_COLUMNS)})"
_ADD = (
    "ON CONFLICT (chat_id, day, model) DO UPDATE SET"
    f" {', '.join(f'{name} = usage.{name} + excluded.{name}' for name in _COLUMNS)}"
)
_SUMS = ", ".join(f"sum({name}) AS {name}" for name in NUMBERS)
EVERYBODY = 0
"""The id under which all is added up."""
_INSERT_SPENDING = f"INSERT INTO spending (user_id, day, model, {', '.join(NUMBERS)})"
_ADD_SPENDING = (
    "ON CONFLICT (user_id, day, model) DO UPDATE SET"
    f" {', '.join(f'{name} = spending.{name} + excluded.{name}' for name in NUMBERS)}"
)
ByModel = Mapping[str, Usage]
REPORTS_LOOKED_AT = 1_000
"""Turns among which reports are looked for: some servers never report anything."""
ANY_CHAT = 0
"""In place of a chat's id: the newest of all chats."""


class UsageLog:
    """The tables of usage (by chat), spending (by person) and budgets, and of token ratios.

    A token ratio is the number of tokens a model's server reports for one that we count, by model and chat.
    """

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

    async def has(self, chat_id: int, model: str, tx: Transaction | None = None) -> bool:
        """Whether this model has ever answered in the chat."""
        rows = await (tx or self._database).rows(
            "SELECT 1 FROM usage WHERE chat_id = ? AND model = ? LIMIT 1", (chat_id, model)
        )
        return bool(rows)

    async def between(self, chat_id: int, first: date, last: date) -> list[DayUsage]:
        """What a chat used on each day from the first to the last, over all models; days without use are left out."""
        rows = await self._database.rows(
            f"SELECT day, sum(turns) AS turns, {_SUMS} FROM usage WHERE chat_id = ? AND day BETWEEN ? AND ?"
            " GROUP BY day ORDER BY day",
            (chat_id, first.isoformat(), last.isoformat()),
        )
        return [DayUsage(date.fromisoformat(row["day"]), row["turns"], usage_in(row)) for row in rows]

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

    async def by_telegram_chat(self) -> dict[int, Usage]:
        """What was used in each Telegram chat, topics included."""
        rows = await self._database.rows(
            f"SELECT telegram_id, {_SUMS} FROM usage JOIN chats ON chats.id = chat_id GROUP BY telegram_id"
        )
        return {row["telegram_id"]: usage_in(row) for row in rows}

    async def record_for_user(self, tx: Transaction, user_id: int | None, day: date, model: str, usage: Usage) -> None:
        """Add a request to the day of whoever asked for it (None: nobody in particular), and to everybody's."""
        for number in {user_id or EVERYBODY, EVERYBODY}:
            await tx.execute(
                f"{_INSERT_SPENDING} VALUES (?, ?, ?{', ?' * len(NUMBERS)}) {_ADD_SPENDING}",
                (number, day.isoformat(), model, *astuple(usage)),
            )

    async def of_user(self, user_id: int, day: date) -> ByModel:
        """What a person (or everybody) used on a day, in whichever chat."""
        rows = await self._database.rows(
            "SELECT * FROM spending WHERE user_id = ? AND day = ?", (user_id, day.isoformat())
        )
        return _by_model(rows)

    async def of_chat(self, telegram_id: int, day: date) -> ByModel:
        """What was used on a day in a Telegram chat, topics included."""
        rows = await self._database.rows(
            f"SELECT model, {_SUMS} FROM usage WHERE day = ?"
            " AND chat_id IN (SELECT id FROM chats WHERE telegram_id = ?) GROUP BY model",
            (day.isoformat(), telegram_id),
        )
        return _by_model(rows)

    async def by_user(self) -> dict[int, Usage]:
        """What each person has used so far, in whichever chat. Who spoke as a group or a channel is none."""
        rows = await self._database.rows(
            f"SELECT user_id, {_SUMS} FROM spending WHERE user_id > {EVERYBODY} GROUP BY user_id"
        )
        return {row["user_id"]: usage_in(row) for row in rows}

    async def budgets(self) -> dict[tuple[str, int], str]:
        """What owners have set, by scope and id."""
        rows = await self._database.rows("SELECT scope, id, amount FROM budgets")
        return {(row["scope"], row["id"]): row["amount"] for row in rows}

    async def set_budget(self, tx: Transaction, scope: str, number: int, amount: str | None) -> None:
        """Set one, or take it back (None): what the settings say holds again."""
        await tx.execute("DELETE FROM budgets WHERE scope = ? AND id = ?", (scope, number))
        if amount is not None:
            await tx.execute("INSERT INTO budgets (scope, id, amount) VALUES (?, ?, ?)", (scope, number, amount))

    async def hint(self, tx: Transaction, day: date, scope: str, number: int) -> bool:
        """Whether nobody was told yet on this day; someone is now."""
        await tx.execute("DELETE FROM budget_hints WHERE day < ?", (day.isoformat(),))
        new = "INSERT INTO budget_hints (day, scope, id) VALUES (?, ?, ?) ON CONFLICT (day, scope, id) DO NOTHING"
        return bool(await tx.execute(new, (day.isoformat(), scope, number)))

    async def token_ratio(self, model: str, chat_id: int, tx: Transaction | None = None) -> float:
        """The chat's ratio, else the model's newest, else 1."""
        row = await (tx or self._database).row(
            "SELECT ratio FROM token_ratios WHERE model = ? AND chat_id IN (?, ?) ORDER BY chat_id DESC LIMIT 1",
            (model, chat_id, ANY_CHAT),
        )
        return float(row["ratio"]) if row else 1.0

    async def forget_ratios(self, tx: Transaction, model: str) -> None:
        """Forget what a model's server has reported: it was about something else."""
        await tx.execute("DELETE FROM token_ratios WHERE model = ?", (model,))

    async def learn_ratio(self, tx: Transaction, model: str, chat_id: int, ratio: float) -> None:
        """Remember what the server has just reported."""
        await tx.execute(
            "INSERT INTO token_ratios VALUES (?1, ?2, ?4), (?1, ?3, ?4)"
            " ON CONFLICT (model, chat_id) DO UPDATE SET ratio = excluded.ratio",
            (model, chat_id, ANY_CHAT, ratio),
        )


async def join_usage(tx: Transaction, old: int, new: int) -> None:
    """Add what one chat used to what another one did."""
    await tx.execute(
        f"{INSERT} SELECT ?, day, model, {', '.join(_COLUMNS)} FROM usage WHERE chat_id = ? {_ADD}",
        (new, old),
    )


def usage_in(row: Row) -> Usage:
    """The usage in a row of this table."""
    return Usage(*(row[name] for name in NUMBERS))


def _by_model(rows: Sequence[Row]) -> dict[str, Usage]:
    return {row["model"]: usage_in(row) for row in rows}
