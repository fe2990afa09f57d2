"""A backup is whole, and overwrites nothing."""

from pathlib import Path

import pytest

from storage import Storage, StorageError
from storage.backup import backup
from storage.records import Chat


async def test_backup_of_open_database_has_committed_data(storage: Storage, chat: Chat, tmp_path: Path) -> None:
    async with storage.transaction():
        await backup(tmp_path / "keepsake.db", tmp_path / "copy.db")
    copy = await Storage.open(tmp_path / "copy.db")
    assert await copy.chats.find(chat.place) == chat
    await copy.close()


async def test_a_backup_overwrites_nothing(storage: Storage, tmp_path: Path) -> None:
    (tmp_path / "copy.db").write_text("precious")
    with pytest.raises(StorageError, match=r"copy\.db"):
        await backup(tmp_path / "keepsake.db", tmp_path / "copy.db")
    assert (tmp_path / "copy.db").read_text() == "precious"


async def test_backup_of_missing_database_fails(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"none\.db"):
        await backup(tmp_path / "none.db", tmp_path / "copy.db")
