"""The database, opened for one process alone."""

from contextlib import AsyncExitStack

from bot.errors import SettingError, StartError
from bot.settings import Settings
from storage import NewerDatabaseError, Storage, StorageError
from storage.instance import WAIT_S, DatabaseInUseError, claim


async def open_storage(settings: Settings, stack: AsyncExitStack, wait: float = WAIT_S) -> Storage:
    """Open it, for this process alone, until the stack is closed; `wait` so many seconds for another one to end.

    Raises StartError.
    """
    path = settings.database_path
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = await claim(path, wait)
        stack.callback(lock.release)
        storage = await Storage.open(path)
    except OSError as exc:
        raise SettingError(f"DATABASE_URL: {path} can't be written: {exc.strerror}") from exc
    except (NewerDatabaseError, DatabaseInUseError) as exc:
        raise StartError(f"{path}: {exc}") from exc
    except StorageError as exc:
        raise SettingError(f"DATABASE_URL: {path} can't be opened: {exc}") from exc
    stack.push_async_callback(storage.close)
    return storage
