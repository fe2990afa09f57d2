"""What was learned of models at their servers."""

from storage.database import Database, Transaction


class ServerFacts:
    """The table of them: JSON, by server and model."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def since(self, when: float) -> dict[tuple[str, str], str]:
        """All that was learned since that time (Unix seconds)."""
        rows = await self._database.rows("SELECT server, model, facts FROM server_facts WHERE learned_at >= ?", (when,))
        return {(row["server"], row["model"]): row["facts"] for row in rows}

    async def keep(self, tx: Transaction, server: str, model: str, facts: str, now: float) -> None:
        """Keep this in the place of what was known."""
        await tx.execute(
            "INSERT INTO server_facts VALUES (?, ?, ?, ?)"
            " ON CONFLICT DO UPDATE SET facts = excluded.facts, learned_at = excluded.learned_at",
            (server, model, facts, now),
        )

    async def prune(self, tx: Transaction, before: float) -> None:
        """Forget what was learned before that time."""
        await tx.execute("DELETE FROM server_facts WHERE learned_at < ?", (before,))
