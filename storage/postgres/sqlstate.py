"""PostgreSQL's errors as the storage's."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg_pool import PoolClosed, PoolTimeout, TooManyRequests

from storage.storage_errors import StorageError

_PASSING = ("08", "40", "53", "55P03", "57P", "25006")
"""Beginnings of SQLSTATEs that may pass: connections, deadlocks, resources, locks, shutdown, a read-only server."""
_WRONG_CALL = "08P01"
"""Among the connections' errors, but of a statement that is wrong, such as one without its values."""


class PostgresError(StorageError):
    """A statement failed on PostgreSQL; ``__cause__`` has psycopg's error."""

    @property
    def may_pass(self) -> bool:
        """Whether the operation may succeed if it is repeated soon."""
        cause = self.__cause__
        if isinstance(cause, PoolTimeout | TooManyRequests):
            return True
        state = getattr(cause, "sqlstate", None)
        if state is None:  # the connection broke, or could not be made
            return isinstance(cause, psycopg.OperationalError | psycopg.InterfaceError)
        return str(state).startswith(_PASSING) and state != _WRONG_CALL

    @property
    def means_damage(self) -> bool:
        """Whether the server reports damaged data."""
        return str(getattr(self.__cause__, "sqlstate", "")).startswith("XX")

    @property
    def means_lock(self) -> bool:
        """Whether another session held a lock for too long."""
        return getattr(self.__cause__, "sqlstate", None) == "55P03"


@contextmanager
def translated() -> Iterator[None]:
    """Convert psycopg's errors to StorageError."""
    try:
        yield
    except (psycopg.Error, PoolTimeout, PoolClosed, TooManyRequests) as exc:
        words = str(exc).partition("\n")[0]
        raise PostgresError(f"{type(exc).__name__}: {words}") from exc
