"""ChatGPT's export is a ZIP archive, with one file of conversations or several."""

import json
import zipfile
from datetime import UTC
from pathlib import Path

import pytest

from bot.archive import packed
from bot.archive.importing import Importer, ImportOptions
from bot.conversation.tokens import estimate
from bot.errors import ArchiveError
from tests.archive.conftest import HOME
from tests.archive.test_chatgpt import conversation, message


def _archive(folder: Path, **files: object) -> Path:
    path = folder / "export.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("user.json", "{}")
        for name, content in files.items():
            text = content if isinstance(content, str) else json.dumps(content)
            archive.writestr(name.replace("__", "/") + ".json", text)
    return path


def _said(path: Path) -> list[str]:
    read = Importer(estimate, UTC).read(path, ImportOptions(HOME, every=True))
    return [turn.content.split()[-1] for bundle in read for turn in bundle.chat.turns]


def _file(word: str) -> list[object]:
    return [conversation(message("user", word), name=word, title=word)]


def test_the_conversations_are_found(tmp_path: Path) -> None:
    assert _said(_archive(tmp_path, conversations=_file("a"))) == ["a"]
    assert _said(_archive(tmp_path, export__conversations=_file("b"))) == ["b"]


def test_several_files_are_one_list(tmp_path: Path) -> None:
    files = {f"conversations-{number:03}": _file(f"word{number}") for number in (1, 0, 2)}
    assert _said(_archive(tmp_path, **files)) == ["word0", "word1", "word2"]


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({}, "no conversations.json in it"),
        ({"shared_conversations": []}, "no conversations.json in it"),
        ({"conversations-000": "[", "conversations-001": "[]"}, "not valid JSON"),
        ({"conversations": "x" * 2_000}, "more than 1,000 bytes"),
    ],
)
def test_other_archives_are_refused(
    files: dict[str, object], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packed, "MOST_BYTES", 1_000)
    with pytest.raises(ArchiveError, match=said):
        packed.read(_archive(tmp_path, **files))


def test_a_damaged_archive_is_refused(tmp_path: Path) -> None:
    path = _archive(tmp_path, conversations=["words " * 100])
    data = bytearray(path.read_bytes())
    at = data.index(b"conversations.json") + 20
    data[at : at + 20] = b"\xff" * 20
    path.write_bytes(data)
    with pytest.raises(ArchiveError, match="can't be unpacked"):
        packed.read(path)


def test_a_missing_file_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match=r"x\.zip can't be read: No such file or directory$"):
        packed.read(tmp_path / "x.zip")


def test_database_is_no_export_and_has_a_url(tmp_path: Path, first_database: Path) -> None:
    with pytest.raises(ArchiveError, match=f"to import that, use: import sqlite:///{first_database}"):
        packed.read(first_database)
