"""A copy of the database that is whole at one moment, taken beside a running bot."""

import asyncio
import sqlite3
from pathlib import Path
from urllib.parse import quote

import aiosqlite

from storage.database import StorageError


async def backup(database: Path, target: Path) -> None:
    """Write a compact copy of `database` to `target`.

    Raises StorageError when there is no database, when `target` exists, or when it can't be written.
    """
    if not await asyncio.to_thread(database.exists):
        raise StorageError(f"there is no database {database}")
    try:
        async with aiosqlite.connect(f"file:{quote(str(database))}?mode=ro", uri=True) as connection:
            await connection.execute("VACUUM INTO ?", (str(target),))
    except sqlite3.Error as exc:
        raise StorageError(f"{database} could not be copied to {target}: {exc}") from exc
