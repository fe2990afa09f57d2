"""PostgreSQL's errors as the storage's."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg_pool import PoolClosed

from storage.storage_errors import StorageError

_CONNECTION = ("08", "57P", "25P03")
"""Beginnings of SQLSTATEs that mean the connection: broken, ended by the server, or refused while it starts."""
_READ_ONLY = "25006"
_CHANGED_PLAN = "0A000"
"""Of a prepared statement whose tables were changed by a later version. The session has to prepare it again."""
_PASSING = (*_CONNECTION, "40", "53", "55P03", "57014", "58", _READ_ONLY, _CHANGED_PLAN)
"""And of others that may pass: deadlocks, resources, locks, a slow statement, the server's disk, a standby."""
_WRONG_CALL = "08P01"
"""Among the connections' errors, but of a statement that is wrong, such as one without its values."""


class PostgresError(StorageError):
    """A statement failed on PostgreSQL; ``__cause__`` has psycopg's error."""

    @property
    def may_pass(self) -> bool:
        """Whether the operation may succeed if it is repeated soon."""
        cause = self.__cause__
        if not isinstance(cause, psycopg.Error):
            return False
        state = cause.sqlstate or ""
        return means_connection(cause) or (state.startswith(_PASSING) and state != _WRONG_CALL)

    @property
    def means_damage(self) -> bool:
        """Whether the server reports damaged data."""
        return str(getattr(self.__cause__, "sqlstate", "")).startswith("XX")

    @property
    def means_lock(self) -> bool:
        """Whether another session held a lock for too long."""
        return getattr(self.__cause__, "sqlstate", None) == "55P03"


def means_connection(error: psycopg.Error) -> bool:
    """Whether the connection broke, or could not be made."""
    if error.sqlstate is None:
        broken = isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)
        return broken and not isinstance(error, PoolClosed)
    return error.sqlstate.startswith(_CONNECTION) and error.sqlstate != _WRONG_CALL


def is_stale(error: psycopg.Error) -> bool:
    """Whether a new connection may do what this one can't: it may lead to another server, and has no old plans."""
    return error.sqlstate in (_READ_ONLY, _CHANGED_PLAN)


@contextmanager
def translated() -> Iterator[None]:
    """Convert psycopg's errors to StorageError."""
    try:
        yield
    except psycopg.Error as exc:
        words = str(exc).partition("\n")[0]
        raise PostgresError(f"{type(exc).__name__}: {words}") from exc
