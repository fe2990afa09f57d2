"""What the people of a chat are called in its transcript: no two alike, and each always the same."""

from collections.abc import Callable

from storage.database import Transaction


class Speakers:
    """The table of names."""

    async def name(
        self, tx: Transaction, chat_id: int, sender_id: int, shown: str, look: Callable[[str], str] = str.casefold
    ) -> str:
        """What this person is called; `shown` is their display name, cleaned.

        Two names of which `look` makes the same look alike.
        A name that somebody else in the chat has, or ever had, gets a number. Who changes their name is called by the
        new one.
        """
        rows = await tx.rows(
            "SELECT name FROM speakers WHERE chat_id = ? AND sender_id = ? AND shown = ?", (chat_id, sender_id, shown)
        )
        if rows:
            return str(rows[0]["name"])
        number, name = 1, shown
        while not await self._taken(tx, chat_id, sender_id, shown, name, look(name)):
            number += 1
            name = f"{shown} ({number})"
        return name

    @staticmethod
    async def _taken(tx: Transaction, chat_id: int, sender_id: int, shown: str, name: str, folded: str) -> bool:
        """Take this name, unless somebody else has it, perhaps from when only its letters were compared."""
        rows = await tx.rows(
            "SELECT sender_id FROM speakers WHERE chat_id = ? AND folded IN (?, ?) AND sender_id <> ? LIMIT 1",
            (chat_id, folded, name.casefold(), sender_id),
        )
        if rows:
            return False
        await tx.execute(
            "INSERT INTO speakers (chat_id, folded, name, shown, sender_id) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT DO NOTHING",
            (chat_id, folded, name, shown, sender_id),
        )
        return True
