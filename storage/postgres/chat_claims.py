"""Claims on chats, as session-level advisory locks of a connection of their own.

A lock vanishes with its session, so a process that dies frees its chats at once. A process whose connection was cut
can't know in time that it has lost them. So a chat that changes hands also gets a new fencing token in the table
``chat_claims``, which every transaction under a claim checks (`storage.postgres.postgresql`).
"""

import asyncio
from collections.abc import Collection, Iterable
from typing import Any, Self

from psycopg import AsyncConnection

from storage.claims import Claim
from storage.postgres.sqlstate import translated
from storage.storage_errors import StorageError

LEADER_LOCK = 0x4B656570_00000001
"""The advisory lock of the leader. Chats' locks are their Telegram IDs, which have at most 52 bits."""
MEMBER_LOCK = 0x4B656570_00000002
"""The advisory lock that all live processes share, so that they can be counted."""
ANSWER_S = 4.0
"""How long the server may take to answer before the session counts as cut, in seconds."""
KEEPALIVE = "-c tcp_keepalives_idle=4 -c tcp_keepalives_interval=2 -c tcp_keepalives_count=2 -c tcp_user_timeout=8000"
"""The server ends a session, and with it its locks, within 8 seconds after its client has vanished from the network."""
_TAKE = """
WITH locked AS MATERIALIZED (
    SELECT telegram_id FROM unnest(%s::bigint[]) AS asked (telegram_id) WHERE pg_try_advisory_lock(telegram_id)
)
INSERT INTO chat_claims AS known (telegram_id, token) SELECT telegram_id, 1 FROM locked
ON CONFLICT (telegram_id) DO UPDATE SET token = known.token + 1 RETURNING telegram_id, token
"""
_RETAKE = """
WITH locked AS MATERIALIZED (
    SELECT telegram_id FROM unnest(%s::bigint[]) AS asked (telegram_id) WHERE pg_try_advisory_lock(telegram_id)
)
SELECT telegram_id, token FROM locked JOIN chat_claims USING (telegram_id)
"""
_LIVE = """
SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND mode = 'ShareLock' AND granted
AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
AND classid = %s AND objid = %s
"""


class ChatClaims:
    """A session that holds the locks of chats. All methods raise StorageError, after which the session is over."""

    def __init__(self, connection: AsyncConnection[Any]) -> None:
        self._connection = connection

    @classmethod
    async def connect(cls, url: str) -> Self:
        """Begin a session."""
        with translated():
            connection = await AsyncConnection.connect(
                url,
                autocommit=True,
                connect_timeout=round(ANSWER_S),
                options=f"{KEEPALIVE} -c lock_timeout=2s -c statement_timeout=4s -c client_min_messages=warning",
                keepalives_idle=4,
                keepalives_interval=2,
                keepalives_count=2,
                tcp_user_timeout=8000,
                application_name="keepsake claims",
            )
        claims = cls(connection)
        try:
            await claims._run("SELECT pg_advisory_lock_shared(%s)", (MEMBER_LOCK,))
        except BaseException:
            await claims.close()
            raise
        return claims

    async def take(self, telegram_ids: Collection[int]) -> list[Claim]:
        """Claim those of these chats that no process holds. They must not be held by this session already."""
        rows = await self._run(_TAKE, (list(telegram_ids),))
        return [Claim(telegram_id, token) for telegram_id, token in rows]

    async def retake(self, claims: Iterable[Claim]) -> set[Claim]:
        """In a new session, take the locks of an earlier one again; returns the claims that are still valid."""
        before = {claim.telegram_id: claim for claim in claims}
        rows = await self._run(_RETAKE, (list(before),))
        valid = {before[telegram_id] for telegram_id, token in rows if before[telegram_id].token == token}
        await self.give_back(telegram_id for telegram_id, _ in rows if before[telegram_id] not in valid)
        return valid

    async def give_back(self, telegram_ids: Iterable[int]) -> None:
        """Release chats that nothing runs for any more."""
        await self._run(
            "SELECT pg_advisory_unlock(telegram_id) FROM unnest(%s::bigint[]) AS asked (telegram_id)",
            (list(telegram_ids),),
        )

    async def lead(self) -> bool:
        """Become the leader, unless another process is; not to be asked again once it has succeeded."""
        return bool((await self._run("SELECT pg_try_advisory_lock(%s)", (LEADER_LOCK,)))[0][0])

    async def count_live(self) -> int:
        """The number of live processes, at least 1. Fails if this session has ended."""
        high, low = MEMBER_LOCK >> 32, MEMBER_LOCK & 0xFFFFFFFF
        return max(int((await self._run(_LIVE, (high, low)))[0][0]), 1)

    async def close(self) -> None:
        """End the session, which releases everything."""
        await self._connection.close()

    async def _run(self, sql: str, values: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        try:
            with translated():
                async with asyncio.timeout(ANSWER_S):
                    cursor = await self._connection.execute(sql.encode(), values)
                    return await cursor.fetchall()
        except TimeoutError as exc:
            await self._connection.close()
            raise StorageError("the database server does not answer") from exc
