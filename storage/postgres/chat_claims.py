"""Claims on chats, as session-level advisory locks of a connection of their own.

A lock vanishes with its session, so a process that dies frees its chats at once. A process whose connection was cut
can't know in time that it has lost them. So a chat that changes hands also gets a new fencing token in the table
``chat_claims``, which every transaction under a claim checks (`storage.postgres.postgresql`).
"""

import asyncio
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any, Self

from psycopg.rows import DictRow

from storage.claims import Claim
from storage.files import DatabaseInUseError
from storage.postgres.claim import CLAIM_LOCK
from storage.postgres.first_contact import connect_when_ready
from storage.postgres.sqlstate import translated
from storage.postgres.timed_connection import TimedConnection
from storage.storage_errors import StorageError

LEADER_LOCK = 0x4B656570_00000002
"""The advisory lock of the leader. Chats' locks are their Telegram IDs, which have at most 52 bits."""
REACH_LOCK = 0x4B656570_00000004
"""The advisory lock, shared, of the processes that reach Telegram."""
BOTS = 0x4B656570
"""The class of the advisory locks with which bots of other tokens are noticed; their second half is the bot."""
ANSWER_S = 4.0
"""How long the server may take to answer before the session counts as cut, in seconds."""
_SESSION = (
    "SET lock_timeout = '2s'; SET statement_timeout = '4s'; SET tcp_keepalives_idle = 4;"
    " SET tcp_keepalives_interval = 2; SET tcp_keepalives_count = 2; SET tcp_user_timeout = 8000"
)
"""The server ends a session, and with it its locks, within 8 seconds after its client has vanished from the network."""
_HERE = "database = (SELECT oid FROM pg_database WHERE datname = current_database()) AND locktype = 'advisory'"
TRIES, AGAIN_S = 3, 0.05
"""How often a chat is tried whose row is locked, as it is until a dead process's transaction ends; and the pause."""
_KNOW = """
INSERT INTO chat_claims (telegram_id, token) SELECT telegram_id, 0 FROM unnest(%s::bigint[]) AS asked (telegram_id)
WHERE NOT EXISTS (SELECT FROM chat_claims AS known WHERE known.telegram_id = asked.telegram_id)
ON CONFLICT (telegram_id) DO NOTHING
"""
"""For a row that another transaction is changing, ON CONFLICT alone would wait."""
_TAKE = """
WITH locked AS MATERIALIZED (
    SELECT telegram_id FROM unnest(%s::bigint[]) AS asked (telegram_id) WHERE pg_try_advisory_lock(telegram_id)
), reached AS MATERIALIZED (
    SELECT telegram_id FROM chat_claims JOIN locked USING (telegram_id) FOR NO KEY UPDATE OF chat_claims SKIP LOCKED
), taken AS (
    UPDATE chat_claims SET token = token + 1 WHERE telegram_id IN (SELECT telegram_id FROM reached)
    RETURNING telegram_id, token
)
SELECT telegram_id, token FROM locked LEFT JOIN taken USING (telegram_id)
"""
"""The token is null where only the lock could be had."""
_RETAKE = """
WITH locked AS MATERIALIZED (
    SELECT telegram_id FROM unnest(%s::bigint[]) AS asked (telegram_id) WHERE pg_try_advisory_lock(telegram_id)
)
SELECT telegram_id, token FROM locked JOIN chat_claims USING (telegram_id)
"""
_LIVE = f"""
SELECT count(*) FILTER (WHERE lock = {CLAIM_LOCK}) AS live,
    count(*) FILTER (WHERE lock = {REACH_LOCK} AND pid <> pg_backend_pid()) AS others
FROM (
    SELECT (classid::bigint << 32) + objid::bigint AS lock, pid FROM pg_locks
    WHERE {_HERE} AND mode = 'ShareLock' AND granted AND objsubid = 1
) AS held
"""
_OTHER_BOTS = f"""
SELECT count(*) AS others FROM pg_locks WHERE {_HERE} AND granted AND objsubid = 2
AND classid::bigint = {BOTS} AND objid::bigint <> %s
"""


@dataclass(frozen=True, slots=True)
class Member:
    """A process that uses a database."""

    url: str
    bot_id: int
    process: int
    """A random number of 62 bits, by which others see that this process lives."""


class ChatClaims:
    """A session that holds the locks of chats. All methods raise StorageError, after which the session is over."""

    def __init__(self, connection: TimedConnection, process: int) -> None:
        self._connection = connection
        self._process = process
        self._is_marked = False
        """Whether it holds the lock of this process, by which others see that it lives."""
        self._shows_reach = False

    @classmethod
    async def connect(cls, member: Member, patience: float = 0.0) -> Self:
        """Begin a session; a server that can't be reached is waited for, for `patience` seconds.

        Raises DatabaseInUseError if a command has the database for itself, or a bot with another token runs on it.
        """
        connection = await connect_when_ready(member.url, patience)
        connection.answers_within = ANSWER_S
        claims = cls(connection, member.process)
        try:
            await claims._join(member.bot_id % 2**31)
        except BaseException:
            await claims.close()
            raise
        return claims

    async def take(self, telegram_ids: Collection[int]) -> list[Claim]:
        """Claim those of these chats that no process holds. They must not be held by this session already.

        One that a transaction of another process is about is left out, and can be tried again later.
        """
        wanted, taken = list(telegram_ids), list[Claim]()
        await self._run(_KNOW, (wanted,))
        for _ in range(TRIES):
            rows = await self._run(_TAKE, (wanted,))
            taken += [Claim(row["telegram_id"], row["token"]) for row in rows if row["token"] is not None]
            wanted = [row["telegram_id"] for row in rows if row["token"] is None]
            if not wanted:
                break
            await self.give_back(wanted)
            await asyncio.sleep(AGAIN_S)
        return taken

    async def retake(self, claims: Iterable[Claim]) -> set[Claim]:
        """In a new session, take the locks of an earlier one again; returns the claims that are still valid."""
        before = {claim.telegram_id: claim for claim in claims}
        rows = await self._run(_RETAKE, (list(before),))
        locked = {Claim(row["telegram_id"], row["token"]) for row in rows}
        valid = locked & set(before.values())
        await self.give_back(claim.telegram_id for claim in locked - valid)
        return valid

    async def give_back(self, telegram_ids: Iterable[int]) -> None:
        """Release chats that nothing runs for any more."""
        await self._run(
            "SELECT pg_advisory_unlock(telegram_id) FROM unnest(%s::bigint[]) AS asked (telegram_id)",
            (list(telegram_ids),),
        )

    async def lead(self) -> bool:
        """Become the leader, unless another process is; not to be asked again once it has succeeded."""
        (row,) = await self._run("SELECT pg_try_advisory_lock(%s) AS leads", (LEADER_LOCK,))
        return bool(row["leads"])

    async def stop_leading(self) -> None:
        """Let another process lead; only for the leader."""
        await self._run("SELECT pg_advisory_unlock(%s)", (LEADER_LOCK,))

    async def show_reach(self, *, reaches: bool) -> None:
        """Show the other processes whether this one reaches Telegram."""
        if reaches != self._shows_reach:
            function = "pg_advisory_lock_shared" if reaches else "pg_advisory_unlock_shared"
            await self._run(f"SELECT {function}(%s)", (REACH_LOCK,))
            self._shows_reach = reaches

    async def count_live(self) -> tuple[int, int]:
        """The number of live processes, at least 1, and how many others show that they reach Telegram.

        Fails if this session has ended.
        """
        await self._mark()
        (row,) = await self._run(_LIVE)
        return max(int(row["live"]), 1), int(row["others"])

    async def close(self) -> None:
        """End the session, which releases everything."""
        await self._connection.close()

    async def _join(self, bot: int) -> None:
        with translated():
            await self._connection.execute(_SESSION, prepare=False)
        (row,) = await self._run(
            "SELECT pg_try_advisory_lock_shared(%s) AS joined, pg_advisory_lock_shared(%s::int, %s::int) IS NULL",
            (CLAIM_LOCK, BOTS, bot),
        )
        await self._mark()
        if not row["joined"]:
            raise DatabaseInUseError("a command has it for itself at the moment")
        (row,) = await self._run(_OTHER_BOTS, (bot,))
        if row["others"]:
            raise DatabaseInUseError("a bot with another token is running on it; each bot needs a database of its own")

    async def _mark(self) -> None:
        if not self._is_marked:  # an earlier session of this process, which was cut, may not have ended yet
            (row,) = await self._run("SELECT pg_try_advisory_lock(%s) AS marked", (self._process,))
            self._is_marked = bool(row["marked"])

    async def _run(self, sql: str, values: tuple[Any, ...] = ()) -> list[DictRow]:
        try:
            with translated():
                cursor = await self._connection.execute(sql.encode(), values or None)
                return await cursor.fetchall() if cursor.description is not None else []
        except StorageError:
            await self._connection.close()  # it may hold locks that nobody knows of
            raise
