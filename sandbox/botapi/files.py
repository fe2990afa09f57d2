"""The files that people send: kept by content, and given to the bot by the path that getFile names."""

import hashlib
from typing import cast

from sandbox.botapi.database import Database
from sandbox.botapi.wire import Json

MOST_BYTES = 20 * 1024 * 1024
"""What a bot may download from Telegram's own server."""


class Files:
    """The table of files."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def keep(self, content: bytes, folder: str, ending: str) -> Json:
        """Keep a file; returns the fields that every object with a file has."""
        name = hashlib.sha256(folder.encode() + content).hexdigest()
        with self._database.transaction():
            self._database.write(
                "INSERT INTO files (id, path, bytes) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                f"BQ{name[:40]}",
                f"{folder}/file_{name[:12]}.{ending}",
                content,
            )
        return {"file_id": f"BQ{name[:40]}", "file_unique_id": f"AQ{name[40:56]}", "file_size": len(content)}

    def lose(self) -> None:
        """Give none of them any more, as Telegram does when it has trouble."""
        with self._database.transaction():
            self._database.write("DELETE FROM files")

    def file(self, file_id: str) -> Json | None:
        """A File object, if there is such a file."""
        row = self._database.one("SELECT path, length(bytes) FROM files WHERE id = ?", file_id)
        if row is None:
            return None
        return {"file_id": file_id, "file_unique_id": f"AQ{file_id[2:18]}", "file_size": row[1], "file_path": row[0]}

    def content(self, path: str) -> bytes | None:
        """The bytes at a path."""
        row = self._database.one("SELECT bytes FROM files WHERE path = ?", path)
        return cast("bytes", row[0]) if row else None
