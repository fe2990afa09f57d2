"""What each process has in flight: kept on the server, since a host may throw the disk away with the process.

A row is a process; one more, LEFT, has what dead processes left, for all. A process is dead if no session holds the
advisory lock of its number (`storage.postgres.chat_claims`).
"""

import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from storage.database import Database, Transaction
from storage.sql import in_list, listed
from storage.transcript import OPEN

LEFT = 0
RECORDS_LOCK = 0x4B656570_00000003
"""The advisory lock of transactions that change the row LEFT."""
_NOTE = """
INSERT INTO processes (id, in_flight)
SELECT ?1, ?2 WHERE set_config('synchronous_commit', 'off', true) = 'off'
ON CONFLICT (id) DO UPDATE SET in_flight = excluded.in_flight
RETURNING id
"""
"""Waits for no disk of the server: what this protects from is the death of a process."""
_LIVING = """
SELECT (classid::bigint << 32) + objid::bigint AS id FROM pg_locks
WHERE locktype = 'advisory' AND objsubid = 1 AND granted
AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
"""And the numbers of other locks, such as chats."""
_IS_DEAD = f"id NOT IN ({LEFT}, ?1) AND id NOT IN ({_LIVING})"


@dataclass(frozen=True, slots=True)
class OpenWork:
    """What is not done yet, of some work."""

    updates: Collection[int]
    chats: Collection[int]
    """Those with an answer to give."""
    replies: Collection[int]
    notices: Collection[int]


class Processes:
    """The table of processes. All methods raise StorageError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def all(self) -> dict[int, str]:
        """What is in flight, by process."""
        rows = await self._database.rows("SELECT id, in_flight FROM processes ORDER BY id")
        return {int(row["id"]): str(row["in_flight"]) for row in rows}

    async def without_dead(self, processes: Collection[int]) -> set[int]:
        """Those of these processes that may be alive."""
        rows = await self._database.rows(_LIVING)
        return {int(row["id"]) for row in rows} & set(processes)

    async def look(self, process: int) -> tuple[str, bool]:
        """What dead processes left, and whether there are some that have not been counted yet."""
        rows = await self._database.rows(
            f"SELECT (SELECT in_flight FROM processes WHERE id = {LEFT}) AS in_flight,"
            f" EXISTS (SELECT 1 FROM processes WHERE {_IS_DEAD}) AS dead",
            (process,),
        )
        return str(rows[0]["in_flight"] or ""), bool(rows[0]["dead"])

    async def left(self, tx: Transaction) -> str:
        """What dead processes left; until the end of the transaction, no other process changes it."""
        await tx.rows("SELECT pg_advisory_xact_lock(?)", (RECORDS_LOCK,))
        row = await tx.row("SELECT in_flight FROM processes WHERE id = ?", (LEFT,))
        return str(row["in_flight"]) if row is not None else ""

    async def dead(self, tx: Transaction, process: int) -> dict[int, str]:
        """The records of dead processes, for this one to count."""
        rows = await tx.rows(f"SELECT id, in_flight FROM processes WHERE {_IS_DEAD} ORDER BY id", (process,))
        return {int(row["id"]): str(row["in_flight"]) for row in rows}

    async def leave(self, tx: Transaction, left: str, dead: Collection[int] = ()) -> None:
        """Replace what dead processes left, and delete the records of those that are counted in it."""
        await tx.discard("DELETE FROM processes WHERE id IN (SELECT value FROM json_each(?))", (json.dumps([*dead]),))
        await tx.rows(_NOTE, (LEFT, left))

    async def open_work(self, tx: Transaction, of: OpenWork) -> OpenWork:
        """What of this work is not done yet."""
        return OpenWork(
            await _ids(
                tx, f"SELECT update_id AS id FROM inbox WHERE state = 'new' AND update_id {in_list()}", of.updates
            ),
            await _ids(tx, f"SELECT DISTINCT chat_id AS id FROM turns WHERE {OPEN} AND chat_id {in_list()}", of.chats),
            await _ids(tx, f"SELECT id FROM turns WHERE {OPEN} AND id {in_list()}", of.replies),
            await _ids(tx, f"SELECT id FROM notices WHERE message_id IS NULL AND id {in_list()}", of.notices),
        )

    async def note(self, process: int, in_flight: str) -> None:
        """Replace the record of this process. It survives the process, but not a crash of the server.

        It is one statement and no transaction of the writer's, since it is needed often.
        """
        await self._database.rows(_NOTE, (process, in_flight))


async def _ids(tx: Transaction, sql: str, ids: Iterable[int]) -> list[int]:
    wanted = list(ids)
    return [int(row["id"]) for row in await tx.rows(sql, (listed(wanted),))] if wanted else []
