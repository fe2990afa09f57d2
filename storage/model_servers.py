"""Data about model servers: facts learned about their models, and the responses they store."""

from collections.abc import Collection

from storage.database import Database, Transaction
from storage.sql import in_texts, listed


class ModelServers:
    """The tables of facts (JSON, by server and model) and of responses (their URLs, until they are deleted there).

    Triggers in the schema mark a chat's responses for deletion when it is reset or turns of it are deleted.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def facts_since(self, when: float) -> dict[tuple[str, str], str]:
        """The facts learned since a time (Unix seconds), by (server, model)."""
        rows = await self._database.rows("SELECT server, model, facts FROM server_facts WHERE learned_at >= ?", (when,))
        return {(row["server"], row["model"]): row["facts"] for row in rows}

    async def keep_facts(self, tx: Transaction, server: str, model: str, facts: str, now: float) -> None:
        """Replace the facts about a model."""
        await tx.execute(
            "INSERT INTO server_facts VALUES (?, ?, ?, ?)"
            " ON CONFLICT (server, model) DO UPDATE SET facts = excluded.facts, learned_at = excluded.learned_at",
            (server, model, facts, now),
        )

    async def prune_facts(self, tx: Transaction, before: float) -> None:
        """Delete facts learned before a time (Unix seconds)."""
        await tx.execute("DELETE FROM server_facts WHERE learned_at < ?", (before,))

    async def add_responses(self, tx: Transaction, chat_id: int, urls: Collection[str], now: float) -> None:
        """Record responses of a chat that the server has stored."""
        await tx.execute_many(
            "INSERT INTO kept_responses (url, chat_id, kept_at) VALUES (?, ?, ?) ON CONFLICT (url) DO NOTHING",
            [(url, chat_id, now) for url in urls],
        )

    async def delete_responses_of(self, tx: Transaction, chat_id: int) -> None:
        """Mark all stored responses of a chat for deletion."""
        await tx.execute("UPDATE kept_responses SET delete_at = 0 WHERE chat_id = ? AND delete_at IS NULL", (chat_id,))

    async def due_responses(self, beginning: str, now: float, limit: int) -> list[str]:
        """URLs with this prefix whose responses should be deleted by now."""
        rows = await self._database.rows(
            "SELECT url FROM kept_responses WHERE delete_at IS NOT NULL AND delete_at <= ?"
            " AND substr(url, 1, CAST(? AS INTEGER)) = ? ORDER BY delete_at LIMIT ?",
            (now, len(beginning), beginning, limit),
        )
        return [row["url"] for row in rows]

    async def responses_deleted(self, tx: Transaction, urls: Collection[str]) -> None:
        """Record that the server no longer has these."""
        await tx.execute(f"DELETE FROM kept_responses WHERE url {in_texts()}", (listed(urls),))

    async def postpone_deletion(self, tx: Transaction, urls: Collection[str], at: float) -> None:
        """Retry the deletion of these at a later time (Unix seconds)."""
        await tx.execute(
            f"UPDATE kept_responses SET delete_at = ? WHERE url {in_texts()}",
            (at, listed(urls)),
        )

    async def prune_responses(self, tx: Transaction, before: float) -> None:
        """Drop records from before this time; no server stores responses that long."""
        await tx.execute("DELETE FROM kept_responses WHERE kept_at < ?", (before,))
