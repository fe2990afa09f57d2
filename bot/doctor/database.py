"""The database: can it be written, is it whole, is it of a version that this code knows, and is there room for more."""

import asyncio
from pathlib import Path

from bot.doctor.report import Finding, cross, fine, note
from bot.settings import Settings
from storage import NewerDatabaseError, StorageError
from storage.inspection import can_be_made, inspect, room
from storage.instance import is_claimed

PATIENCE_S = 60.0
"""For reading all of the database; a gigabyte takes some seconds."""
LITTLE_ROOM = 500_000_000
"""In bytes; a backup needs as much room as the database has, besides."""

FOLDER = "DATABASE_URL: use a folder this user can write to."
RESTORE = (
    "If that is the bot's database, stop the bot and run: python -m bot restore BACKUP. "
    "Without a backup, try .recover in the sqlite3 shell."
)


async def check(settings: Settings) -> list[Finding]:
    """The file, a bot that runs on it, and the disk."""
    path = settings.database_path
    try:
        there = await asyncio.to_thread(path.exists)
    except OSError as exc:  # a folder that this user may not even enter
        return [cross("Database", f"{path} can't be accessed: {exc.strerror}", FOLDER)]
    file = await _existing(path) if there else await asyncio.to_thread(_new, path)
    return [file, *await asyncio.to_thread(_around, path)]


async def _existing(path: Path) -> Finding:
    try:
        async with asyncio.timeout(PATIENCE_S):
            found = await inspect(path)
    except TimeoutError:
        return note(
            "Database", f"{path} could not be read completely within {PATIENCE_S:.0f} s", "Try again at a quiet time."
        )
    except NewerDatabaseError as exc:
        advice = "Run the version of Keepsake that wrote it, or a later one."
        return cross("Database", f"{path} was written by a newer version: {exc}", advice)
    except StorageError as exc:
        return cross("Database", f"{path} can't be used: {exc}", _advice(exc, path))
    if not found.size:
        return note("Database", f"{path} is an empty file: the next start will make it a new database", RESTORE)
    if found.damages:
        return cross("Database", f"{path} is damaged: {'; '.join(found.damages)}", RESTORE)
    if found.index_damages:
        what = f"{path} is intact except for the search index: {'; '.join(found.index_damages)}"
        return note(
            "Database", what, "The bot works, and will rebuild the index by itself, at the latest when it next starts."
        )
    older = "" if found.version == found.latest else ", from an older version: the next start will update it"
    return fine("Database", f"{path} is intact and writable ({_size(found.size)}){older}")


def _advice(exc: StorageError, path: Path) -> str:
    if exc.means_damage and not path.is_dir():
        return RESTORE
    if exc.means_lock:
        return "Another program has it locked: try again when that has finished."
    return "DATABASE_URL: check that it is the bot's database, and that this user can write to the file and its folder."


def _new(path: Path) -> Finding:
    try:
        can_be_made(path)
    except StorageError as exc:
        return cross("Database", f"{path} can't be created: {exc}", FOLDER)
    return fine("Database", f"{path} does not exist yet, but can be created")


def _around(path: Path) -> list[Finding]:
    """A bot at work on it, and the disk."""
    return [*_bot_on(path), _disk(path)]


def _bot_on(path: Path) -> list[Finding]:
    try:
        running = is_claimed(path)
    except OSError as exc:  # a start would end with that
        return [cross("Database", f"its lock file {path}.lock can't be written: {exc.strerror}", FOLDER)]
    return [note("Running", "a bot is running on this database, which is fine")] if running else []


def _disk(path: Path) -> Finding:
    try:
        free = room(path)
    except OSError as exc:
        return note("Disk", f"can't be checked: {exc.strerror}")
    if free < LITTLE_ROOM:
        return note("Disk", f"only {_size(free)} free", "Free some space: the bot can't answer with a full disk.")
    return fine("Disk", f"{_size(free)} free")


def _size(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.1f} MB"
