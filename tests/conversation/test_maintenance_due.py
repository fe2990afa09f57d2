"""When a compaction is due, to the token and to the second, and what a compaction in progress may be met with."""

import asyncio

import pytest

from bot.conversation.answer import AnswerInFlight
from bot.conversation.maintenance import CACHE_S, QUIET_S
from bot.conversation.thresholds import MemoryMode
from bot.conversation.tokens import estimate
from bot.errors import ServerTrouble
from storage import Storage
from storage.records import NewReply
from tests.conversation.bench import NOTES, Bench
from tests.scripted import Gate, in_flight, says

HIGH = 3200
REPLY = "Yes, Ann sails."


async def begin(bench: Bench, gate: Gate) -> None:
    """Look after the chat, until the request that writes its memory is under way."""
    await bench.upkeep.look_after((await bench.chat()).id)
    await gate.reached()


async def answered(bench: Bench) -> AnswerInFlight:
    """The answer to the question that waits, which was written from the window as it is now, and stored."""
    chat = await bench.chat()
    answer = in_flight(chat)
    answer.window = await bench.view()
    answer.generation.text = REPLY
    await answer.run(asyncio.sleep(0))
    async with bench.storage.transaction() as tx:
        reply = await bench.storage.transcript.begin_reply(tx, chat.id, bench.clock(), reply_to=40)
        await bench.storage.transcript.finish_reply(tx, chat.id, reply, NewReply(REPLY, estimate(REPLY)), None)
    return answer


@pytest.mark.parametrize("is_known", [False, True], ids=["window is read", "answer is added"])
@pytest.mark.parametrize(("beyond", "requests"), [(-1, 0), (0, 1)])
async def test_window_is_due_at_high_threshold(storage: Storage, beyond: int, requests: int, is_known: bool) -> None:
    """`is_known`: the window that was answered from is there, so it isn't read again to see that nothing is due."""
    bench = Bench(storage, [NOTES], "off", context_window=10 * HIGH, compact_at=0.1, output_price=30)
    system = int((await bench.view()).sizes.system)
    await bench.talk(1, HIGH + beyond - system - 30 * 75 - 50 - estimate(REPLY))
    await bench.talk(30)
    await bench.ask(50)
    answer = await answered(bench)
    view = await bench.view()
    assert (view.sizes.total, view.thresholds.high) == (HIGH + beyond, HIGH)
    await bench.upkeep.look_after((await bench.chat()).id, answer if is_known else None)
    await asyncio.gather(*bench.upkeep._running.values())
    assert len(bench.model.requests) == requests


@pytest.mark.parametrize(("silence", "requests"), [(QUIET_S - 1, 0), (QUIET_S, 1), (CACHE_S - 1, 1), (CACHE_S, 0)])
async def test_quiet_chat_is_due_while_cache_lasts(storage: Storage, silence: float, requests: int) -> None:
    bench = Bench(storage, [NOTES])
    await bench.talk(45)
    await bench.look()
    last = bench.clock.now
    bench.clock.now += silence
    assert await bench.look() == requests
    assert (await bench.chat()).due_at == (last + QUIET_S if silence < QUIET_S else None)


@pytest.mark.parametrize(
    ("mode", "first_round", "requests", "left"),
    [
        (MemoryMode.SUMMARY, 800, 0, 0),
        (MemoryMode.SUMMARY, 801, 1, 1),
        (MemoryMode.TRUNCATE, 800, 0, 1),
        (MemoryMode.FULL, 20_000, 0, 0),
    ],
)
async def test_cron_spares_window_at_low_threshold(
    storage: Storage, mode: MemoryMode, first_round: int, requests: int, left: int
) -> None:
    bench = Bench(storage, [NOTES], "0 4 * * *", mode=mode)
    await bench.talk(1, first_round)
    await bench.talk(20)
    async with storage.transaction() as tx:
        await storage.chats.all_due(tx, bench.clock())
    assert await bench.look() == requests
    assert await bench.rounds() == 21 - left


async def test_stopped_compaction_stores_nothing_and_begins_again(storage: Storage) -> None:
    gate = Gate()
    bench = Bench(storage, [[gate, *NOTES], NOTES])
    await bench.talk(80)
    await begin(bench, gate)
    await bench.upkeep.stop((await bench.chat()).id)
    gate.set()
    assert (await bench.rounds(), (await bench.view()).memory) == (80, "")
    assert (await bench.chat()).due_at is None
    assert await bench.look() == 1
    assert await bench.rounds() == 20


async def test_all_who_wait_get_the_same_failure(storage: Storage) -> None:
    gate = Gate()
    bench = Bench(storage, [[gate, ServerTrouble("down")]])
    await bench.talk(80)
    await begin(bench, gate)
    chat = await bench.chat()
    waiting = [asyncio.create_task(bench.upkeep.compact(chat.id)) for _ in range(2)]
    await asyncio.sleep(0)
    gate.set()
    assert [type(one) for one in await asyncio.gather(*waiting, return_exceptions=True)] == [ServerTrouble] * 2
    assert len(bench.model.requests) == 1
    assert (await bench.chat()).compact_failures == 1


async def test_void_compaction_is_due_again_at_once(storage: Storage) -> None:
    """It is no failure: nothing has to wait."""
    gate = Gate()
    bench = Bench(storage, [[gate, *NOTES], says("- Ann rows.")])
    await bench.talk(80)
    await begin(bench, gate)
    chat = await bench.chat()
    async with storage.transaction() as tx:
        await storage.chats.begin_epoch(tx, chat.id)
    gate.set()
    await asyncio.gather(*bench.upkeep._running.values())
    chat = await bench.chat()
    assert (chat.due_at, chat.compact_failures, await bench.rounds()) == (bench.clock.now, 0, 80)
    assert await bench.look() == 1
    assert ((await bench.view()).memory, await bench.rounds()) == ("- Ann rows.", 20)
