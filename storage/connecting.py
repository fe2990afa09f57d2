"""Connections to a database file that leave no thread behind, whatever happens while they are opened and closed."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

import aiosqlite

T = TypeVar("T")


async def complete(work: Awaitable[T]) -> T:
    """Await `work` to its end even if the caller is cancelled; the cancellation is raised afterwards.

    An abandoned COMMIT happens anyway, so its caller must learn the result.
    """
    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError as exc:
            cancelled = exc
    if cancelled is not None:
        task.exception()  # retrieved, so that asyncio doesn't report it as lost
        raise cancelled
    return task.result()


async def connected(database: Path | str, **options: Any) -> aiosqlite.Connection:
    """Connect to a file (or a URI); `options` are those of sqlite3. Raises sqlite3.Error.

    aiosqlite alone would leave a thread, which may outlive the event loop, if it fails or is cancelled.
    """
    await asyncio.to_thread(lambda: sqlite3.connect(database, **options).close())
    connection = aiosqlite.connect(database, **options)
    try:
        return await complete(connection)
    except asyncio.CancelledError:
        await complete(connection.close())
        raise


@asynccontextmanager
async def read_only(database: Path) -> AsyncIterator[aiosqlite.Connection]:
    """A connection for reading a database that a bot may be using. Raises sqlite3.Error."""
    connection = await connected(f"file:{quote(str(database))}?mode=ro", uri=True)
    try:
        yield connection
    finally:
        await complete(connection.close())
