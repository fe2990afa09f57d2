"""The database, opened for one process alone or beside a running bot, and the door that stands on it."""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path

from bot.access.policy import AccessPolicy, Owners
from bot.errors import SettingError, StartError
from bot.settings import Settings
from storage import NewerDatabaseError, NotCopiedError, Storage, StorageError, backup, database, files, old_version
from storage.files import WAIT_S, DatabaseInUseError, claim
from storage.inspection import version_of

log = logging.getLogger(__name__)


def make_door(settings: Settings, storage: Storage) -> AccessPolicy:
    """Who is let in, as the settings have it."""
    owners = Owners(storage, settings.owner_ids, stored=settings.access != "list")
    return AccessPolicy(storage, settings.access, owners, settings.allowed_ids)


async def open_beside(settings: Settings, stack: AsyncExitStack) -> Storage:
    """Open a database that is there, whether a bot runs on it or not, until the stack is closed. Raises StartError.

    Only without a bot is it brought to this version's schema: one of an older version may be at work on it.
    """
    path = settings.database_path
    if not await asyncio.to_thread(path.exists):
        raise StartError(f"there is no database {path}: the bot creates it when it starts")
    try:
        lock = await claim(path, 0.0)
        stack.callback(lock.release)
    except DatabaseInUseError:
        if await version_of(path) != database.latest():
            raise StartError(f"{path}: a bot of another version is running on it; restart that first") from None
    except OSError as exc:
        raise SettingError(f"DATABASE_URL: {path} can't be written: {exc.strerror}") from exc
    try:
        storage = await Storage.open(path)
    except StorageError as exc:
        raise StartError(f"{path}: {exc}") from exc
    stack.push_async_callback(storage.close)
    await asyncio.to_thread(_look_around, path)
    return storage


async def take(settings: Settings, stack: AsyncExitStack) -> None:
    """Have the database's place for this process alone, without opening what is there. Raises StartError."""
    path = settings.database_path
    try:
        await asyncio.to_thread(files.make_folder, path.parent)
        lock = await claim(path, 0.0)
    except DatabaseInUseError as exc:
        raise StartError(f"{path}: {exc}") from exc
    except OSError as exc:
        raise SettingError(f"DATABASE_URL: {path} can't be written: {exc.strerror}") from exc
    stack.callback(lock.release)


def _look_around(path: Path) -> None:
    backup.sweep(path)
    files.tighten(files.of_database(path))
    if copies := old_version.copies(path):
        log.info("Copies of the database from before an update, to delete when all is well: %s", _listed(copies))


def _listed(paths: Sequence[Path]) -> str:
    return ", ".join(str(path) for path in paths)


async def open_storage(settings: Settings, stack: AsyncExitStack, wait: float = WAIT_S) -> Storage:
    """Open it, for this process alone, until the stack is closed; `wait` so many seconds for another one to end.

    Raises StartError.
    """
    path = settings.database_path
    try:
        await asyncio.to_thread(files.make_folder, path.parent)
        lock = await claim(path, wait)
        stack.callback(lock.release)
        storage = await Storage.open(path)
    except OSError as exc:
        raise SettingError(f"DATABASE_URL: {path} can't be written: {exc.strerror}") from exc
    except (NewerDatabaseError, NotCopiedError, DatabaseInUseError) as exc:
        raise StartError(f"{path}: {exc}") from exc
    except StorageError as exc:
        raise SettingError(f"DATABASE_URL: {path} can't be opened: {exc}") from exc
    stack.push_async_callback(storage.close)
    await asyncio.to_thread(_look_around, path)
    return storage
