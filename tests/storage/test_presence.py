"""A group that moves keeps what was said, and a reset in the one chat hides nothing of the other."""

from dataclasses import replace
from itertools import permutations

import pytest

from storage import Storage, presence
from storage.deletions import UNDO_S
from storage.memories import Memory
from storage.records import Chat, ChatKey, ChatSettings
from tests.selection import some
from tests.storage.test_chats import all_chosen
from tests.storage.test_deletions import _reset, _undo
from tests.storage.test_transcript import reply, say, window

OLD, NEW = ChatKey(-400), ChatKey(-1_001_400)


async def _chat(storage: Storage, key: ChatKey) -> Chat:
    async with storage.transaction() as tx:
        return await storage.chats.ensure(tx, key, private=False, now=0.0)


async def _move(storage: Storage) -> Chat:
    async with storage.transaction() as tx:
        await presence.migrate(tx, OLD.telegram_id, NEW.telegram_id)
    assert await storage.chats.find(OLD) is None
    chat = await storage.chats.find(NEW)
    assert chat is not None
    return chat


async def _all(storage: Storage) -> list[str]:
    return [str(row["content"]) for row in await storage.database.rows("SELECT content FROM turns ORDER BY id")]


async def _both(storage: Storage) -> tuple[Chat, Chat]:
    """The group where something was said, and the supergroup where something was said since."""
    old = await _chat(storage, OLD)
    await say(storage, old, "old", 10)
    await reply(storage, old, "yes")
    new = await _chat(storage, NEW)
    await say(storage, new, "new", 11)
    await reply(storage, new, "fine")
    return old, new


async def test_reset_in_new_chat_hides_nothing_older(storage: Storage) -> None:
    _, new = await _both(storage)
    reset_id = await _reset(storage, new, 100.0)
    await say(storage, new, "later", 12)
    moved = await _move(storage)
    assert await window(storage, moved) == ["old", "yes", "later"]
    assert await storage.archive.keys() == [NEW]
    assert await _undo(storage, moved, reset_id, 100.0 + UNDO_S)
    assert await window(storage, moved) == ["old", "yes", "new", "fine", "later"]
    assert not await _undo(storage, moved, reset_id, 100.0 + UNDO_S)


async def test_what_was_reset_is_purged_and_nothing_else(storage: Storage) -> None:
    _, new = await _both(storage)
    reset_id = await _reset(storage, new, 100.0)
    moved = await _move(storage)
    assert not await _undo(storage, moved, reset_id, 101.0 + UNDO_S)
    async with storage.transaction() as tx:
        assert await storage.deletions.purge_resets(tx, before=500.0, limit=9) == 2
    assert await _all(storage) == ["old", "yes"]
    assert await storage.database.rows("SELECT 1 FROM chats WHERE thread_id < 0") == []


async def test_reset_in_old_chat_hides_nothing_newer(storage: Storage) -> None:
    old, _ = await _both(storage)
    await say(storage, old, "last", 12)
    reset_id = await _reset(storage, old, 100.0)
    moved = await _move(storage)
    assert await window(storage, moved) == ["new", "fine"]
    assert await _undo(storage, moved, reset_id, 101.0)
    assert await window(storage, moved) == ["old", "yes", "new", "fine", "last"]


@pytest.mark.parametrize("again", [False, True])
async def test_resets_in_both_are_undone_each_for_itself(storage: Storage, again: bool) -> None:
    old, new = await _both(storage)
    of_old, of_new = await _reset(storage, old, 100.0), await _reset(storage, new, 101.0)
    moved = await _move(storage)
    if again:
        await _move_again(storage)
    assert await window(storage, moved) == []
    assert await _undo(storage, moved, of_new, 110.0)
    assert await window(storage, moved) == ["new", "fine"]
    assert await _undo(storage, moved, of_old, 110.0)
    assert await window(storage, moved) == ["old", "yes", "new", "fine"]


async def _move_again(storage: Storage) -> None:
    """The other of the two service messages, or the same once more."""
    async with storage.transaction() as tx:
        await presence.migrate(tx, OLD.telegram_id, NEW.telegram_id)


async def test_no_reset_is_undone_through_a_later_one(storage: Storage) -> None:
    _, new = await _both(storage)
    reset_id = await _reset(storage, new, 100.0)
    moved = await _move(storage)
    await say(storage, moved, "later", 12)
    await _reset(storage, moved, 110.0)
    assert not await _undo(storage, moved, reset_id, 111.0)
    assert await window(storage, moved) == []


async def test_late_message_from_old_chat_joins_new(storage: Storage) -> None:
    await _both(storage)
    moved = await _move(storage)
    settings = ChatSettings(language="fr", voice=True)
    async with storage.transaction() as tx:
        await storage.chats.choose(tx, moved.id, settings)
    moved = await _chat(storage, NEW)
    async with storage.transaction() as tx:
        assert await storage.memories.put(tx, moved, Memory(2, "notes", 1, 5.0))
    late = await _chat(storage, OLD)
    await say(storage, late, "late", 13)
    moved = await _move(storage)
    assert await window(storage, moved) == ["new", "fine", "late"]
    assert moved.settings == settings
    memory = await storage.memories.current(moved)
    assert memory is not None
    assert memory.text == "notes"


async def test_migration_merges_settings_and_newest_win(storage: Storage) -> None:
    old, new = await _both(storage)
    chosen = all_chosen()
    async with storage.transaction() as tx:
        await storage.chats.choose(tx, old.id, chosen)
        await storage.chats.choose(tx, new.id, ChatSettings(language="fr"))
    moved = await _move(storage)
    assert moved.settings == replace(chosen, language="fr")


async def test_the_notes_of_the_old_chat_hold_on(storage: Storage) -> None:
    old, new = await _both(storage)
    async with storage.transaction() as tx:
        assert await storage.memories.put(tx, old, Memory(2, "notes of old", 1, 5.0))
        assert await storage.memories.put(tx, new, Memory(4, "notes of new", 1, 5.0))
    await _reset(storage, new, 100.0)
    await say(storage, new, "later", 12)
    moved = await _move(storage)
    memory = await storage.memories.current(moved)
    assert memory is not None
    assert memory.text == "notes of old"
    assert await window(storage, moved) == ["later"]


ACTS = ("old", "new", "reset old", "reset new")


@pytest.mark.parametrize(
    "acts", some([(one,) for one in [*permutations(ACTS), *permutations((*ACTS, "old", "new"), 5)][::7]], 4)
)
async def test_resets_survive_migration_in_any_order(storage: Storage, acts: tuple[str, ...]) -> None:
    """Just what was reset is hidden."""
    chats = {"old": await _chat(storage, OLD), "new": await _chat(storage, NEW)}
    said: dict[str, list[str]] = {"old": [], "new": []}
    undo: dict[str, tuple[int | None, list[str]]] = {}
    for number, act in enumerate(acts):
        where = act.split()[-1]
        if act == where:
            said[where].append(f"{number}")
            await say(storage, chats[where], f"{number}", 10 + number)
        else:
            undo[where] = (await _reset(storage, chats[where], 100.0), said[where])
            said[where] = []
    for where in ("old", "new"):
        await reply(storage, chats[where], f"end of {where}")
        said[where].append(f"end of {where}")
    moved = await _move(storage)
    assert sorted(await window(storage, moved)) == sorted([*said["old"], *said["new"]])
    back = []
    for reset_id, words in undo.values():
        if reset_id is not None:
            assert await _undo(storage, moved, reset_id, 101.0)
            back += words
    assert sorted(await window(storage, moved)) == sorted([*said["old"], *said["new"], *back])
