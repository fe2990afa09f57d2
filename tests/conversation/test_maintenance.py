"""A window is compacted when its time has come, by growth, by silence or by the clock, and never in a loop."""

import asyncio
from datetime import datetime, time, timedelta

import pytest

from bot.conversation.budget import Scope
from bot.conversation.compaction import CompactionOutcome
from bot.conversation.maintenance import FIRST_RETRY_S, QUIET_S
from bot.conversation.thresholds import MemoryMode
from bot.conversation.tokens import estimate
from bot.errors import ServerTrouble, WrongKey
from bot.pricing import Amount
from storage import Storage
from storage.records import ChatKey, Usage
from tests.conversation.bench import NOTES, ZONE, Bench
from tests.scripted import Script, says
from tests.selection import first


async def test_window_at_high_threshold_is_compacted_once(storage: Storage) -> None:
    bench = Bench(storage, [NOTES])
    asked = 0
    for _ in range(100):
        await bench.talk(1)
        asked += await bench.look()
        if asked:
            break
    assert await bench.rounds() == 20
    assert [await bench.look() for _ in range(3)] == [0, 0, 0]
    await bench.talk(5)
    assert await bench.look() == 0


async def test_idle_chat_is_compacted_before_cache_expires(storage: Storage) -> None:
    """Afterwards it would cost a cold read."""
    bench = Bench(storage, [NOTES])
    await bench.talk(45)
    assert await bench.look() == 0
    due = (await bench.chat()).due_at
    assert due == bench.clock.now + QUIET_S
    bench.clock.now += QUIET_S
    assert await storage.chats.due(bench.clock.now) == [ChatKey(1)]
    assert await bench.look() == 1
    assert (await bench.chat()).due_at is None
    await bench.talk(30)
    await bench.look()
    bench.clock.now += 3600
    assert await bench.look() == 0
    assert (await bench.chat()).due_at is None


async def test_with_the_schedule_off_silence_changes_nothing(storage: Storage) -> None:
    bench = Bench(storage, [NOTES], schedule="off")
    await bench.talk(45)
    await bench.look()
    assert (await bench.chat()).due_at is None


@pytest.mark.parametrize("mode", [MemoryMode.SUMMARY, MemoryMode.TRUNCATE])
async def test_cron_compacts_windows_above_low_threshold(storage: Storage, mode: MemoryMode) -> None:
    bench = Bench(storage, [NOTES], schedule="0 4 * * *", mode=mode)
    await bench.talk(33)
    assert await bench.look() == 0
    async with storage.transaction() as tx:
        await storage.chats.all_due(tx, bench.clock())
    assert await bench.look() == (1 if mode is MemoryMode.SUMMARY else 0)
    assert await bench.rounds() == 20
    async with storage.transaction() as tx:
        await storage.chats.all_due(tx, bench.clock())
    assert await bench.look() == 0
    assert (await bench.chat()).due_at is None


async def test_failing_compaction_waits_longer_then_works(storage: Storage) -> None:
    bench = Bench(storage, [[ServerTrouble("down")], [WrongKey("no")], says("x " * 2000), NOTES])
    await bench.talk(80)
    for pause in (FIRST_RETRY_S, 2 * FIRST_RETRY_S, 4 * FIRST_RETRY_S):
        assert await bench.look() == 1
        assert (await bench.chat()).due_at == bench.clock.now + pause
        assert await bench.look() == 0
        bench.clock.now += pause
    assert await bench.rounds() == 80
    assert await bench.look() == 1
    assert await bench.rounds() == 20
    assert (await bench.chat()).compact_failures == 0


async def test_backward_clock_loses_nothing_and_compaction_continues(storage: Storage) -> None:
    bench = Bench(storage, [NOTES])
    await bench.talk(30)
    await bench.look()
    bench.clock.now -= 86_400
    await bench.talk(30)
    assert await bench.look() == 1
    window = await storage.memories.window((await bench.chat()).id)
    assert [turn.id for turn in window.turns] == sorted(turn.id for turn in window.turns)
    assert await bench.rounds() == 20


async def test_picture_only_chat_is_compacted_by_tokens(storage: Storage) -> None:
    bench = Bench(storage, [says("- Ann sent pictures of boats.")])
    asked = 0
    for _ in range(20):
        await bench.talk(1, tokens=1300, content="")
        asked += await bench.look()
    assert 1 <= asked <= 2
    assert await bench.rounds() < 20


async def test_huge_rounds_are_not_compacted_over_and_over(storage: Storage) -> None:
    bench = Bench(storage, [NOTES], context_window=4096)
    asked = 0
    for _ in range(10):
        await bench.talk(1, tokens=3000)
        asked += await bench.look()
        asked += await bench.look()
    assert asked <= 10
    assert await bench.rounds() == 1


async def test_running_compaction_starts_once_and_blocks_nothing(storage: Storage) -> None:
    """A look at the chat does not wait for it."""
    gate = asyncio.Event()
    bench = Bench(storage, [[gate, *NOTES]])
    await bench.talk(80)
    chat = await bench.chat()
    await bench.upkeep.look_after(chat.id)
    await bench.upkeep.look_after(chat.id)
    waiting = asyncio.create_task(bench.upkeep.compact(chat.id))
    await asyncio.sleep(0.05)
    await bench.talk(1)
    gate.set()
    assert await waiting is CompactionOutcome.DONE
    assert len(bench.model.requests) == 1
    assert await bench.rounds() == 21


async def test_leaving_waiter_does_not_cancel_compaction(storage: Storage) -> None:
    gate = asyncio.Event()
    bench = Bench(storage, [[gate, *NOTES]])
    await bench.talk(80)
    chat = await bench.chat()
    waiting = asyncio.create_task(bench.upkeep.compact(chat.id))
    await asyncio.sleep(0.05)
    waiting.cancel()
    gate.set()
    await asyncio.gather(*bench.upkeep._running.values())
    assert await bench.rounds() == 20


async def test_compaction_cut_by_shutdown_runs_after_restart(
    storage: Storage,
) -> None:
    bench = Bench(storage, [[asyncio.Event()]])
    await bench.talk(80)
    await bench.upkeep.look_after((await bench.chat()).id)
    await asyncio.sleep(0.05)
    await bench.upkeep.close()
    assert await bench.rounds() == 80
    assert await storage.chats.due(bench.clock.now) == [ChatKey(1)]
    again = Bench(storage, [NOTES])
    assert await again.look() == 1
    assert await again.rounds() == 20


async def test_compaction_waits_for_budget_renewal(storage: Storage) -> None:
    bench = Bench(storage, [NOTES])
    await bench.talk(100)
    today, chat = bench.budget.today().date(), await bench.chat()
    async with storage.transaction() as tx:
        await storage.usage.record(tx, chat.id, today, "m", Usage(1000, 0, 0))
    await bench.budget.set(Scope.CHAT, 0, Amount(1000))
    assert await bench.look() == 0
    due = (await bench.chat()).due_at
    assert due is not None
    assert datetime.fromtimestamp(due, ZONE) == datetime.combine(today + timedelta(days=1), time(), ZONE)
    bench.clock.now = due
    assert await bench.look() == 1
    assert (await bench.chat()).compact_failures == 0


LONG = "## Люди\n" + "\n".join(f"- Анна та її {number} вітрильників у гавані" for number in range(150))


async def notes_after(storage: Storage, *scripts: Script) -> tuple[str, list[str]]:
    """The memory after one compaction, and the last words of its requests."""
    bench = Bench(storage, list(scripts))
    await bench.talk(80)
    await bench.look()
    view = await bench.windows.view((await bench.chat()).id)
    return view.memory, [request[-1].content for request in bench.model.requests]


async def test_notes_too_long_are_shortened_once(storage: Storage) -> None:
    memory, asked = await notes_after(storage, says(LONG), says("## Люди\n- Анна ходить під вітрилом"))
    assert memory == "## Люди\n- Анна ходить під вітрилом"
    assert LONG in asked[1]
    assert len(asked) == 2


@pytest.mark.parametrize(
    "second", first([says(LONG + LONG[LONG.index("\n") :]), says("I'm sorry, but I can't."), [ServerTrouble("down")]])
)
async def test_notes_that_stay_too_long_keep_lines(storage: Storage, second: Script) -> None:
    memory, asked = await notes_after(storage, says(LONG), second)
    assert len(asked) == 2
    assert 600 < estimate(memory) <= 800
    assert set(memory.split("\n")) < set(LONG.split("\n"))


async def test_a_refusal_replaces_no_notes(storage: Storage) -> None:
    bench = Bench(storage, [NOTES, says("I'm sorry, but I can't help with that.")])
    for _ in range(2):
        await bench.talk(80)
        await bench.look()
    chat = await bench.chat()
    assert (await bench.windows.view(chat.id)).memory == "- Ann sails."
    assert chat.compact_failures == 1
