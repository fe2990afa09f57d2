"""What is too old goes out of the notes with its messages, in all versions of them."""

from pathlib import Path

import pytest

from bot.conversation.retention import Retention
from bot.conversation.tokens import estimate
from storage import Storage
from storage.bases import Basis, FoundTurn
from storage.records import Usage
from tests.conversation.bench import Bench
from tests.scripted import says
from tests.selection import some

SAID = {
    "My boat Swordfish lies in Basel": "- Ann's boat Swordfish lies in Basel.",
    "Моя сестра Марта живет во Львове": "- Сестра Марта живёт во Львове.",
    "my pin for the bank card is 4711, I think": "- Ann's code at Kantonalbank Zürich: 4711",
    "我的妹妹王小芳在成都教书": "- 妹妹王小芳在成都教书。",
    "Der Zug nach Bern kostet 84 Franken": "- Zug nach Bern: 84 Franken.",
}
OTHER = "- The dentist is Doctor Novak, at half past nine."
DAY_S = 86_400.0


@pytest.mark.parametrize(("said", "noted"), some(SAID.items(), 4))
async def test_notes_lose_what_is_too_old(storage: Storage, said: str, noted: str) -> None:
    notes = f"## Facts\n{noted}\n{OTHER}"
    bench = Bench(storage, [says(notes), says(f"{notes}\n- More.")])
    await bench.talk(1, content=said)
    bench.clock.now += 10 * DAY_S
    await bench.talk(1, content="The dentist, Doctor Novak, sees me at half past nine")
    for _ in range(2):
        await bench.talk(80)
        await bench.look()
    chat = await bench.chat()
    cleaning = Retention(storage, bench.indexer, estimate)
    assert noted in (await bench.windows.view(chat.id)).memory
    assert await cleaning.delete_before(bench.clock.now - 5 * DAY_S) == 2
    memory = (await bench.windows.view(chat.id)).memory
    assert noted not in memory
    assert OTHER in memory
    assert noted not in await storage.memories.lines(chat.id)


@pytest.mark.parametrize("way", ["retention", "reset"])
async def test_deleted_words_leave_the_file_at_once(storage: Storage, database_file: Path, way: str) -> None:
    """Neither the search index nor the log keeps them until the next night."""
    bench = Bench(storage, [says("- none")])
    for number in range(3):
        await bench.talk(1, content=f"the password is zyxqwvut{number}")
        await bench.indexer.catch_up((await bench.chat()).id)
    chat = await bench.chat()
    if way == "reset":
        async with storage.transaction() as tx:
            await storage.deletions.reset(tx, chat.id, bench.clock.now)
    bench.clock.now += 10 * DAY_S
    if way == "retention":
        await bench.talk(1, content="hello")
        await bench.indexer.catch_up(chat.id)
    cleaning = Retention(storage, bench.indexer, estimate)
    delete = cleaning.delete_before if way == "retention" else cleaning.purge_resets
    assert await delete(bench.clock.now - 5 * DAY_S) == 6
    files = sorted(database_file.parent.glob(f"{database_file.name}*"))
    assert [file.name for file in files if b"zyxqwvut" in file.read_bytes()] == []


async def test_what_is_said_again_stays_in_the_notes(storage: Storage) -> None:
    said, noted = next(iter(SAID.items()))
    bench = Bench(storage, [says(f"{noted}\n{OTHER}")])
    await bench.talk(1, content=said)
    bench.clock.now += 10 * DAY_S
    await bench.talk(80)
    await bench.look()
    await bench.talk(1, content=said)
    await Retention(storage, bench.indexer, estimate).delete_before(bench.clock.now - 5 * DAY_S)
    assert noted in (await bench.windows.view((await bench.chat()).id)).memory


async def test_what_answers_were_based_on_loses_it_too(storage: Storage) -> None:
    bench = Bench(storage, [says("none")])
    await bench.talk(1, content=next(iter(SAID)))
    bench.clock.now += 10 * DAY_S
    await bench.talk(2)
    chat = await bench.chat()
    last = await storage.bases.last_answer(chat)
    assert last is not None
    async with storage.transaction() as tx:
        found = (FoundTurn(1, shown=True), FoundTurn(3, shown=True))
        await storage.bases.put(tx, chat, last, Basis(5, 5, 1, 0, "m", Usage(1, 0, 1), found=found), "")
        await storage.bases.put(tx, chat, 2, Basis(1, 1, 1, 0, "m", Usage(1, 0, 1)), "")
    await Retention(storage, bench.indexer, estimate).delete_before(bench.clock.now - 5 * DAY_S)
    basis = await storage.bases.of(chat, last)
    assert basis is not None
    assert [one.turn_id for one in basis.found] == [3]
    assert len(await storage.database.rows("SELECT reply_id FROM bases WHERE reply_id > 0")) == 1
