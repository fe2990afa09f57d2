"""What goes out and comes in again is the same, row by row; what was taken back does not go out."""

import json
from dataclasses import asdict
from datetime import UTC
from pathlib import Path

import pytest

from bot.archive.export import BLOCK, Exporter
from bot.conversation.indexing import Indexer
from bot.errors import ArchiveError
from storage import Storage
from storage.search import Term
from tests.archive.conftest import CHOICES, GROUP, HOME, NOW, ROWS, TOPIC, exported, fill, imported, rows, turn
from tests.conversation.conftest import END
from tests.storage.catalog import columns


async def test_all_conversations_make_the_round_trip_without_loss(
    storage: Storage, other: Storage, tmp_path: Path
) -> None:
    await fill(storage)
    before = await rows(storage)
    await imported(other, await exported(storage), tmp_path)
    after = await rows(other)
    assert all(before[name] for name in ROWS), "every table has rows to lose"
    assert after == before
    assert await exported(other) == await exported(storage)


async def test_one_conversation_makes_it_alone(storage: Storage, other: Storage, tmp_path: Path) -> None:
    await fill(storage)
    text = "".join([piece async for piece in Exporter(storage.archive, storage.media).chat(TOPIC)])
    await imported(other, text, tmp_path)
    assert await other.archive.keys() == [TOPIC]
    assert await other.archive.read(TOPIC) == await storage.archive.read(TOPIC)


async def test_every_column_is_compared_or_reproducible(storage: Storage) -> None:
    made_again = {"id", "chat_id", "turn_id", "through_turn", "reset_turn", "epoch", "due_at", "compact_failures"}
    made_again |= {"indexed_turn", "replaces", "in_place", "asked_by", "changed_at", "in_chat", "refused"}
    made_again |= {"old_turn", "digest", "rang"}
    await fill(storage)
    for table, compared in (await rows(storage)).items():
        assert await columns(storage.database, table) - made_again <= compared[0].keys(), table


async def test_file_has_openai_messages_times_and_senders(storage: Storage) -> None:
    await fill(storage)
    text = "".join([piece async for piece in Exporter(storage.archive, storage.media).chat(HOME)])
    file = json.loads(text)
    assert (file["format"], file["version"], file["chat"]["id"]) == ("keepsake", 1, HOME.telegram_id)
    assert file["chat"]["choices"] == asdict(CHOICES)
    assert file["memory"]["text"] == "Ann knows «b».\n- one"
    question, *_, reply, last = file["messages"]
    assert [part["type"] for part in question["content"]] == ["image_url", "input_audio", "text"]
    assert question["content"][0]["image_url"]["url"].startswith("data:image/png;base64,")
    assert question["sender"] == {"id": 42, "name": "Ann 42"}
    assert question["time"].endswith("Z")
    assert (reply["role"], reply["content"]) == ("assistant", "**yes**")
    assert last["state"] == "waiting"
    assert "was reset" not in text


async def test_what_was_forgotten_does_not_go_out(storage: Storage) -> None:
    await fill(storage)
    async with storage.transaction() as tx:
        chat = await storage.chats.ensure(tx, HOME, private=True, now=NOW)
        (row,) = await tx.rows("SELECT min(id) AS id FROM turns WHERE content LIKE 'a \"b\"%'")
        await storage.deletions.delete_turns(tx, chat.id, [row["id"]])
    text = "".join([piece async for piece in Exporter(storage.archive, storage.media).chat(HOME)])
    assert "👋" not in text
    assert "image/png" not in text


async def test_unfinished_answer_is_left_out(storage: Storage, other: Storage, tmp_path: Path) -> None:
    await fill(storage)
    async with storage.transaction() as tx:
        chat = await storage.chats.ensure(tx, HOME, private=True, now=NOW)
        await storage.transcript.begin_reply(tx, chat.id, NOW, reply_to=9)
    await imported(other, await exported(storage), tmp_path)
    assert await rows(other) == await rows(storage)
    there = await other.chats.find(HOME)
    assert there is not None
    pending_reply = await other.transcript.pending_reply(there.id)
    assert pending_reply is not None
    assert pending_reply.reply_id is None


async def test_export_without_pictures_says_so(storage: Storage) -> None:
    await fill(storage)
    chat = await storage.archive.read(HOME)
    assert chat is not None
    pieces = [piece async for piece in Exporter(storage.archive, storage.media).one(chat, with_media=False)]
    file = json.loads("".join(pieces))
    assert file["media_left_out"] is True
    assert file["messages"][0]["content"] == chat.turns[0].content


async def test_a_long_history_goes_out_in_pieces(storage: Storage, other: Storage, tmp_path: Path) -> None:
    async with storage.transaction() as tx:
        chat = await storage.chats.ensure(tx, HOME, private=True, now=NOW)
        said = [turn(f"number {number}", number) for number in range(1, 2 * BLOCK + 2)]
        await storage.transcript.append(tx, chat.id, said, NOW)
    pieces = [piece async for piece in Exporter(storage.archive, storage.media).chat(HOME)]
    assert max(piece.count("number ") for piece in pieces) == BLOCK
    await imported(other, "".join(pieces), tmp_path)
    assert (await rows(other))["turns"] == (await rows(storage))["turns"]


async def test_import_into_existing_chat_changes_nothing(storage: Storage, other: Storage, tmp_path: Path) -> None:
    """Other chats stay as they are too."""
    await fill(storage)
    async with other.transaction() as tx:
        chat = await other.chats.ensure(tx, TOPIC, private=False, now=NOW)
        await other.transcript.append(tx, chat.id, [turn("mine", 1)], NOW)
    before = await rows(other)
    with pytest.raises(ArchiveError, match="the chat -1001/7 already has a history"):
        await imported(other, await exported(storage), tmp_path)
    assert await rows(other) == before


async def test_history_can_be_imported_after_reset(storage: Storage, other: Storage, tmp_path: Path) -> None:
    await fill(storage)
    text = "".join([piece async for piece in Exporter(storage.archive, storage.media).chat(HOME)])
    before = await rows(storage)
    async with storage.transaction() as tx:
        chat = await storage.chats.ensure(tx, HOME, private=True, now=NOW)
        await storage.deletions.reset(tx, chat.id, NOW)
    await imported(storage, text, tmp_path)
    assert await rows(storage) == before


async def test_what_was_imported_is_found(storage: Storage, other: Storage, tmp_path: Path) -> None:
    await fill(storage)
    await imported(other, await exported(storage), tmp_path)
    group = await other.chats.find(GROUP)
    assert group is not None
    await Indexer(other.chats, other.history, other.search, UTC).catch_up(group.id)
    hits = await other.search.find(group.id, [Term("overheard")], after_turn=0, before_turn=END, limit=5)
    assert len(hits) == 1


async def test_a_database_without_conversations_is_an_empty_list(
    storage: Storage, other: Storage, tmp_path: Path
) -> None:
    assert json.loads(await exported(storage)) == []
    await imported(other, "[]", tmp_path)
    assert await other.archive.keys() == []
