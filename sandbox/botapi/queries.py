"""The presses of buttons that the bot still has to answer."""

from collections.abc import Callable

from sandbox.botapi.database import Database

LIFE_S = 60.0
"""Telegram does not say how long it waits; a minute is more than any app shows the press."""


class Queries:
    """Each query is answered once, while it lives."""

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self._database = database
        self._clock = clock

    def ask(self) -> int:
        """Begin a query; returns its id."""
        with self._database.transaction():
            return self._database.write("INSERT INTO queries (asked_at) VALUES (?)", self._clock())

    def answer(self, number: int) -> bool:
        """Note the answer; False when nobody waits for it (any more)."""
        born = self._clock() - LIFE_S
        waiting = self._database.one(
            "SELECT 1 FROM queries WHERE id = ? AND asked_at > ? AND NOT answered", number, born
        )
        with self._database.transaction():
            self._database.write("UPDATE queries SET answered = 1 WHERE id = ?", number)
        return waiting is not None
