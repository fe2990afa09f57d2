"""How many tokens a model's server reports for one that we count."""

from storage.database import Database, Transaction

ANY_CHAT = 0
"""In place of a chat's id: the newest of all chats."""


class TokenRatios:
    """The table of ratios: reported tokens per counted token, for each model and chat."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of(self, model: str, chat_id: int) -> float:
        """The chat's ratio, else the model's newest, else 1."""
        row = await self._database.row(
            "SELECT ratio FROM token_ratios WHERE model = ? AND chat_id IN (?, ?) ORDER BY chat_id DESC LIMIT 1",
            (model, chat_id, ANY_CHAT),
        )
        return float(row["ratio"]) if row else 1.0

    async def unlearn(self, tx: Transaction, model: str) -> None:
        """Forget what a model's server has reported: it was about something else."""
        await tx.execute("DELETE FROM token_ratios WHERE model = ?", (model,))

    async def learn(self, tx: Transaction, model: str, chat_id: int, ratio: float) -> None:
        """Remember what the server has just reported."""
        await tx.execute(
            "INSERT INTO token_ratios VALUES (?1, ?2, ?4), (?1, ?3, ?4)"
            " ON CONFLICT DO UPDATE SET ratio = excluded.ratio",
            (model, chat_id, ANY_CHAT, ratio),
        )
