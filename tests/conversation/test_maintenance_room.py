"""Many windows that are due at once are compacted a few at a time."""

import asyncio

from bot.conversation.compaction import CompactionOutcome
from bot.conversation.maintenance import SIDE_BY_SIDE, Maintenance
from storage import Storage
from tests.conversation.bench import NOTES, Bench


async def test_background_compactions_are_limited(storage: Storage) -> None:
    bench = Bench(storage, [NOTES])
    under_way, most, gate, full = 0, 0, asyncio.Event(), asyncio.Event()

    async def compact(chat_id: int, *, most_prompt: float | None = None) -> CompactionOutcome:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        if most >= SIDE_BY_SIDE:
            full.set()
        if most_prompt is None:
            await gate.wait()
        under_way -= 1
        return CompactionOutcome.DONE

    compactor = type("Held", (), {"compact": staticmethod(compact)})()
    upkeep = Maintenance(
        storage.database,
        storage.chats,
        storage.memories,
        bench.windows,
        compactor,
        bench.indexer,
        None,
        "idle",
        bench.clock,
    )
    queued = [upkeep._start(chat_id, queues=True) for chat_id in range(20)]
    await asyncio.wait_for(full.wait(), 5.0)
    await asyncio.sleep(0.05)
    assert most == SIDE_BY_SIDE
    assert (
        await asyncio.wait_for(upkeep.compact(19, most_prompt=1.0), 5.0) is CompactionOutcome.DONE
    )  # somebody waits for it
    gate.set()
    ended = await asyncio.wait_for(asyncio.gather(*queued, return_exceptions=True), 5.0)
    assert ended[:19] == [CompactionOutcome.DONE] * 19
    assert not upkeep._running


async def test_waiters_of_a_queued_compaction_share_it(storage: Storage) -> None:
    """Two at the same moment: the first takes it out of the queue, and the second must not cancel that."""
    bench = Bench(storage, [NOTES])
    await bench.talk(80)
    chat = await bench.chat()
    for _ in range(SIDE_BY_SIDE):
        await bench.upkeep._room.acquire()
    queued = bench.upkeep._start(chat.id, queues=True)
    await asyncio.sleep(0)
    outcomes = await asyncio.gather(bench.upkeep.compact(chat.id), bench.upkeep.compact(chat.id))
    assert tuple(outcomes) == (CompactionOutcome.DONE, CompactionOutcome.DONE)
    assert queued.cancelled()
    assert len(bench.model.requests) == 1
