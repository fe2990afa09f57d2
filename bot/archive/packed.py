"""The text of a file to import, which may be in a ZIP archive, as ChatGPT's export is when it arrives."""

import json
import re
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from bot.errors import ArchiveError

MOST_BYTES = 1_000_000_000
"""The most that an archive's conversations may have unpacked."""
_DATABASE = b"SQLite format 3\0"
_CONVERSATIONS = re.compile(r"conversations(?:[-_]?\d+)?\.json")
"""Large exports have several files: conversations-000.json and so on."""


def read(file: Path) -> str:
    """The text of a file, or of the conversations in an archive. Raises ArchiveError."""
    try:
        with file.open("rb") as start:
            if start.read(len(_DATABASE)) == _DATABASE:
                raise ArchiveError(f"{file} is a whole database; to import that, use: import sqlite:///{file}")
        return _unpacked(file) if zipfile.is_zipfile(file) else file.read_text(encoding="utf-8-sig")
    except OSError as exc:
        raise ArchiveError(f"{file} can't be read: {exc.strerror or exc}") from exc
    except UnicodeDecodeError as exc:
        raise ArchiveError(f"{file} can't be read: it is not UTF-8 text (byte {exc.start})") from exc
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as exc:
        raise ArchiveError(f"{file} can't be unpacked: {exc}") from exc


def _unpacked(file: Path) -> str:
    with zipfile.ZipFile(file) as archive:
        members = [one for one in archive.infolist() if _CONVERSATIONS.fullmatch(PurePosixPath(one.filename).name)]
        if not members:
            raise ArchiveError(f"{file} has no conversations.json in it")
        texts, left = [], MOST_BYTES
        for member in sorted(members, key=lambda one: one.filename):
            with archive.open(member) as packed:
                data = packed.read(left + 1)  # what an archive says of its sizes may be wrong
            left -= len(data)
            if left < 0:
                raise ArchiveError(f"{file} has more than {MOST_BYTES:,} bytes of conversations in it")
            texts.append(data.decode("utf-8-sig"))
    return texts[0] if len(texts) == 1 else json.dumps([entry for text in texts for entry in _list(text)])


def _list(text: str) -> list[object]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as exc:
        raise ArchiveError("a file of conversations in it is not valid JSON") from exc
    return found if isinstance(found, list) else [found]
