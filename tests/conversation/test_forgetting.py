"""What notes tell of a forgotten message goes with it, in whatever words; what they tell of others stays."""

import pytest

from bot.conversation.forgetting import ForgetPreview, Forgetting
from storage import Storage
from storage.memory_records import Memory
from storage.records import NewReply, NewTurn
from tests.conversation.test_upkeep import Bench

OTHER = "- The dentist is Doctor Novak, at half past nine."
TOLD = {
    "password": ("the password of our wifi is hunter2 by the way", "- WiFi code: hunter2"),
    "зарплата": ("у Марины зарплата теперь 90000 в банке Восток", "- Марина получает 90 000 в банке «Восток»."),
    "contraseña": ("la contraseña del portal de Hacienda es gato77", "- Portal de Hacienda: gato77"),
    "密码": ("我家无线网的密码是小花猫八八", "- 无线网：小花猫八八"),
}


async def _noted(storage: Storage, said: list[str], *versions: str) -> tuple[Bench, Forgetting]:
    bench = Bench(storage, [])
    for words in said:
        await bench.talk(1, content=words)
    chat = await bench.chat()
    async with storage.transaction() as tx:
        for text in versions:
            await storage.memories.put(tx, chat, Memory(2 * len(said), text, 50, bench.clock()))
    return bench, Forgetting(storage, bench.upkeep.windows, bench.clock)


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
