"""The shell commands ``backup``, ``restore``, ``export`` and ``import``."""

import asyncio
import os
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from bot.archive.export import Exporter
from bot.archive.importing import Importer, ImportOptions, named, put
from bot.cli import output
from bot.conversation.indexing import Indexer
from bot.conversation.tokens import make_counter
from bot.errors import ArchiveError, StartError
from bot.settings import Settings
from bot.wiring.persistence import BACKUPS_OF_SERVER, claim_database, open_shared, open_storage
from storage import Storage, StorageError, files
from storage import backup as backups
from storage.records import ChatKey

LONGEST_ANSWER = 1000
"""The most bytes read from a line typed at the terminal."""


async def backup(settings: Settings, target: Path) -> None:
    """Copy the database, also while the bot runs, and check the copy. Raises StartError."""
    if settings.uses_postgres:
        raise StartError(f"no backup was made: {BACKUPS_OF_SERVER}")
    await _copy(settings, target)
    try:
        await backups.verify(target)
    except StorageError as exc:
        raise StartError(str(exc)) from exc
    size = (await asyncio.to_thread(target.stat)).st_size
    output.write(f"Backed up to {target} ({size / 1e6:.1f} MB), and checked.\n")


async def restore(settings: Settings, file: Path) -> int | None:
    """Replace the database with a backup, on a terminal only after a yes. Raises StartError.

    Returns 1 if the user declined.
    """
    if settings.uses_postgres:
        raise StartError(
            f"{file} was not restored: a backup is a copy of an SQLite file, and DATABASE_URL is on PostgreSQL"
        )
    path = settings.database_path
    async with AsyncExitStack() as stack:
        await claim_database(settings, stack, wait=0.0)
        try:
            ready = await backups.make_ready(path, file)
            stack.callback(backups.drop, ready)
            if not await _agreed(path, file):
                output.write("Nothing was changed.\n")
                return 1
            restored = await backups.put_in_place(path, ready)
            files.tighten(files.of_database(path))  # the files kept aside may have been written by an older version
        except StorageError as exc:
            raise StartError(f"{file} was not restored, and nothing was changed: {exc}") from exc
    output.write(_report(path, file, restored))
    return None


async def export(settings: Settings, key: ChatKey | None, target: Path | None) -> None:
    """Write one chat, or all of them, to a new file or to standard output. Raises StartError.

    The bot may be running. An SQLite file is copied first, so that what is read is consistent.
    """
    async with AsyncExitStack() as stack:
        storage = await (open_shared if settings.uses_postgres else _open_copy)(settings, stack)
        exporter = Exporter(storage.archive, storage.media)
        if key is not None and await storage.chats.find(key) is None:
            raise ArchiveError(f"there is no chat {named(key)} in {settings.database_name}")
        await _write(exporter.everything() if key is None else exporter.chat(key), target)


async def import_file(settings: Settings, file: Path, wish: ImportOptions) -> None:
    """Add the conversations of a file to the database, all or none of them. Raises StartError."""
    count_tokens = await asyncio.to_thread(make_counter, settings.openai_model)
    bundles = await asyncio.to_thread(Importer(count_tokens, settings.zone).read, file, wish)
    async with AsyncExitStack() as stack:
        await claim_database(settings, stack, wait=0.0)
        storage = await open_storage(settings, stack)
        try:
            await put(storage, bundles, time.time())
            # The bot would index them as well, but only after its first answer.
            indexer = Indexer(storage.chats, storage.history, storage.search, settings.zone)
            for chat_id in await storage.history.chats_to_index():
                await indexer.catch_up(chat_id)
        except StorageError as exc:
            raise ArchiveError(f"{settings.database_name}: {exc}") from exc
    messages = sum(len(bundle.chat.turns) for bundle in bundles)
    output.write(f"Imported: {_counted(len(bundles), 'chat')}, {_counted(messages, 'message')}.\n")


@contextmanager
def _folder_next_to(database: Path) -> Iterator[Path]:
    """A temporary folder on the same disk as the database. Raises ArchiveError."""
    if not database.exists():
        raise ArchiveError(f"there is no database {database}")
    try:
        folder = tempfile.mkdtemp(prefix="export-", dir=database.parent)
    except OSError as exc:
        raise ArchiveError(f"no copy can be made in {database.parent}: {exc.strerror}") from exc
    try:
        yield Path(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def _copy(settings: Settings, target: Path) -> None:
    try:
        await backups.backup(settings.database_path, target)
    except StorageError as exc:
        raise StartError(str(exc)) from exc


async def _agreed(path: Path, file: Path) -> bool:
    """Ask for confirmation. Without a terminal nobody can be asked; nothing is lost, as the old database is kept."""
    if not await asyncio.to_thread(path.exists) or not (sys.stdin is not None and sys.stdin.isatty()):
        return True
    output.write(f"Replace {path} with {file}? The current file is kept next to it. [y/N] ")
    return (await _typed(sys.stdin.fileno())).strip().casefold() in ("y", "yes")


async def _typed(terminal: int) -> str:
    """The next line typed at the terminal; neither a signal nor the end of the process waits for it."""
    loop = asyncio.get_running_loop()
    line: asyncio.Future[str] = loop.create_future()

    def hand_over(typed: str) -> None:
        if not line.done():
            line.set_result(typed)

    def read() -> None:
        typed = os.read(terminal, LONGEST_ANSWER).decode(errors="replace")
        with suppress(RuntimeError):  # the loop is closed
            loop.call_soon_threadsafe(hand_over, typed)

    threading.Thread(target=read, name="terminal", daemon=True).start()
    return await line


def _report(path: Path, file: Path, restored: backups.RestoreReport) -> str:
    dropped = restored.dropped
    left = {
        "unanswered messages": dropped.answers,
        "replies being sent": dropped.replies,
        "notices": dropped.notices,
        "unhandled updates": dropped.updates,
        "broadcasts": dropped.broadcasts,
    }
    lines = [
        f"Restored: {path} is now {file} ({_counted(restored.chats, 'chat')}, {_counted(restored.turns, 'message')})."
    ]
    if restored.aside is not None:
        lines.append(f"The previous database is {restored.aside}. Delete it once everything works.")
    if pending := [f"{what} {count}" for what, count in left.items() if count]:
        lines.append(f"Pending at the time, and dropped now: {', '.join(pending)}.")
    lines.append("Anything forgotten or reset since that backup is back.")
    return "\n".join(lines) + "\n"


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


async def _open_copy(settings: Settings, stack: AsyncExitStack) -> Storage:
    """A copy of an SQLite database, until the stack is closed. Raises StartError."""
    folder = await asyncio.to_thread(stack.enter_context, _folder_next_to(settings.database_path))
    copy = folder / "keepsake.db"
    await _copy(settings, copy)
    try:
        storage = await Storage.open(copy, keeps_old=False)
    except StorageError as exc:
        raise StartError(str(exc)) from exc
    stack.push_async_callback(storage.close)
    return storage


async def _write(pieces: AsyncIterator[str], target: Path | None) -> None:
    if target is None:
        if not output.exists():
            raise ArchiveError("there is no standard output to write to: name a file")
        async for piece in pieces:
            await asyncio.to_thread(output.write_bytes, piece.encode())
        return
    out = _new(target)
    try:
        with out:
            async for piece in pieces:
                await asyncio.to_thread(out.write, piece.encode())
    except OSError as exc:
        raise ArchiveError(f"{target} could not be written completely: {exc.strerror}") from exc


def _new(target: Path) -> BinaryIO:
    """A new file that only its owner can read: it contains what people said."""
    try:
        return os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
    except OSError as exc:
        raise ArchiveError(f"{target} can't be written: {exc.strerror}") from exc
