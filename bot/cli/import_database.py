"""The shell command ``import`` with the URL of a database: all of it goes into the empty one of DATABASE_URL."""

from collections.abc import Mapping
from contextlib import AsyncExitStack

from bot.archive.importing import ImportOptions
from bot.cli import output
from bot.cli.progress_bar import ProgressBar
from bot.conversation.indexing import Indexer
from bot.errors import ArchiveError, SettingError
from bot.settings import Settings, with_database
from bot.wiring.persistence import claim_database, open_storage
from storage import Storage, StorageError
from storage.inspection import room
from storage.move import MoveSize, filled_tables, measure, move
from storage.move_source import MoveSource, sqlite_source

SPARE = 2
"""An SQLite file being filled needs room for the log too, until the end of the transaction."""


async def import_database(settings: Settings, url: str, wish: ImportOptions) -> None:
    """Copy the whole database at `url` into the one in the settings, which must be empty. Raises StartError.

    No bot may be running on either. The one at `url` is only read.
    """
    if wish != ImportOptions():
        raise ArchiveError("a database is imported as a whole: leave out --chat, --conversation and --all")
    old = with_database(settings, url)
    if old.database_name == settings.database_name:
        raise ArchiveError(f"{old.database_name} is the database in DATABASE_URL: set that to the new one first")
    async with AsyncExitStack() as stack:
        source = await _open_source(old, stack)
        await claim_database(settings, stack, wait=0.0)
        storage = await open_storage(settings, stack)
        try:
            size = await measure(source)
            await _check_target(settings, storage, size)
            with ProgressBar("Importing     ", size.work) as bar:
                await move(source, storage.database, size, bar.advance)
        except StorageError as exc:
            raise ArchiveError(f"nothing was imported from {old.database_name}: {exc}") from exc
        await _make_index(settings, storage, size.rows["turns"])
    output.write(_report(old.database_name, settings.database_name, size.rows))


async def _open_source(old: Settings, stack: AsyncExitStack) -> MoveSource:
    """Keep bots off the old database, and open it, until the stack is closed. Raises ArchiveError."""
    try:
        if old.uses_postgres:
            from storage.postgres.postgres_source import postgres_source

            await claim_database(old, stack, wait=0.0)
            return await stack.enter_async_context(postgres_source(old.database_url))
        if not old.database_path.exists():
            raise ArchiveError(f"there is no database {old.database_name}")
        await claim_database(old, stack, wait=0.0)
        return await stack.enter_async_context(sqlite_source(old.database_path))
    except SettingError as exc:  # it would name DATABASE_URL
        raise ArchiveError(str(exc).removeprefix("DATABASE_URL: ")) from exc
    except StorageError as exc:
        raise ArchiveError(f"{old.database_name} can't be imported: {exc}") from exc


async def _check_target(settings: Settings, storage: Storage, size: MoveSize) -> None:
    """Raises ArchiveError if the new database isn't empty, or its disk has too little room."""
    if filled := await filled_tables(storage.database):
        raise ArchiveError(
            f"{settings.database_name} is not empty (it has {_listed(filled)}), and was left as it was:"
            " a database can only be imported into a new one"
        )
    if not settings.uses_postgres and (free := room(settings.database_path)) < SPARE * size.disk_bytes:
        raise ArchiveError(
            f"{settings.database_name}: importing takes {SPARE * size.disk_bytes / 1e6:.1f} MB,"
            f" and only {free / 1e6:.1f} MB are free there"
        )


async def _make_index(settings: Settings, storage: Storage, turns: int) -> None:
    """Index all turns. If that fails, the bot goes on with it; so it does if this process is killed."""
    indexer = Indexer(storage.chats, storage.history, storage.search, settings.zone)
    try:
        await indexer.begin_index()
        with ProgressBar("Making the index", turns) as bar:
            await indexer.catch_up_all(bar.advance)
    except StorageError as exc:
        output.complain(f"The bot will finish the search index, which can't be made now: {exc}")


def _report(old: str, new: str, rows: Mapping[str, int]) -> str:
    counted = "".join(f"  {name:16} {number:>10,}\n" for name, number in rows.items() if number)
    return (
        f"{new} has all rows of {old}, by table:\n{counted}"
        f"{old} was not changed. Start the bot on the new database only: what is still to be answered is in both.\n"
    )


def _listed(names: list[str]) -> str:
    shown = ", ".join(names[:3])
    return f"{shown} and more" if len(names) > 3 else shown
