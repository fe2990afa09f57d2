"""Opening the database, exclusively or shared with a running bot, and the access rules."""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path

from bot.access.policy import AccessRules
from bot.errors import SettingError, StartError
from bot.settings import Settings
from storage import NewerDatabaseError, NotCopiedError, Storage, StorageError, backup, files, old_version, sqlite
from storage.backup_folder import BackupFolder
from storage.files import WAIT_S, DatabaseInUseError, claim
from storage.inspection import version_of

BACKUPS_OF_SERVER = "PostgreSQL is backed up on its server, by the host's own backups or with pg_dump"

log = logging.getLogger(__name__)


def access_rules(settings: Settings) -> AccessRules:
    """The access rules from the settings."""
    return AccessRules(settings.access, settings.owner_ids, settings.allowed_ids)


def backup_folder(settings: Settings) -> BackupFolder | None:
    """The folder of scheduled backups, ready to be written to; None without BACKUP_DIR. Raises SettingError."""
    if settings.backup_dir is None:
        return None
    if settings.uses_postgres:
        log.warning("BACKUP_DIR is not used: %s", BACKUPS_OF_SERVER)
        return None
    folder = BackupFolder(settings.database_path, settings.backup_dir, settings.backup_keep)
    try:
        folder.prepare(settings.telegram_bot_token.get_secret_value().partition(":")[0])
    except FileExistsError as exc:
        raise SettingError(f"BACKUP_DIR: {settings.backup_dir} can't be used: {exc.strerror}") from exc
    except OSError as exc:
        raise SettingError(f"BACKUP_DIR: {settings.backup_dir} can't be written to: {exc.strerror}") from exc
    return folder


async def claim_database(settings: Settings, stack: AsyncExitStack, wait: float = WAIT_S) -> None:
    """Keep other bots off the database until the stack is closed, without opening it. Raises StartError.

    `wait`: how long to wait for another process to release it, in seconds.
    """
    name = settings.database_name
    try:
        if not settings.uses_postgres:
            await asyncio.to_thread(files.make_folder, settings.database_path.parent)
        await _claim(settings, stack, wait)
    except DatabaseInUseError as exc:
        raise StartError(f"{name}: {exc}") from exc
    except OSError as exc:
        raise SettingError(f"DATABASE_URL: {name} can't be written: {exc.strerror}") from exc
    except StorageError as exc:
        raise SettingError(f"DATABASE_URL: {name} can't be used: {exc}") from exc


async def open_storage(settings: Settings, stack: AsyncExitStack) -> Storage:
    """Open the database, which this process has claimed, until the stack is closed. Raises StartError."""
    name = settings.database_name
    try:
        storage = await _opened(settings)
    except OSError as exc:
        raise SettingError(f"DATABASE_URL: {name} can't be written: {exc.strerror}") from exc
    except (NewerDatabaseError, NotCopiedError) as exc:
        raise StartError(f"{name}: {exc}") from exc
    except StorageError as exc:
        raise SettingError(f"DATABASE_URL: {name} can't be opened: {exc}") from exc
    stack.push_async_callback(storage.close)
    await asyncio.to_thread(_tidy, settings)
    return storage


async def open_shared(settings: Settings, stack: AsyncExitStack) -> Storage:
    """Open an existing database until the stack is closed, whether a bot is using it or not. Raises StartError.

    It is migrated only if no bot is using it, because the running bot may be an older version.
    """
    name = settings.database_name
    try:
        if not await _exists(settings):
            raise StartError(f"there is no database {name}: the bot creates it when it starts")
        if await _is_in_use(settings, stack) and not await _is_current(settings):
            raise StartError(f"{name}: a bot of another version is running on it; restart that first")
        storage = await _opened(settings)
    except OSError as exc:
        raise SettingError(f"DATABASE_URL: {name} can't be written: {exc.strerror}") from exc
    except StorageError as exc:
        raise StartError(f"{name}: {exc}") from exc
    stack.push_async_callback(storage.close)
    await asyncio.to_thread(_tidy, settings)
    return storage


async def open_to_read(settings: Settings, stack: AsyncExitStack) -> Storage:
    """Open an existing database until the stack is closed, and only read it; its bot may run. Raises StartError."""
    try:
        if settings.uses_postgres:
            storage = await Storage.connect_read_only(settings.database_url)
        else:
            storage = await Storage.open_read_only(settings.database_path)
    except StorageError as exc:
        raise StartError(f"{settings.database_name}: {exc}") from exc
    stack.push_async_callback(storage.close)
    return storage


async def _claim(settings: Settings, stack: AsyncExitStack, wait: float) -> None:
    if not settings.uses_postgres:
        stack.callback((await claim(settings.database_path, wait)).release)
        return
    from storage.postgres.claim import DatabaseClaim

    taken = await DatabaseClaim.take(settings.database_url, settings.database_name, wait)
    stack.push_async_callback(taken.release)


async def _opened(settings: Settings) -> Storage:
    if settings.uses_postgres:
        return await Storage.connect(settings.database_url)
    return await Storage.open(settings.database_path)


async def _exists(settings: Settings) -> bool:
    """Whether there is a database with Keepsake's tables; a file is not looked into."""
    if settings.uses_postgres:
        from storage.postgres.server_report import version_of as version_on_server

        return bool(await version_on_server(settings.database_url))
    return await asyncio.to_thread(settings.database_path.exists)


async def _is_in_use(settings: Settings, stack: AsyncExitStack) -> bool:
    """Whether a bot is running on it; if not, none can start until the stack is closed. Raises OSError."""
    try:
        await _claim(settings, stack, 0.0)
    except DatabaseInUseError:
        return True
    return False


async def _is_current(settings: Settings) -> bool:
    """Whether an existing database has this version's schema."""
    if settings.uses_postgres:
        from storage.postgres.postgresql import migrations
        from storage.postgres.server_report import version_of as version_on_server

        return await version_on_server(settings.database_url) == migrations()[-1].version
    return await version_of(settings.database_path) == sqlite.latest()


def _tidy(settings: Settings) -> None:
    files.warn_if_wide([Path(".env")])
    if settings.uses_postgres:
        return
    path = settings.database_path
    backup.sweep(path)
    files.tighten(files.of_database(path))
    if copies := old_version.copies(path):
        log.info("Copies of the database from before an update, to delete once all is well: %s", _listed(copies))


def _listed(paths: Sequence[Path]) -> str:
    return ", ".join(str(path) for path in paths)
