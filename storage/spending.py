"""What people, chats and the whole bot used on a day, and how much of it they may."""

from collections.abc import Mapping, Sequence
from dataclasses import astuple
from datetime import date
from sqlite3 import Row

from storage.database import Database, Transaction
from storage.records import Usage
from storage.usage import NUMBERS, usage_in

EVERYBODY = 0
"""The id under which all is added up."""
_SUMS = ", ".join(f"sum({name}) AS {name}" for name in NUMBERS)
_INSERT = f"INSERT INTO spending (user_id, day, model, {', '.join(NUMBERS)})"
_ADD = f"ON CONFLICT DO UPDATE SET {', '.join(f'{name} = {name} + excluded.{name}' for name in NUMBERS)}"

ByModel = Mapping[str, Usage]


class Spending:
    """The tables of who used what, and of budgets. Every read touches a few rows, however long the history is."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def record(self, tx: Transaction, user_id: int | None, day: date, model: str, usage: Usage) -> None:
        """Add a request to the day of whoever asked for it (None: nobody in particular), and to everybody's."""
        for number in {user_id or EVERYBODY, EVERYBODY}:
            await tx.execute(
                f"{_INSERT} VALUES (?, ?, ?{', ?' * len(NUMBERS)}) {_ADD}",
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
            f"SELECT model, {_SUMS} FROM usage WHERE day = ?"  # noqa: S608
            " AND chat_id IN (SELECT id FROM chats WHERE telegram_id = ?) GROUP BY model",
            (day.isoformat(), telegram_id),
        )
        return _by_model(rows)

    async def by_user(self) -> dict[int, Usage]:
        """What each person has used so far, in whichever chat. Who spoke as a group or a channel is none."""
        rows = await self._database.rows(
            f"SELECT user_id, {_SUMS} FROM spending WHERE user_id > {EVERYBODY} GROUP BY user_id"  # noqa: S608
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
        """Whether nobody was told yet on this day; somebody is now."""
        await tx.execute("DELETE FROM budget_hints WHERE day < ?", (day.isoformat(),))
        new = "INSERT INTO budget_hints (day, scope, id) VALUES (?, ?, ?) ON CONFLICT DO NOTHING"
        return bool(await tx.execute(new, (day.isoformat(), scope, number)))


def _by_model(rows: Sequence[Row]) -> dict[str, Usage]:
    return {row["model"]: usage_in(row) for row in rows}
