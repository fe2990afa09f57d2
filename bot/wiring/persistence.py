"""Opening the database, exclusively or shared with a running bot, and the access rules."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path

from bot.access.policy import AccessRules
from bot.errors import SettingError, StartError
from bot.settings import Settings
from storage import NewerDatabaseError, NotCopiedError, Storage, StorageError, backup, files, old_version, sqlite
from storage.backup_folder import BackupFolder
from storage.files import WAIT_S, DatabaseInUseError, claim
from storage.inspection import version_of

log = logging.getLogger(__name__)


def access_rules(settings: Settings) -> AccessRules:
    """The access rules from the settings."""
    return AccessRules(settings.access, settings.owner_ids, settings.allowed_ids)


def backup_folder(settings: Settings) -> BackupFolder | None:
    """The folder of scheduled backups, ready to be written to; None without BACKUP_DIR. Raises SettingError."""
    if settings.backup_dir is None:
        return None
    folder = BackupFolder(settings.database_path, settings.backup_dir, settings.backup_keep)
    try:
        folder.prepare(settings.telegram_bot_token.get_secret_value().partition(":")[0])
    except FileExistsError as exc:
        raise SettingError(f"BACKUP_DIR: {settings.backup_dir} can't be used: {exc.strerror}") from exc
    except OSError as exc:
        raise SettingError(f"BACKUP_DIR: {settings.backup_dir} can't be written to: {exc.strerror}") from exc
    return folder


async def open_shared(settings: Settings, stack: AsyncExitStack) -> Storage:
    """Open an existing database until the stack is closed, whether a bot is using it or not. Raises StartError.

    It is migrated only if no bot is using it, because the running bot may be an older version.
    """
    path = settings.database_path
    if not await asyncio.to_thread(path.exists):
        raise StartError(f"there is no database {path}: the bot creates it when it starts")
    try:
        lock = await claim(path, 0.0)
        stack.callback(lock.release)
    except DatabaseInUseError:
        if await version_of(path) != sqlite.latest():
            raise StartError(f"{path}: a bot of another version is running on it; restart that first") from None
    except OSError as exc:
        raise SettingError(f"DATABASE_URL: {path} can't be written: {exc.strerror}") from exc
    try:
        storage = await Storage.open(path)
    except StorageError as exc:
        raise StartError(f"{path}: {exc}") from exc
    stack.push_async_callback(storage.close)
    await asyncio.to_thread(_tidy_folder, path)
    return storage


async def lock_database(settings: Settings, stack: AsyncExitStack) -> None:
    """Lock the database for this process until the stack is closed, without opening it. Raises StartError."""
    path = settings.database_path
    try:
        await asyncio.to_thread(files.make_folder, path.parent)
        lock = await claim(path, 0.0)
    except DatabaseInUseError as exc:
        raise StartError(f"{path}: {exc}") from exc
    except OSError as exc:
        raise SettingError(f"DATABASE_URL: {path} can't be written: {exc.strerror}") from exc
    stack.callback(lock.release)


def _tidy_folder(path: Path) -> None:
    backup.sweep(path)
    files.tighten(files.of_database(path))
    files.warn_if_wide([Path(".env")])
    if copies := old_version.copies(path):
        log.info("Copies of the database from before an update, to delete once all is well: %s", _listed(copies))


def _listed(paths: Sequence[Path]) -> str:
    return ", ".join(str(path) for path in paths)


async def open_storage(
    settings: Settings, stack: AsyncExitStack, wait: float = WAIT_S, claimed: Callable[[], None] = lambda: None
) -> Storage:
    """Open the database for this process alone until the stack is closed. Raises StartError.

    `wait`: how long to wait for another process to release it, in seconds; `claimed` is called then, before the
    database is migrated.
    """
    path = settings.database_path
    try:
        await asyncio.to_thread(files.make_folder, path.parent)
        lock = await claim(path, wait)
        stack.callback(lock.release)
    except OSError as exc:
        raise SettingError(f"DATABASE_URL: {path} can't be written: {exc.strerror}") from exc
    except DatabaseInUseError as exc:
        raise StartError(f"{path}: {exc}") from exc
    claimed()
    try:
        storage = await Storage.open(path)
    except OSError as exc:
        raise SettingError(f"DATABASE_URL: {path} can't be written: {exc.strerror}") from exc
    except (NewerDatabaseError, NotCopiedError) as exc:
        raise StartError(f"{path}: {exc}") from exc
    except StorageError as exc:
        raise SettingError(f"DATABASE_URL: {path} can't be opened: {exc}") from exc
    stack.push_async_callback(storage.close)
    await asyncio.to_thread(_tidy_folder, path)
    return storage
