"""A server may refuse to compact for as long as it likes."""

import pytest

from bot.conversation.maintenance import FIRST_RETRY_S, LONGEST_RETRY_S
from bot.errors import ServerTrouble
from storage import Storage
from storage.records import ChatKey, ChatSettings
from tests.conversation.bench import NOTES, Bench
from tests.selection import first


@pytest.mark.parametrize("failures", [2_000, 10**6])
async def test_any_number_of_failures_has_a_pause(storage: Storage, failures: int) -> None:
    bench = Bench(storage, [[ServerTrouble("down")], NOTES])
    await bench.talk(80)
    chat = await bench.chat()
    async with storage.transaction() as tx:
        await storage.chats.set_due(tx, chat.id, bench.clock.now, failures)
    assert await bench.look() == 1
    chat = await bench.chat()
    assert (chat.due_at, chat.compact_failures) == (bench.clock.now + LONGEST_RETRY_S, failures + 1)
    bench.clock.now += LONGEST_RETRY_S
    assert await bench.look() == 1
    assert (await bench.chat()).compact_failures == 0


async def test_a_fault_of_ours_has_a_pause_too(storage: Storage) -> None:
    bench = Bench(storage, [[KeyError("a fault of ours")], NOTES])
    await bench.talk(80)
    for pause in (FIRST_RETRY_S, 2 * FIRST_RETRY_S):
        bench.model.scripts.insert(0, [KeyError("a fault of ours")])
        assert await bench.look() == 1
        assert (await bench.chat()).due_at == bench.clock.now + pause
        bench.clock.now += 15
        assert await bench.look() == 0
        bench.clock.now += pause


@pytest.mark.parametrize("thinking", first([True, False, None]))
async def test_side_calls_think_as_the_chat_does(storage: Storage, thinking: bool | None) -> None:
    bench = Bench(storage, [NOTES])
    await bench.talk(80)
    async with storage.transaction() as tx:
        chat = await storage.chats.ensure(tx, ChatKey(1), private=True, now=0.0)
        await storage.chats.choose(tx, chat.id, ChatSettings(thinking=thinking))
    assert await bench.look() == 1
    assert [options.thinking for options in bench.model.options] == [thinking]
