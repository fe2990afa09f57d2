"""One-time links that make owners, by the hash of what they say."""

from storage.database import Database, Transaction
from storage.guests import LinkState

KEPT_S = 30 * 86_400.0
"""How long it is known that a link was used, or has expired."""


class OwnerLinks:
    """The table of links."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, tx: Transaction, digest: str, now: float, expires_at: float) -> None:
        """Keep a new link; those before it that nobody used end with it."""
        await tx.execute("DELETE FROM owner_links WHERE expires_at < ?", (now - KEPT_S,))
        await tx.execute("UPDATE owner_links SET expires_at = min(expires_at, ?) WHERE claimed_by IS NULL", (now,))
        await tx.execute("INSERT INTO owner_links (hash, expires_at) VALUES (?, ?)", (digest, expires_at))

    async def knows(self, digest: str) -> bool:
        """Whether this was ever a link of ours."""
        return bool(await self._database.rows("SELECT 1 FROM owner_links WHERE hash = ?", (digest,)))

    async def claim(self, tx: Transaction, digest: str, user_id: int, now: float) -> LinkState:
        """Use a link; whoever is first has it, and all others end with it."""
        claimed = await tx.execute(
            "UPDATE owner_links SET claimed_by = ? WHERE hash = ? AND claimed_by IS NULL AND expires_at > ?",
            (user_id, digest, now),
        )
        if claimed:
            await tx.execute("UPDATE owner_links SET expires_at = min(expires_at, ?) WHERE claimed_by IS NULL", (now,))
            return LinkState.CLAIMED
        used = await tx.rows("SELECT 1 FROM owner_links WHERE hash = ? AND claimed_by IS NOT NULL", (digest,))
        return LinkState.USED if used else LinkState.EXPIRED
