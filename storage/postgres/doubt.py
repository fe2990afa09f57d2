"""What became of a transaction whose COMMIT got no answer: the server may have carried it out, or not.

Repeating one that was stored would store it twice, and giving up one that was not would lose it. The server remembers
the outcome of every transaction, so it is asked.
"""

import asyncio
import logging
from dataclasses import dataclass

from psycopg import Error
from psycopg.errors import InvalidParameterValue

from storage.postgres.postgres_pool import AGAIN_S, PostgresPool
from storage.storage_errors import StorageError

DOUBT_S = 600.0
"""For how long the server is asked, in seconds."""
_OUTCOME = "SELECT pg_xact_status($1::text::xid8) AS outcome"
_END = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = $1 AND backend_xid = $2::text::xid8::xid"

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Begun:
    """A transaction as the server knows it."""

    number: str
    process: int
    """The server's process that carries it out."""


class OutcomeUnknownError(StorageError):
    """Nobody can say whether a transaction was stored, so it must not be repeated."""


async def is_committed(pool: PostgresPool, begun: Begun) -> bool:
    """Whether it is stored; waits until the server can say so. Raises OutcomeUnknownError after DOUBT_S seconds."""
    log.warning("The connection broke during a commit; asking PostgreSQL whether it was carried out")
    until = asyncio.get_running_loop().time() + DOUBT_S
    while asyncio.get_running_loop().time() < until:
        try:
            outcome = await pool.patiently(lambda: _outcome(pool, begun))
        except InvalidParameterValue:  # a number of the future: another server took over, without this transaction
            return False
        except Error as exc:
            log.debug("No outcome yet: %s", exc)
        else:
            if outcome in ("committed", "aborted"):
                return outcome == "committed"
        await asyncio.sleep(AGAIN_S)
    raise OutcomeUnknownError(f"whether a transaction was stored could not be found out within {DOUBT_S:.0f} s")


async def _outcome(pool: PostgresPool, begun: Begun) -> str | None:
    """The outcome; a transaction that is still going on is ended, since nobody will."""
    async with pool.reader() as connection:
        row = await (await connection.execute(_OUTCOME, (begun.number,))).fetchone()
        outcome = row["outcome"] if row else None
        if outcome == "in progress":
            await connection.execute(_END, (begun.process, begun.number))
        return outcome
