"""What is stored about model servers: what was learned of their models, and the responses that they keep."""

from collections.abc import Collection

from storage.database import Database, Transaction
from storage.sql import in_list, listed


class ModelServers:
    """The tables of facts (JSON, by server and model) and of responses (their URLs, until they are deleted there).

    The schema's triggers mark a chat's responses as to be deleted when it is reset, or turns of it are deleted.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def facts_since(self, when: float) -> dict[tuple[str, str], str]:
        """All that was learned since that time (Unix seconds)."""
        rows = await self._database.rows("SELECT server, model, facts FROM server_facts WHERE learned_at >= ?", (when,))
        return {(row["server"], row["model"]): row["facts"] for row in rows}

    async def keep_facts(self, tx: Transaction, server: str, model: str, facts: str, now: float) -> None:
        """Keep this in the place of what was known."""
        await tx.execute(
            "INSERT INTO server_facts VALUES (?, ?, ?, ?)"
            " ON CONFLICT (server, model) DO UPDATE SET facts = excluded.facts, learned_at = excluded.learned_at",
            (server, model, facts, now),
        )

    async def prune_facts(self, tx: Transaction, before: float) -> None:
        """Forget what was learned before that time."""
        await tx.execute("DELETE FROM server_facts WHERE learned_at < ?", (before,))

    async def add_responses(self, tx: Transaction, chat_id: int, urls: Collection[str], now: float) -> None:
        """The server has kept these of a chat."""
        await tx.execute_many(
            "INSERT INTO kept_responses (url, chat_id, kept_at) VALUES (?, ?, ?) ON CONFLICT (url) DO NOTHING",
            [(url, chat_id, now) for url in urls],
        )

    async def delete_responses_of(self, tx: Transaction, chat_id: int) -> None:
        """All that the server has kept of a chat is to be deleted."""
        await tx.execute("UPDATE kept_responses SET delete_at = 0 WHERE chat_id = ? AND delete_at IS NULL", (chat_id,))

    async def due_responses(self, beginning: str, now: float, limit: int) -> list[str]:
        """Those that are to be deleted by now, of the addresses that begin so."""
        rows = await self._database.rows(
            "SELECT url FROM kept_responses WHERE delete_at IS NOT NULL AND delete_at <= ?"
            " AND substr(url, 1, ?) = ? ORDER BY delete_at LIMIT ?",
            (now, len(beginning), beginning, limit),
        )
        return [row["url"] for row in rows]

    async def responses_deleted(self, tx: Transaction, urls: Collection[str]) -> None:
        """The server has none of these any more."""
        await tx.execute(f"DELETE FROM kept_responses WHERE url {in_list()}", (listed(urls),))

    async def postpone_deletion(self, tx: Transaction, urls: Collection[str], at: float) -> None:
        """The server could not be told about these; it is tried again at this time."""
        await tx.execute(
            f"UPDATE kept_responses SET delete_at = ? WHERE url {in_list()}",
            (at, listed(urls)),
        )

    async def prune_responses(self, tx: Transaction, before: float) -> None:
        """Drop those that were kept before this time: no server keeps them so long."""
        await tx.execute("DELETE FROM kept_responses WHERE kept_at < ?", (before,))
