"""What notes tell of a forgotten message goes with it, in whatever words; what they tell of others stays.

What is forgotten is out of all that is read at once, and out of the database some turns at a time.
"""

import asyncio
from collections.abc import Iterable
from datetime import UTC
from itertools import count

import pytest

from bot.conversation import eraser as erasing_module
from bot.conversation.eraser import BATCH, Eraser, hide_turns
from bot.conversation.forgetting import ForgetPreview, Forgetting
from bot.conversation.indexing import Indexer
from storage import Storage, StorageError, Transaction, deletions
from storage.backup import drop_pending
from storage.memories import Memory
from storage.records import Chat, ChatKey, NewReply, NewTurn
from tests.conversation.bench import Bench

OTHER = "- The dentist is Doctor Novak, at half past nine."
TOLD = {
    "password": ("the password of our wifi is hunter2 by the way", "- WiFi code: hunter2"),
    "зарплата": ("у Марины зарплата теперь 90000 в банке Восток", "- Марина получает 90 000 в банке «Восток»."),
    "contraseña": ("la contraseña del portal de Hacienda es gato77", "- Portal de Hacienda: gato77"),
    "密码": ("我家无线网的密码是小花猫八八", "- 无线网：小花猫八八"),
}
HOME = ChatKey(1001)


async def _noted(storage: Storage, said: list[str], *versions: str) -> tuple[Bench, Forgetting]:
    bench = Bench(storage, [])
    for words in said:
        await bench.talk(1, content=words)
    chat = await bench.chat()
    async with storage.transaction() as tx:
        for text in versions:
            await storage.memories.put(tx, chat, Memory(2 * len(said), text, 50, bench.clock()))
    return bench, Forgetting(storage, bench.windows, bench.indexer, bench.clock)


async def _forget(bench: Bench, forgetting: Forgetting, found: ForgetPreview) -> set[str]:
    """Forget it; returns what is left in all notes."""
    chat = await bench.chat()
    async with bench.storage.transaction() as tx:
        number = await forgetting.propose(tx, chat, found)
        await forgetting.carry_out(tx, chat, number)
    return await bench.storage.memories.lines(chat.id)


async def _answer(bench: Bench, words: str) -> None:
    chat, transcript = await bench.chat(), bench.storage.transcript
    async with bench.storage.transaction() as tx:
        reply = await transcript.begin_reply(tx, chat.id, bench.clock(), reply_to=None)
        await transcript.finish_reply(tx, chat.id, reply, NewReply(words, 5), None)


@pytest.mark.parametrize("word", TOLD)
async def test_what_notes_tell_in_other_words_is_forgotten(storage: Storage, word: str) -> None:
    said, line = TOLD[word]
    bench, forgetting = await _noted(storage, [said], f"{line} (old)\n{OTHER}", f"{line}\n{OTHER}")
    found = await forgetting.by_words(await bench.chat(), word)
    assert len(found.turn_ids) == 1
    assert found.lines == (line, f"{line} (old)")
    assert await _forget(bench, forgetting, found) == {OTHER}


async def test_memory_written_before_confirmation_forgets_too(storage: Storage) -> None:
    said, line = TOLD["password"]
    bench, forgetting = await _noted(storage, [said])
    chat = await bench.chat()
    found = await forgetting.by_words(chat, "password")
    async with storage.transaction() as tx:
        await storage.memories.put(tx, chat, Memory(2, f"{line}\n{OTHER}", 50, bench.clock()))
    assert await _forget(bench, forgetting, found) == {OTHER}


@pytest.mark.parametrize(
    ("said", "line"), [("my pin is 4711", "- Ann's bank code: 4711"), ("it is Hunter2", "- WiFi: hunter2")]
)
async def test_notes_with_a_forgotten_number_are_forgotten(storage: Storage, said: str, line: str) -> None:
    bench, forgetting = await _noted(storage, [said, "we met in 2019"], f"{line}\n- Married in 2019.")
    found = await forgetting.by_message(await bench.chat(), 0)
    assert (found.turn_ids, found.lines) == ((1, 2), (line,))
    assert await _forget(bench, forgetting, found) == {"- Married in 2019."}


async def test_notes_of_what_stays_in_view_stay(storage: Storage) -> None:
    said, line = TOLD["password"]
    bench, forgetting = await _noted(storage, [said], f"{line}\n{OTHER}")
    await bench.talk(1, content="our wifi code is hunter2, as I said")
    assert (await forgetting.by_words(await bench.chat(), "password")).lines == ()


async def test_a_long_message_takes_no_other_notes_along(storage: Storage) -> None:
    long = f"my password is hunter2. {OTHER} " + "Then we went on and on about the weather. " * 40
    bench, forgetting = await _noted(storage, [], OTHER)
    await bench.talk(1, tokens=1200, content=long)
    found = await forgetting.by_words(await bench.chat(), "password")
    assert (len(found.turn_ids), found.lines) == (1, ())


@pytest.mark.parametrize("asked", [True, False], ids=["asked with it", "overheard"])
async def test_the_answer_to_several_messages_is_forgotten(storage: Storage, asked: bool) -> None:
    bench, forgetting = await _noted(storage, [])
    chat = await bench.chat()
    async with storage.transaction() as tx:
        await storage.transcript.append(tx, chat.id, [NewTurn("my pin is 4711", "\n\n", 5, 1, 5)], 1.0)
        await storage.transcript.append(tx, chat.id, [NewTurn("and more", "\n", 5, 2, 5)], 1.0, asked=asked)
    await _answer(bench, "Your pin is 4711.")
    await _answer(bench, "Something else.")
    assert (await forgetting.by_message(chat, 1)).turn_ids == (1, 3)


async def test_a_message_that_was_overheard_has_no_answer(storage: Storage) -> None:
    bench, forgetting = await _noted(storage, [])
    chat = await bench.chat()
    async with storage.transaction() as tx:
        await storage.transcript.append(tx, chat.id, [NewTurn("my pin is 4711", "\n\n", 5, 1, 5)], 1.0, asked=False)
    await _answer(bench, "Nobody asked.")
    assert len((await forgetting.by_message(chat, 1)).turn_ids) == 1


async def _said(storage: Storage, number: int) -> Chat:
    async with storage.transaction() as tx:
        chat = await storage.chats.ensure(tx, HOME, private=True, now=0.0)
        turns = [NewTurn(f"Zanzibar {at}", "\n", 1, message_id=at, sender_id=5) for at in range(number)]
        await storage.transcript.append(tx, chat.id, turns, 1.0)
        await storage.transcript.give_up(tx, chat.id)
    await Indexer(storage.chats, storage.history, storage.search, UTC).catch_up(chat.id)
    return chat


async def _put_aside(storage: Storage, chat: Chat, leave: int = 1) -> None:
    turn_ids = [turn_id for turn_id, _ in await storage.history.contents(chat.id, 0, 10_000)]
    async with storage.transaction() as tx:
        await storage.deletions.hide(tx, chat.id, turn_ids[leave:])


async def _count(storage: Storage) -> int:
    rows = await storage.database.rows("SELECT count(*) AS n FROM turns")
    return int(rows[0]["n"])


async def test_what_is_put_aside_is_read_nowhere(storage: Storage) -> None:
    chat = await _said(storage, 30)
    await _put_aside(storage, chat)
    assert len((await storage.memories.window(chat.id)).turns) == 1
    archived = await storage.archive.read(HOME)
    assert archived is not None
    assert [turn.content for turn in archived.turns] == ["Zanzibar 0"]
    assert await storage.history.of_message(chat.id, 7) is None
    assert await storage.edits.find(chat.id, 7) is None
    assert await storage.history.chats_to_index() == []
    assert await storage.archive.keys() == [HOME]
    assert [key for key in await storage.chats.with_open_work() if key != HOME] == []
    assert await storage.database.rows("SELECT 1 FROM turn_messages WHERE in_chat = ?", (chat.id,))


async def test_erasing_takes_small_steps_and_leaves_nothing(storage: Storage) -> None:
    chat = await _said(storage, 3 * BATCH)
    await _put_aside(storage, chat)
    erasing, steps = (
        Eraser(
            storage.database,
            storage.chats,
            storage.deletions,
            Indexer(storage.chats, storage.history, storage.search, UTC),
        ),
        count(),
    )
    before = await _count(storage)
    original = storage.deletions.delete_turns

    async def counted(*arguments: object) -> int:
        next(steps)
        return await original(*arguments)  # type: ignore[arg-type]

    object.__setattr__(storage.deletions, "delete_turns", counted)
    await erasing.erase()
    assert (before, await _count(storage)) == (3 * BATCH, 1)
    assert next(steps) >= 2 * 3
    assert await storage.deletions.remaining() == []
    assert await storage.database.rows("SELECT id FROM chats") == await storage.database.rows("SELECT 1 AS id")


async def test_killed_erasing_resumes_after_next_start(storage: Storage) -> None:
    chat = await _said(storage, 2 * BATCH)
    await _put_aside(storage, chat)
    erasing = Eraser(
        storage.database, storage.chats, storage.deletions, Indexer(storage.chats, storage.history, storage.search, UTC)
    )
    erasing.begin()
    await erasing.close()
    assert await _count(storage) > 1
    again = Eraser(
        storage.database, storage.chats, storage.deletions, Indexer(storage.chats, storage.history, storage.search, UTC)
    )
    await again.erase()
    assert await _count(storage) == 1
    assert await storage.deletions.remaining() == []


async def test_a_fault_does_not_end_the_erasing(storage: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(erasing_module, "AGAIN_AFTER_S", 0.0)
    chat = await _said(storage, 2)
    await _put_aside(storage, chat)
    faults = [ValueError("a fault"), StorageError("busy")]

    class Faulty(Indexer):
        async def forgotten(self, tx: Transaction, chat_id: int, turn_ids: Iterable[int]) -> None:
            if faults:
                raise faults.pop()
            await super().forgotten(tx, chat_id, turn_ids)

    erasing = Eraser(
        storage.database, storage.chats, storage.deletions, Faulty(storage.chats, storage.history, storage.search, UTC)
    )
    erasing.begin()
    async with asyncio.timeout(10):
        while await storage.deletions.remaining():  # noqa: ASYNC110 - nothing says when it is through
            await asyncio.sleep(0.01)
    assert (await _count(storage), faults) == (1, [])
    await erasing.close()


@pytest.fixture
def _ten_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deletions, "MOVED", 10)


async def _readable(storage: Storage, chat: Chat) -> int:
    return len(await storage.history.contents(chat.id, 0, 10_000))


@pytest.mark.usefixtures("_ten_at_once")
async def test_very_much_is_taken_out_in_several_steps(storage: Storage) -> None:
    chat = await _said(storage, 36)
    await _put_aside(storage, chat)
    assert await _readable(storage, chat) == 26
    (left,) = await storage.deletions.remaining()
    await hide_turns(storage.database, storage.chats, storage.deletions, left)
    assert await _readable(storage, chat) == 1
    assert await _count(storage) == 36
    assert await storage.database.rows("SELECT 1 FROM forgettings") == []
    assert (await storage.memories.window(chat.id)).chat.epoch == chat.epoch + 3


@pytest.mark.usefixtures("_ten_at_once")
async def test_turns_half_removed_at_kill_are_forgotten(storage: Storage) -> None:
    chat = await _said(storage, 36)
    await _put_aside(storage, chat)
    async with storage.transaction() as tx:
        await storage.deletions.prune_proposals(tx, 1e12)
        await drop_pending(tx)  # and even a backup of that time forgets it
    await Eraser(
        storage.database, storage.chats, storage.deletions, Indexer(storage.chats, storage.history, storage.search, UTC)
    ).erase()
    assert (await _count(storage), await _readable(storage, chat)) == (1, 1)
    assert await storage.deletions.remaining() == []


async def test_purging_resets_leaves_forgotten_turns_to_erasing(storage: Storage) -> None:
    chat = await _said(storage, 3)
    await _put_aside(storage, chat, leave=0)
    (left,) = await storage.deletions.remaining()
    async with storage.transaction() as tx:
        await tx.execute("DELETE FROM turns WHERE chat_id = ?", (left.aside,))
        await storage.deletions.purge_resets(tx, 1.0, 10)
    assert await storage.deletions.remaining() == [left]
