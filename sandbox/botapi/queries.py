"""The presses of buttons that the bot still has to answer."""

from collections.abc import Callable

from sandbox.botapi.database import Database

LIFE_S = 60.0
"""Telegram does not say how long it waits; a minute is more than any app shows the press."""


FRESH_S = 15.0
"""So long after a press, or an ephemeral message, its sender can be shown what nobody else sees."""


class Queries:
    """Each query is answered once, while it lives."""

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self._database = database
        self._clock = clock

    def ask(self) -> int:
        """Begin a query; returns its id."""
        with self._database.transaction():
            return self._database.write("INSERT INTO queries (asked_at) VALUES (?)", self._clock())

    def is_fresh(self, number: object) -> bool:
        """Whether somebody pressed just now."""
        if not isinstance(number, str) or not number.isdecimal():
            return False
        since = self._clock() - FRESH_S
        return (
            self._database.one("SELECT 1 FROM queries WHERE id = ? AND asked_at >= ?", int(number), since) is not None
        )

    def answer(self, number: int) -> bool:
        """Note the answer; False when nobody waits for it (any more)."""
        born = self._clock() - LIFE_S
        waiting = self._database.one(
            "SELECT 1 FROM queries WHERE id = ? AND asked_at > ? AND NOT answered", number, born
        )
        with self._database.transaction():
            self._database.write("UPDATE queries SET answered = 1 WHERE id = ?", number)
        return waiting is not None
