"""A server may refuse to compact for as long as it likes."""

import pytest

from bot.conversation.upkeep import LONGEST_RETRY_S
from bot.errors import ServerTrouble
from storage import Storage
from tests.conversation.test_upkeep import NOTES, Bench


@pytest.mark.parametrize("failures", [2_000, 10**6])
async def test_any_number_of_failures_has_a_pause(storage: Storage, failures: int) -> None:
    bench = Bench(storage, [[ServerTrouble("down")], NOTES])
    await bench.talk(80)
    chat = await bench.chat()
    async with storage.transaction() as tx:
        await storage.chats.look_at(tx, chat.id, bench.clock.now, failures)
    assert await bench.look() == 1
    chat = await bench.chat()
    assert (chat.due_at, chat.compact_failures) == (bench.clock.now + LONGEST_RETRY_S, failures + 1)
    bench.clock.now += LONGEST_RETRY_S
    assert await bench.look() == 1
    assert (await bench.chat()).compact_failures == 0
