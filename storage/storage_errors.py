"""How the database fails, for those outside of this package."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

_PASSING = "PERM BUSY LOCKED NOMEM READONLY IOERR FULL CANTOPEN PROTOCOL"
PASSING = frozenset(getattr(sqlite3, f"SQLITE_{name}") for name in _PASSING.split())
"""What may be over in a moment; a statement that is wrong, or a damaged file, stays so."""
PRIMARY_CODE = 0xFF
"""The part of SQLite's error codes that says what kind it is."""


class StorageError(Exception):
    """The database could not do what was asked; the cause says why."""

    @property
    def code(self) -> int:
        """SQLite's primary code for what went wrong, or 0."""
        if isinstance(self.__cause__, MemoryError):
            return sqlite3.SQLITE_NOMEM
        return getattr(self.__cause__, "sqlite_errorcode", 0) & PRIMARY_CODE

    @property
    def may_pass(self) -> bool:
        """Whether the same may work in a moment."""
        return self.code in PASSING

    @property
    def means_damage(self) -> bool:
        """Whether the file is damaged, or no database at all."""
        return self.code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)

    @property
    def means_lock(self) -> bool:
        """Whether another program holds the file."""
        return self.code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


class NewerDatabaseError(StorageError):
    """The database was made by a later version of Keepsake."""


class NotCopiedError(StorageError):
    """The database is of an older version, and can't be copied before it is brought to this one."""


@contextmanager
def translated() -> Iterator[None]:
    """SQLite's errors leave this package as StorageError."""
    try:
        yield
    except sqlite3.Error as exc:
        raise StorageError(f"{type(exc).__name__}: {exc}") from exc
    except MemoryError as exc:  # Python's for SQLITE_NOMEM
        raise StorageError("SQLite is out of memory") from exc
