"""Checks of the clock, the database, the disk, and the access settings."""

import asyncio
import time
from collections.abc import Callable, Sequence
from datetime import UTC
from email.utils import parsedate_to_datetime
from pathlib import Path

import httpx

from bot.doctor.report import Finding, cross, fine, note
from bot.http import trust
from bot.settings import Settings
from bot.updates.in_flight import set_aside_beside
from bot.wiring.persistence import BACKUPS_OF_SERVER
from storage import NewerDatabaseError, StorageError
from storage.backup_folder import BackupFolder
from storage.files import is_claimed
from storage.inspection import can_be_made, inspect, owners, room, set_aside

PATIENCE_S = 10.0
MOST_WRONG_S = 60.0
"""A smaller difference doesn't matter: times in conversations are precise to the minute."""
DATABASE_PATIENCE_S = 60.0
"""The time limit for reading the whole database; a gigabyte takes a few seconds."""
MOST_LISTED = 10
"""How many of the things that were set aside are listed."""
LITTLE_ROOM = 500_000_000
"""In bytes. A backup additionally needs as much as the database."""
BACKUP_OLD_H = 26.0
"""A bot that is running makes another one before that."""
FOLDER = "DATABASE_URL: use a folder this user can write to."
RESTORE = (
    "If that is the bot's database, stop the bot and run: python -m bot restore BACKUP. "
    "Without a backup, try .recover in the sqlite3 shell."
)
MEANS = {
    "open": "open: anyone can talk to the bot, at your cost",
    "list": "list: only those in OWNER_IDS and ALLOWED_IDS can talk to the bot",
}


async def check_clock(urls: Sequence[str], now: Callable[[], float]) -> Finding:
    """Compare the clock with the first server that reports its time; `now` gives Unix seconds."""
    async with httpx.AsyncClient(verify=trust(), timeout=PATIENCE_S) as client:
        for url in urls:
            wrong = await _difference(client, url, now)
            if wrong is not None:
                return _judged(wrong)
    return note("Clock", "not compared, because no server reported its time")


async def _difference(client: httpx.AsyncClient, url: str, now: Callable[[], float]) -> float | None:
    """How far this clock is ahead, in seconds; None if the server doesn't say. Any response will do, even an error."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            before = now()
            answer = await client.head(url)
            here = (before + now()) / 2
            there = parsedate_to_datetime(answer.headers["Date"])
    except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, LookupError, ValueError, TypeError):
        return None
    return here - (there if there.tzinfo else there.replace(tzinfo=UTC)).timestamp()


def _judged(wrong: float) -> Finding:
    if abs(wrong) <= MOST_WRONG_S:
        return fine("Clock", "agrees with the servers")
    how = "ahead" if wrong > 0 else "behind"
    advice = "Use NTP (timedatectl set-ntp true): this clock sets the times in conversations and the daily limits."
    return note("Clock", f"{abs(wrong):.0f} s {how}", advice)


async def check_database(settings: Settings) -> list[Finding]:
    """Check the file, whether a bot is running on it, and the disk."""
    if settings.uses_postgres:
        from bot.doctor.server_checks import check_server

        return await check_server(settings)
    path = settings.database_path
    try:
        there = await asyncio.to_thread(path.exists)
    except OSError as exc:  # the folder isn't accessible for this user
        return [cross("Database", f"{path} can't be accessed: {exc.strerror}", FOLDER)]
    file = await _existing(path) if there else await asyncio.to_thread(_new, path)
    return [file, *await _quarantined(path), *await asyncio.to_thread(_around, path)]


async def _existing(path: Path) -> Finding:
    try:
        async with asyncio.timeout(DATABASE_PATIENCE_S):
            found = await inspect(path)
    except TimeoutError:
        return note(
            "Database",
            f"{path} could not be read completely within {DATABASE_PATIENCE_S:.0f} s",
            "Try again at a quiet time.",
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
    return fine("Database", f"{path} is intact and writable ({size_text(found.size)}){older}")


async def _quarantined(path: Path) -> list[Finding]:
    """What the process died of three times, if anything is set aside."""
    try:
        found = await set_aside(path)
    except StorageError:  # the check of the database says why
        found = []
    return was_set_aside([*found, *await asyncio.to_thread(set_aside_beside, path)])


def was_set_aside(found: Sequence[str]) -> list[Finding]:
    """A finding that names what was set aside, if there is anything."""
    if not found:
        return []
    more = f" and {len(found) - MOST_LISTED} more" if len(found) > MOST_LISTED else ""
    what = f"{', '.join(found[:MOST_LISTED])}{more}: the bot crashed three times while handling this"
    advice = "The log says when and where. The chat has a button to try messages and answers again; please report it."
    return [note("Set aside", what, advice)]


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
    """Whether a bot is running on it, and the disk."""
    return [*_bot_on(path), _disk(path)]


def _bot_on(path: Path) -> list[Finding]:
    try:
        running = is_claimed(path)
    except OSError as exc:  # the bot could not start, either
        return [cross("Database", f"its lock file {path}.lock can't be written: {exc.strerror}", FOLDER)]
    return [note("Running", "a bot is running on this database, which is fine")] if running else []


def _disk(path: Path) -> Finding:
    try:
        free = room(path)
    except OSError as exc:
        return note("Disk", f"can't be checked: {exc.strerror}")
    if free < LITTLE_ROOM:
        return note("Disk", f"only {size_text(free)} free", "Free some space: the bot can't answer with a full disk.")
    return fine("Disk", f"{size_text(free)} free")


def size_text(count: int) -> str:
    """A number of bytes."""
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.1f} MB"


async def check_backups(settings: Settings) -> Finding:
    """Check that BACKUP_DIR, which must be set, can be written to, and how old the newest backup is."""
    if settings.uses_postgres:
        return note("Backups", f"BACKUP_DIR is not used: {BACKUPS_OF_SERVER}", "Remove BACKUP_DIR.")
    folder = settings.backup_dir
    assert folder is not None
    backups = BackupFolder(settings.database_path, folder, settings.backup_keep)
    try:
        await asyncio.to_thread(can_be_made, folder / "probe")
        newest = await asyncio.to_thread(backups.newest, time.time())
    except (OSError, StorageError) as exc:
        reason = exc.strerror if isinstance(exc, OSError) else exc
        return note("Backups", f"{folder} can't be used: {reason}", "BACKUP_DIR: use a folder this user can write to.")
    if newest is None:
        return note("Backups", f"none yet in {folder}: the bot makes one when it starts")
    hours = (time.time() - newest) / 3600
    if hours > BACKUP_OLD_H:
        return note(
            "Backups", f"the newest in {folder} is {hours / 24:.1f} days old", "Look for errors in the bot's log."
        )
    return fine("Backups", f"the newest in {folder} is {hours:.0f} h old")


async def check_access(settings: Settings) -> Finding:
    """Check that there is an owner if newcomers need approval."""
    if settings.access in MEANS:
        return fine("Access", MEANS[settings.access])
    try:
        count = len({*filter(lambda owner: owner > 0, settings.owner_ids), *await _owners(settings)})
    except StorageError as exc:
        return note("Access", f"approval, and the owners can't be read: {exc}")
    if count:
        return fine(
            "Access",
            f"approval: newcomers wait until {'the owner' if count == 1 else f'one of {count} owners'} lets them in",
        )
    return note(
        "Access",
        "approval, but the bot has no owner yet to ask about newcomers",
        "Start the bot: its log has a link that makes you the owner. Or set OWNER_IDS to your Telegram ID.",
    )


async def _owners(settings: Settings) -> list[int]:
    if not settings.uses_postgres:
        return await owners(settings.database_path)
    from storage.postgres.server_report import owners_of

    return await owners_of(settings.database_url)
