"""The errors that this package raises."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

_PASSING = "PERM BUSY LOCKED NOMEM READONLY IOERR FULL CANTOPEN PROTOCOL"
PASSING = frozenset(getattr(sqlite3, f"SQLITE_{name}") for name in _PASSING.split())
"""Codes of conditions that may pass, unlike an invalid statement or a damaged file."""
PRIMARY_CODE = 0xFF
"""The bits of SQLite's extended error codes with the primary code."""


class StorageError(Exception):
    """A database operation failed; ``__cause__`` has SQLite's error, if there is one."""

    @property
    def code(self) -> int:
        """SQLite's primary error code, or 0."""
        if isinstance(self.__cause__, MemoryError):
            return sqlite3.SQLITE_NOMEM
        return getattr(self.__cause__, "sqlite_errorcode", 0) & PRIMARY_CODE

    @property
    def may_pass(self) -> bool:
        """Whether the operation may succeed if it is repeated soon."""
        return self.code in PASSING

    @property
    def means_damage(self) -> bool:
        """Whether the file is damaged, or not a database at all."""
        return self.code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)

    @property
    def means_lock(self) -> bool:
        """Whether another program has locked the file."""
        return self.code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


class NewerDatabaseError(StorageError):
    """The database was written by a later version of Keepsake."""


class NotCopiedError(StorageError):
    """The database has an older schema, and can't be copied before the migration."""


@contextmanager
def translated() -> Iterator[None]:
    """Convert SQLite's errors to StorageError."""
    try:
        yield
    except sqlite3.Error as exc:
        raise StorageError(f"{type(exc).__name__}: {exc}") from exc
    except MemoryError as exc:  # Python's for SQLITE_NOMEM
        raise StorageError("SQLite is out of memory") from exc
    except OverflowError as exc:
        raise StorageError("a number is too large for the database") from exc
