"""A changed file of an export is imported or refused as a whole, with a sentence."""

import asyncio
import json
import shutil
import tempfile
from datetime import UTC
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.archive.importing import Importer, ImportOptions, put
from bot.conversation.tokens import estimate
from bot.errors import ArchiveError
from storage import Storage
from storage.records import ChatKey
from tests.archive.conftest import NOW, exported, fill
from tests.fuzz.mutations import VALUES, Json, changed_json, fuzzed

AUTHORS = ("user", "assistant", "system", "tool")
TREE = {
    "title": "Sailing",
    "current_node": "n3",
    "mapping": {
        f"n{number}": {
            "id": f"n{number}",
            "parent": f"n{number - 1}" if number else None,
            "children": [f"n{number + 1}"] if number < 3 else [],
            "message": {
                "id": f"m{number}",
                "author": {"role": AUTHORS[number]},
                "create_time": NOW + number,
                "content": {"content_type": "text", "parts": ["hello", {"content_type": "image_asset_pointer"}]},
                "metadata": {"attachments": [{"name": "a.pdf"}]},
            },
        }
        for number in range(4)
    },
}


@pytest.fixture(scope="session")
def export(first_database: Path, tmp_path_factory: pytest.TempPathFactory) -> Json:
    """The export of a database with everything in it."""
    return json.loads(asyncio.run(_export(Path(shutil.copy(first_database, tmp_path_factory.mktemp("export"))))))


@fuzzed(40)
@given(drawn=st.data())
def test_changed_export_is_imported_or_refused(first_database: Path, export: Json, drawn: st.DataObject) -> None:
    _import(first_database, drawn.draw(changed_json(st.just(export))), ImportOptions())


@fuzzed(40)
@given(changed=changed_json(st.just([TREE])) | VALUES)
def test_changed_conversations_of_chatgpt_are_imported_or_refused(first_database: Path, changed: Json) -> None:
    _import(first_database, changed, ImportOptions(ChatKey(5)))


def _import(first_database: Path, content: Json, wish: ImportOptions) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "import.json"
        file.write_text(json.dumps(content))
        try:
            bundles = Importer(estimate, UTC).read(file, wish)
        except ArchiveError as exc:
            str(exc).encode()
            return
        asyncio.run(_put(Path(shutil.copy(first_database, folder)), bundles))


async def _put(database: Path, bundles: Json) -> None:
    storage = await Storage.open(database)
    try:
        await put(storage, bundles, NOW)
        await exported(storage)
    except ArchiveError as exc:
        str(exc).encode()
    finally:
        await storage.close()


async def _export(database: Path) -> str:
    storage = await Storage.open(database)
    try:
        await fill(storage)
        return await exported(storage)
    finally:
        await storage.close()
