"""How often each person was answered in the last minute, counted by all processes on a PostgreSQL database together.

A single process counts in memory. Times are the server's, because the processes' clocks may differ. Each statement is a
transaction of its own, so that counting takes one trip, except for edits, which are counted in theirs.
"""

from storage.database import Database, Transaction

MINUTE_S = 60
_NOW = "extract(epoch FROM clock_timestamp())::double precision"
_IN_TIME = f"FROM unnest(known.answered_at) AS at WHERE at > {_NOW} - {MINUTE_S}"
_ADMIT = (
    f"INSERT INTO recent_answers AS known (user_id, answered_at) VALUES (?1, ARRAY[{_NOW}])"
    f" ON CONFLICT (user_id) DO UPDATE SET answered_at = ARRAY(SELECT at {_IN_TIME} ORDER BY at) || {_NOW}"
    f" WHERE (SELECT count(*) {_IN_TIME}) < ?2 RETURNING user_id"
)
_WAIT = (
    f"SELECT (SELECT min(at) {_IN_TIME}) + {MINUTE_S} - {_NOW} AS wait FROM recent_answers AS known WHERE user_id = ?"
)
_NOTIFY = (
    f"UPDATE recent_answers SET notified_at = {_NOW}"
    f" WHERE user_id = ? AND notified_at <= {_NOW} - {MINUTE_S} RETURNING user_id"
)
_PRUNE = (
    f"DELETE FROM recent_answers WHERE notified_at <= {_NOW} - {MINUTE_S}"
    f" AND answered_at[cardinality(answered_at)] <= {_NOW} - {MINUTE_S} RETURNING user_id"
)


class AnswerRates:
    """The table of recent answers. All methods raise StorageError.

    `tx`: the transaction that the caller is in, if any.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def admit(self, user_id: int, most: int, tx: Transaction | None = None) -> bool:
        """Whether this person may get another answer, of `most` in a minute; if so, it is counted."""
        return bool(await (tx or self._database).rows(_ADMIT, (user_id, most)))

    async def wait(self, user_id: int, tx: Transaction | None = None) -> float:
        """How many seconds this person, who is over the limit, has to wait."""
        row = await (tx or self._database).row(_WAIT, (user_id,))
        return float(row["wait"] or 0.0) if row else 0.0

    async def is_notified(self, user_id: int, tx: Transaction | None = None) -> bool:
        """Whether someone over the limit got a notice less than a minute ago; if not, that is noted."""
        return not await (tx or self._database).rows(_NOTIFY, (user_id,))

    async def prune(self) -> None:
        """Delete the rows of those who were quiet for a minute."""
        await self._database.rows(_PRUNE)
