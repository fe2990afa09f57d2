"""What each process has in flight: kept on the server, since a host may throw the disk away with the process."""

import json
from collections.abc import Collection

from storage.database import Database

_NOTE = """
INSERT INTO processes (id, in_flight)
SELECT ?1, ?2 WHERE set_config('synchronous_commit', 'off', true) = 'off'
ON CONFLICT (id) DO UPDATE SET in_flight = excluded.in_flight
RETURNING id
"""
"""Waits for no disk of the server: what this protects from is the death of a process."""


class Processes:
    """The table of processes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def all(self) -> dict[int, str]:
        """What is in flight, by process. Raises StorageError."""
        rows = await self._database.rows("SELECT id, in_flight FROM processes ORDER BY id")
        return {int(row["id"]): str(row["in_flight"]) for row in rows}

    async def take_over(self, dead: Collection[int], process: int, in_flight: str) -> None:
        """Replace the records of dead processes by this one's. Raises StorageError."""
        async with self._database.transaction() as tx:
            await tx.discard(
                "DELETE FROM processes WHERE id IN (SELECT value FROM json_each(?))", (json.dumps([*dead]),)
            )
            await tx.rows(_NOTE, (process, in_flight))

    async def note(self, process: int, in_flight: str) -> None:
        """Replace the record of this process. It survives the process, but not a crash of the server.

        It is one statement and no transaction of the writer's, since it is needed often. Raises StorageError.
        """
        await self._database.rows(_NOTE, (process, in_flight))
