"""Before a request a window is brought below its cap, and after a refusal to about half: with a summary or without."""

from itertools import accumulate

import pytest

from bot.conversation.maintenance import FIRST_RETRY_S
from bot.conversation.thresholds import MemoryMode
from bot.errors import MessageTooLong, ServerTrouble
from storage import Storage
from tests.conversation.bench import NOTES, Bench
from tests.scripted import Script

WINDOW = 4000
CAP = 3400
"""85 % of the window."""
MOST = 4600
"""115 % of the window: a longer prompt isn't even tried."""
MODES = [(MemoryMode.SUMMARY, 1), (MemoryMode.TRUNCATE, 0), (MemoryMode.FULL, 0)]
"""Each mode, and how many requests it takes to shorten a window."""
DOWN: Script = [ServerTrouble("down")]


async def bench_of(storage: Storage, total: float, *scripts: Script, mode: MemoryMode = MemoryMode.SUMMARY) -> Bench:
    """A bench whose window has this many tokens: rounds of 75, and the rest in the first one."""
    bench = Bench(storage, list(scripts) or [NOTES], context_window=WINDOW, mode=mode)
    rounds = int(total - (await bench.view()).sizes.system) // 75 - 1
    await bench.talk(1, int(total - (await bench.view()).sizes.system) - 75 * rounds)
    await bench.talk(rounds)
    assert (await bench.view()).sizes.total == total
    return bench


async def chat_id(bench: Bench) -> int:
    return (await bench.chat()).id


async def total(bench: Bench) -> float:
    return (await bench.view()).sizes.total


@pytest.mark.parametrize("mode", list(MemoryMode))
async def test_window_at_its_cap_is_sent_unchanged(storage: Storage, mode: MemoryMode) -> None:
    bench = await bench_of(storage, CAP, mode=mode)
    view = await bench.fitter.make(await chat_id(bench))
    assert view is not None
    assert view.sizes.total == CAP
    assert bench.model.requests == []


@pytest.mark.parametrize(("mode", "requests"), MODES)
async def test_window_above_its_cap_is_shortened(storage: Storage, mode: MemoryMode, requests: int) -> None:
    """With a summary the tail is kept; without one, rounds of up to half the cap."""
    bench = await bench_of(storage, CAP + 1, mode=mode)
    assert await bench.fitter.make(await chat_id(bench)) is None
    assert len(bench.model.requests) == requests
    assert (await bench.view()).memory == ("- Ann sails." if requests else "")
    assert await bench.rounds() == (17 if requests else CAP // 2 // 75)


async def test_failed_summary_drops_rounds_instead(storage: Storage) -> None:
    bench = await bench_of(storage, CAP + 1, DOWN)
    assert await bench.fitter.make(await chat_id(bench)) is None
    chat = await bench.chat()
    assert (await bench.rounds(), (await bench.view()).memory) == (CAP // 2 // 75, "")
    assert (chat.compact_failures, chat.due_at) == (1, bench.clock.now + FIRST_RETRY_S)


@pytest.mark.parametrize(("seconds", "requests"), [(0, 1), (FIRST_RETRY_S - 1, 1), (FIRST_RETRY_S, 2)])
async def test_no_summary_is_asked_for_while_one_waits(storage: Storage, seconds: float, requests: int) -> None:
    bench = await bench_of(storage, CAP + 1, DOWN, NOTES)
    await bench.fitter.make(await chat_id(bench))
    await bench.talk(50)
    bench.clock.now += seconds
    assert await bench.fitter.make(await chat_id(bench)) is None
    assert len(bench.model.requests) == requests
    assert (await bench.view()).memory == ("- Ann sails." if requests == 2 else "")
    assert await total(bench) <= CAP


async def test_unreadable_beginning_is_dropped_without_summary(storage: Storage) -> None:
    """The model could not even read the first round."""
    bench = Bench(storage, [NOTES], context_window=WINDOW)
    await bench.talk(1, 3300)
    await bench.talk(3)
    assert await bench.fitter.make(await chat_id(bench)) is None
    assert bench.model.requests == []
    assert await bench.rounds() == 3


@pytest.mark.parametrize(("beyond", "is_tried"), [(0, True), (1, False)])
async def test_message_surely_too_long_is_refused(storage: Storage, beyond: int, is_tried: bool) -> None:
    """Counts are inexact, so one that seems a little too long is tried."""
    bench = Bench(storage, [NOTES], context_window=WINDOW)
    await bench.talk(5)
    view = await bench.view()
    await bench.ask(MOST + beyond - int(view.sizes.system))
    if is_tried:
        assert await bench.fitter.make(await chat_id(bench)) is None
        assert await total(bench) == MOST
    else:
        with pytest.raises(MessageTooLong):
            await bench.fitter.make(await chat_id(bench))
        through = (await bench.view()).window.through_turn
        assert through > view.window.turns[-1].id
    assert await bench.rounds() == 1


@pytest.mark.parametrize(("mode", "requests"), MODES)
async def test_refused_prompt_is_halved(storage: Storage, mode: MemoryMode, requests: int) -> None:
    """The prompt that writes the summary has half of it too: the server would refuse more."""
    bench = await bench_of(storage, 3000, mode=mode)
    sizes = (await bench.view()).sizes
    half = sum(sizes.system + tokens <= 1500 for tokens in accumulate(sizes.rounds))
    await bench.fitter.make_after_refusal(await chat_id(bench))
    asked = [sum(message.role == "assistant" for message in request) for request in bench.model.requests]
    assert asked == [half] * requests
    assert await total(bench) <= 1500


async def test_refused_prompt_past_window_is_compacted(storage: Storage) -> None:
    """It was too long by the count as well, so the window is shortened as usual."""
    bench = await bench_of(storage, WINDOW + 1)
    await bench.fitter.make_after_refusal(await chat_id(bench))
    [request] = bench.model.requests
    assert sum(message.role == "assistant" for message in request) > 2000 // 75
    assert await bench.rounds() == 17


async def test_refused_lone_message_leaves_the_window(storage: Storage) -> None:
    """Nothing else could be left out."""
    bench = Bench(storage, [NOTES], context_window=WINDOW)
    await bench.ask(2000)
    with pytest.raises(MessageTooLong):
        await bench.fitter.make_after_refusal(await chat_id(bench))
    view = await bench.view()
    assert view.window.through_turn == view.window.turns[-1].id
    assert bench.model.requests == []


@pytest.mark.parametrize(("rounds", "stay"), [(40, 20), (41, 20), (1, 1)])
async def test_halving_keeps_newer_half_without_summary(storage: Storage, rounds: int, stay: int) -> None:
    bench = Bench(storage, [NOTES])
    await bench.talk(rounds)
    await bench.fitter.halve(await chat_id(bench))
    assert await bench.rounds() == stay
    assert (bench.model.requests, (await bench.view()).memory) == ([], "")
