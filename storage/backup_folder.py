"""A folder of backups: each is written under a temporary name, checked, and only then counted as one.

Old backups are deleted only after a new one has passed its check, so a failure never costs the last good one.
"""

import asyncio
import glob
from contextlib import suppress
from datetime import UTC, datetime
from errno import EEXIST
from pathlib import Path

from storage import files
from storage.backup import backup, verify
from storage.database import StorageError
from storage.old_version import sync, sync_folder

STAMP = "%Y-%m-%dT%H%M%SZ"
"""In UTC, so that the names sort by time."""
_STAMPED = "[0-9]" * 4 + "-[0-9][0-9]" * 2 + "T" + "[0-9]" * 6 + "Z"
_UNFINISHED = ".part"
CLOCK_S = 60.0
"""How far ahead of the clock a backup may be."""


class BackupFolder:
    """The backups of one database in `folder`, of which the newest `keep` are kept."""

    def __init__(self, database: Path, folder: Path, keep: int) -> None:
        self._database = database
        self._folder = folder
        self._keep = keep

    def prepare(self, bot: str) -> None:
        """Create the folder if it doesn't exist, check that it can be written to, and note whose it is.

        Raises OSError; FileExistsError if it is another bot's, whose backups would be deleted. `bot`: its Telegram ID.
        """
        files.make_folder(self._folder)
        probe = self._folder / f".{self._database.name}.probe"
        probe.unlink(missing_ok=True)
        files.make_file(probe)
        probe.unlink()
        note = self._folder / f".{self._database.name}.bot"
        if note.exists():
            if (owner := note.read_text(encoding="utf-8").strip()) != bot:
                raise FileExistsError(EEXIST, f"it has the backups of another bot, {owner} (says {note.name} in it)")
        else:
            files.make_file(note)
            note.write_text(f"{bot}\n", encoding="utf-8")

    def newest(self, now: float) -> float | None:
        """When the newest backup was made (Unix seconds), or None if there is none. Raises OSError.

        One from the future doesn't count: it was made while the clock was wrong.
        """
        return max((made for made in map(self._time, self._made()) if made <= now + CLOCK_S), default=None)

    async def write(self, now: float) -> Path:
        """Make a backup, check it, and delete the oldest ones. Returns the new file. Raises StorageError."""
        name = f"{self._database.stem}-{datetime.fromtimestamp(now, UTC):{STAMP}}{self._database.suffix}"
        target, unfinished = self._folder / name, self._folder / f"{name}{_UNFINISHED}"
        try:
            await asyncio.to_thread(self._sweep)
            await backup(self._database, unfinished)
            await verify(unfinished)
            await asyncio.to_thread(_finish, unfinished, target)
            await asyncio.to_thread(self._rotate, target)
        except OSError as exc:
            raise StorageError(f"{self._folder} can't be written to: {exc.strerror}") from exc
        finally:
            with suppress(OSError):
                await asyncio.to_thread(unfinished.unlink, missing_ok=True)
        return target

    def _sweep(self) -> None:
        """Create the folder, and remove what a killed process left in it."""
        files.make_folder(self._folder)
        for left in self._folder.glob(self._pattern + _UNFINISHED + "*"):
            if not left.is_dir():
                left.unlink(missing_ok=True)

    def _rotate(self, new: Path) -> None:
        others = [file for file in self._made() if file != new]
        for old in others[: max(len(others) - self._keep + 1, 0)]:
            old.unlink(missing_ok=True)

    def _made(self) -> list[Path]:
        return sorted(file for file in self._folder.glob(self._pattern) if file.is_file())

    @property
    def _pattern(self) -> str:
        return f"{glob.escape(self._database.stem)}-{_STAMPED}{glob.escape(self._database.suffix)}"

    def _time(self, file: Path) -> float:
        stamp = file.name.removeprefix(f"{self._database.stem}-").removesuffix(self._database.suffix)
        try:
            return datetime.strptime(stamp, STAMP).replace(tzinfo=UTC).timestamp()
        except ValueError:  # digits that are no date
            return file.stat().st_mtime


def _finish(unfinished: Path, target: Path) -> None:
    sync(unfinished)
    unfinished.replace(target)
    sync_folder(target.parent)
