"""A copy of the database that is whole at one moment, taken beside a running bot."""

import asyncio
import sqlite3
from pathlib import Path
from urllib.parse import quote

import aiosqlite

from storage.database import StorageError
from storage.private import make_file


async def backup(database: Path, target: Path) -> None:
    """Write a compact copy of `database` to `target`.

    Raises StorageError when there is no database, when `target` exists, or when it can't be written.
    """
    if not await asyncio.to_thread(database.exists):
        raise StorageError(f"there is no database {database}")
    try:
        await asyncio.to_thread(make_file, target)  # readable for its owner alone, from the first byte on
    except OSError as exc:
        raise StorageError(f"{target} can't be written: {exc.strerror}") from exc
    try:
        async with aiosqlite.connect(f"file:{quote(str(database))}?mode=ro", uri=True) as connection:
            await connection.execute("VACUUM INTO ?", (str(target),))
    except BaseException as exc:
        await asyncio.to_thread(target.unlink)
        if not isinstance(exc, sqlite3.Error):
            raise
        raise StorageError(f"{database} could not be copied to {target}: {exc}") from exc
