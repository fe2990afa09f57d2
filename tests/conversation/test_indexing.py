"""Each turn gets its key once, a kill loses nothing, and no key holds a word of a turn that is gone."""

import asyncio
import multiprocessing
import os
import threading
from collections.abc import Sequence
from datetime import UTC
from pathlib import Path

import pytest

from bot.conversation import index_keys, indexing
from bot.conversation.indexing import Indexer
from bot.conversation.retention import Retention
from bot.conversation.search_terms import IndexedText, index_text
from bot.conversation.tokens import estimate
from storage import Storage
from storage.records import ChatKey, NewReply
from storage.search import TurnKey
from tests.conftest import open_database
from tests.conversation.conftest import History


async def terms(storage: Storage) -> set[str]:
    return {row["term"] for row in await storage.database.rows("SELECT term FROM turn_terms")}


def _files_with(folder: Path, word: bytes) -> list[str]:
    return [path.name for path in folder.iterdir() if path.is_file() and word in path.read_bytes()]


async def test_turn_is_found_by_neighbours_words(history: History) -> None:
    """In whatever order they come."""
    first = (await history.talk("alpha"))[0]
    assert "beta" not in (await history.keys())[first]
    second = await history.reply("beta")
    third = await history.say("gamma")
    await history.reply("delta")
    await history.index()
    keys = await history.keys()
    assert "beta" in keys[first]
    assert "gamma" not in keys[first]
    assert {"alpha", "gamma"} <= set(keys[second].split())
    assert "beta" in keys[third]


async def test_indexing_in_batches_gives_the_same_keys(
    storage: Storage, history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    await history.talk(*(f"word{number}" for number in range(11)))
    whole = await history.keys()
    async with storage.transaction() as tx:
        await tx.execute("DELETE FROM turn_words")
        await tx.execute("UPDATE chats SET indexed_turn = 0")
    monkeypatch.setattr(indexing, "BATCH", 3)
    await history.index()
    assert len(whole) == 11
    assert await history.keys() == whole


async def test_key_that_waits_for_renewal_is_no_damage(storage: Storage, history: History) -> None:
    """A process that ends after an edit leaves the key for the next one, which then checks the index."""
    first, _ = await history.talk("alpha", "beta")
    indexer = Indexer(storage.chats, storage.history, storage.search, UTC)
    async with storage.transaction() as tx:
        await tx.execute("UPDATE turns SET content = 'gamma' WHERE id = ?", (first,))
        await indexer.changed(tx, history.chat.id, first)
    assert await indexer.probe()
    assert not storage.search.index.damaged


@pytest.mark.sqlite_only("has one writer, and counts what was written")
async def test_nothing_is_written_when_nothing_was_said(storage: Storage, history: History) -> None:
    await history.talk("alpha", "beta")
    before = await storage.database.rows("PRAGMA data_version")
    keys = await history.keys()
    async with storage.transaction():  # catch_up would wait for this one if it wanted to write
        async with asyncio.timeout(5):
            await asyncio.create_task(history.catch_up())
    assert await history.keys() == keys
    assert [*map(dict, await storage.database.rows("PRAGMA data_version"))] == [*map(dict, before)]


async def test_new_turns_are_indexed_together(history: History, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(indexing, "INDEX_AFTER", 4)
    indexer = Indexer(history.storage.chats, history.storage.history, history.storage.search, UTC)
    for number, indexed in enumerate((0, 4, 4, 8)):
        said, answer = await history.say(f"word{number}"), await history.reply(f"answer{number}")
        await indexer.keep_up(history.chat.id)
        assert len(await history.keys()) == indexed
        assert {said, answer} <= {*await history.keys()} or indexed < 2 * (number + 1)


async def test_what_waits_to_be_indexed_is_found(history: History) -> None:
    """Whatever left the window before enough turns had come."""
    await history.small_talk(5)
    zebra = await history.say("I saw a zebra")
    await history.reply("A zebra!")
    await Indexer(history.storage.chats, history.storage.history, history.storage.search, UTC).keep_up(history.chat.id)
    assert zebra not in await history.keys()
    assert zebra in (await history.find("Where is the zebra?")).turn_ids


async def test_unfinished_reply_delays_indexing(storage: Storage, history: History) -> None:
    said = await history.say("alpha")
    reply_id = await history.begin()
    await history.catch_up()
    assert await history.keys() == {}
    async with storage.transaction() as tx:
        await storage.transcript.finish_reply(tx, history.chat.id, reply_id, NewReply("beta", 1), None)
    await history.index()
    assert set(await history.keys()) == {said, reply_id}


async def test_reset_separates_neighbours_indexed_later(history: History) -> None:
    before = await history.say("secret")
    await history.reply("hidden")
    await history.reset()
    after = await history.say("fresh")
    await history.reply("new")
    await history.index()
    keys = await history.keys()
    assert "hidden" in keys[before]
    assert "hidden" not in keys[after]
    assert "fresh" not in keys[before + 1]


async def test_forgetting_removes_words_and_joins_neighbours(history: History) -> None:
    """The forgotten words are in no key, and the turns on both sides become neighbours."""
    first, second, third, fourth, last = await history.talk("alpha", "secret one", "secret two", "beta", "gamma")
    await history.forget(second, third)
    keys = await history.keys()
    assert set(keys) == {first, fourth, last}
    assert "secret" not in " ".join(keys.values())
    assert "beta" in keys[first]
    assert {"alpha", "gamma"} <= set(keys[fourth].split())


@pytest.mark.sqlite_only("looks at the bytes of its file")
async def test_merged_index_file_holds_no_forgotten_word(storage: Storage, history: History, tmp_path: Path) -> None:
    ids = await history.talk("alpha", "xylophonist", "beta", "gamma")
    await history.forget(ids[1])
    await Indexer(storage.chats, storage.history, storage.search, UTC).merge()
    await storage.database.scrub()
    assert "xylophonist" not in await terms(storage)
    assert await asyncio.to_thread(_files_with, tmp_path, b"xylophonist") == []


async def test_any_deletion_of_turn_removes_its_key(storage: Storage, history: History) -> None:
    first, second = await history.talk("alpha", "beta")
    async with storage.transaction() as tx:
        await tx.execute("DELETE FROM turns WHERE id = ?", (first,))
    assert set(await history.keys()) == {second}


async def test_nightly_repair_adds_missing_and_drops_orphaned(storage: Storage, history: History) -> None:
    first = await history.say("alpha")
    await history.reply("beta")
    async with storage.transaction() as tx:
        await storage.search.put(tx, history.chat.id, [TurnKey(999, "orphan", "")])
    await Retention(storage, Indexer(storage.chats, storage.history, storage.search, UTC), estimate).repair_index()
    assert set(await history.keys()) == {first, first + 1}


async def test_the_nightly_repair_makes_keys_that_got_lost(
    storage: Storage, history: History, other: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(indexing, "LOOKED_AT", 2)
    await history.talk(*(f"word{number}" for number in range(9)))
    await other.talk("alpha", "beta")
    whole = await history.keys()
    async with storage.transaction() as tx:
        await storage.search.remove(tx, [2, 3, 6])
    await Indexer(storage.chats, storage.history, storage.search, UTC).repair()
    assert await history.keys() == whole


async def test_forgetting_during_catch_up_is_final(storage: Storage, history: History) -> None:
    first = await history.say("alpha")
    secret = await history.reply("secret")
    await history.say("beta")
    await history.reply("gamma")
    async with storage.transaction() as tx:
        catching_up = asyncio.create_task(history.catch_up())
        await asyncio.sleep(0.05)  # it has seen that there is something to index, and waits for the writer
        await storage.deletions.delete_turns(tx, history.chat.id, [secret])
        await Indexer(storage.chats, storage.history, storage.search, UTC).forgotten(tx, history.chat.id, [secret])
    await catching_up
    await history.catch_up()
    keys = await history.keys()
    assert first in keys
    assert "secret" not in " ".join(keys.values())


KILLED_AFTER = 2
"""Batches."""


async def _index_and_die(url: str) -> None:
    indexing.BATCH = 10
    storage = await open_database(url)
    advance, done = storage.search.progress, []

    async def progress(*arguments: object) -> None:
        await advance(*arguments)  # type: ignore[arg-type]
        done.append(1)
        if len(done) > KILLED_AFTER:
            os._exit(9)  # in the middle of a transaction

    object.__setattr__(storage.search, "progress", progress)
    await Indexer(storage.chats, storage.history, storage.search, UTC).catch_up(1)


def _child(url: str) -> None:
    asyncio.run(_index_and_die(url))


async def test_killed_indexing_resumes_where_it_was(history: History, storage: Storage, database_url: str) -> None:
    texts = [f"word{number}" for number in range(55)]
    for at, text in enumerate(texts):
        await (history.reply(text) if at % 2 else history.say(text))
    async with storage.transaction() as tx:
        await storage.transcript.give_up(tx, history.chat.id)
    child = multiprocessing.get_context("spawn").Process(target=_child, args=(database_url,))
    child.start()
    await asyncio.to_thread(child.join)
    assert child.exitcode == 9
    assert len(await history.keys()) == KILLED_AFTER * 10
    await history.index()
    after = await history.keys()
    async with storage.transaction() as tx:
        await tx.execute("DELETE FROM turn_words")
        await tx.execute("UPDATE chats SET indexed_turn = 0")
    await history.index()
    assert await history.keys() == after
    assert len(after) == len(texts)
    assert await storage.chats.find(ChatKey(1001)) is not None


async def test_rebuilt_keys_equal_the_original_ones(storage: Storage, history: History) -> None:
    turn_ids = await history.talk(*(f"word{number} spoken" for number in range(40)))
    whole = await history.keys()
    stale = [turn_ids[at] for at in (0, 1, 2, 5, 7, 8, 11, 20, 22, 24, 38, 39)]
    async with storage.transaction() as tx:
        await storage.search.index.stale(tx, stale)
    await storage.search.index.follow()
    assert len(await history.keys()) == len(whole) - len(stale)
    await Indexer(storage.chats, storage.history, storage.search, UTC).renew()
    assert await history.keys() == whole
    assert await storage.database.rows("SELECT 1 FROM stale_keys") == []


async def test_words_are_read_beside_the_event_loop(history: History, monkeypatch: pytest.MonkeyPatch) -> None:
    threads: set[int] = set()

    def read(text: str, home: Sequence[str] = ()) -> IndexedText:
        threads.add(threading.get_ident())
        return index_text(text, home)

    monkeypatch.setattr(index_keys, "index_text", read)
    first = (await history.talk("alpha", "a whole file " * 100, "gamma"))[0]
    await history.forget(first)
    assert threads
    assert threading.get_ident() not in threads
