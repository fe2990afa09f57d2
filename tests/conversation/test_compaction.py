"""A compaction: what the model is shown, what leaves the window, what is stored, and when nothing is."""

import asyncio
from collections.abc import Sequence

import pytest

from bot.conversation.compaction import CompactionOutcome
from bot.conversation.tokens import estimate
from bot.errors import EmptyAnswer, ModelError, ServerTrouble
from bot.llm.interface import Message
from bot.llm.stream_events import Finish
from storage import Storage
from storage.memories import Memory
from storage.records import ChatSettings
from tests.conversation.bench import NOTES, Bench
from tests.scripted import Gate, Script, says

FACTS = "## People\n- Ann sails with Boris in Odesa.\n- Clara lives at Lindenweg 12.\n- Dmitri has 3 dogs, Egor has 4."
MORE = f"{FACTS}\n- Fedor moved to Riga."
BLANK = "## People\n- Nothing of note was said."
SORRY = says("I'm sorry, but I can't help with that.")


async def compact(bench: Bench, most_prompt: float | None = None) -> CompactionOutcome:
    return await bench.compactor.compact((await bench.chat()).id, most_prompt=most_prompt)


async def stored(bench: Bench) -> tuple[Memory | None, list[int]]:
    window = (await bench.view()).window
    return window.memory, [turn.id for turn in window.turns]


def rounds_in(request: Sequence[Message]) -> int:
    return sum(message.role == "assistant" for message in request)


@pytest.mark.parametrize(("beyond", "outcome"), [(0, CompactionOutcome.NOTHING), (1, CompactionOutcome.DONE)])
async def test_window_must_exceed_low_threshold(storage: Storage, beyond: int, outcome: CompactionOutcome) -> None:
    """At the threshold, the memory might be as long as the rounds that it replaces."""
    bench = Bench(storage, [NOTES])
    await bench.talk(1, tokens=800 + beyond)
    await bench.talk(20)
    view = await bench.view()
    assert view.sizes.total - view.thresholds.low == beyond
    assert await compact(bench) is outcome
    assert len(bench.model.requests) == beyond


@pytest.mark.parametrize(
    ("said", "question", "shown", "left"),
    [
        ([(80, 75)], 0, 80, 60),
        ([(80, 75)], 2000, 80, 60),
        ([(20, 400)], 0, 20, 8),
        ([(1, 20_000), (12, 400)], 0, 13, 1),
    ],
    ids=["all is shown", "a question is not", "twelve rounds stay", "a huge round leaves"],
)
async def test_model_sees_whole_window_and_tail_stays(
    storage: Storage, said: list[tuple[int, int]], question: int, shown: int, left: int
) -> None:
    bench = Bench(storage, [NOTES])
    for count, tokens in said:
        await bench.talk(count, tokens)
    if question:
        await bench.ask(question, "Is it raining?")
    before = await bench.rounds()
    assert await compact(bench) is CompactionOutcome.DONE
    [request] = bench.model.requests
    assert rounds_in(request) == shown
    assert not any("raining" in message.content for message in request)
    assert before - await bench.rounds() == left


@pytest.mark.parametrize(
    ("window", "most_prompt", "shown", "left"),
    [
        (32768, 10_000, 80, 60),
        (32768, 60 * 75, 60, 60),
        (32768, 59 * 75, 59, 59),
        (32768, 1 * 75, 1, 1),
        (32768, 1 * 75 - 1, 0, 0),
        (4096, 30 * 75, 30, 30),
    ],
)
async def test_shorter_prompt_shows_and_drops_fewer_rounds(
    storage: Storage, window: int, most_prompt: int, shown: int, left: int
) -> None:
    """The server has refused a longer one; `most_prompt` here is what is left for rounds.

    The oldest are shown even if the rest exceeds the cap: how much the server can read is not known.
    """
    bench = Bench(storage, [NOTES], context_window=window)
    await bench.talk(80)
    system = (await bench.view()).sizes.system
    outcome = await compact(bench, system + most_prompt)
    assert outcome is (CompactionOutcome.DONE if left else CompactionOutcome.NOTHING)
    assert [rounds_in(request) for request in bench.model.requests] == ([shown] if shown else [])
    assert await bench.rounds() == 80 - left


@pytest.mark.parametrize(
    ("said", "first", "shown", "left"),
    [
        ([(100, 75)], 39, 43, 82),
        ([(40, 75), (1, 3300), (18, 75)], 0, 40, 41),
        ([(1, 3300), (18, 75)], 0, 0, 0),
    ],
    ids=["the newest of those that leave", "those before a huge one", "nothing but a huge one"],
)
async def test_window_past_reading_shows_its_newest_rounds(
    storage: Storage, said: list[tuple[int, int]], first: int, shown: int, left: int
) -> None:
    """The window holds more than the model can read, and the rest would still exceed the cap."""
    bench = Bench(storage, [NOTES], context_window=4096)
    for count, tokens in said:
        for _ in range(count):
            await bench.talk(1, tokens)
            bench.clock.now += 60
    view = await bench.view()
    outcome = await compact(bench)
    assert outcome is (CompactionOutcome.DONE if left else CompactionOutcome.NOTHING)
    assert [rounds_in(request) for request in bench.model.requests] == ([shown] if shown else [])
    memory, _ = await stored(bench)
    assert await bench.rounds() == len(view.starts) - left
    if left:
        assert memory is not None
        assert memory.through_turn == view.turns(0, left)[-1].id
        [span] = memory.covers
        noted = view.turns(first, first + shown)
        assert (span.through_turn, span.since, span.until) == (noted[-1].id, noted[0].at, noted[-1].at)


@pytest.mark.parametrize(
    ("script", "error"),
    [
        ([ServerTrouble("down")], ServerTrouble),
        (says(""), EmptyAnswer),
        (says(" \n"), EmptyAnswer),
        (SORRY, EmptyAnswer),
        (says("- Ann sails.", finish=Finish.LENGTH), EmptyAnswer),
        (says("## People"), EmptyAnswer),
    ],
    ids=["no answer", "nothing", "only blanks", "a refusal", "cut off", "a heading alone"],
)
async def test_unusable_memory_changes_nothing(storage: Storage, script: Script, error: type[ModelError]) -> None:
    bench = Bench(storage, [says(FACTS), script])
    await bench.talk(80)
    await compact(bench)
    await bench.talk(80)
    before = await stored(bench)
    with pytest.raises(error):
        await compact(bench)
    assert await stored(bench) == before


@pytest.mark.parametrize(("over", "requests"), [(0, 1), (1, 2)])
async def test_memory_a_quarter_too_long_is_accepted(storage: Storage, over: int, requests: int) -> None:
    """One that is longer by a token is sent back to be shortened."""
    lines = [f"- Ann has boat number {number} in the harbor." for number in range(100)]
    while estimate(text := "\n".join(lines)) % 5:
        lines.pop()
    bench = Bench(storage, [says(text), NOTES], memory_tokens=estimate(text) * 4 // 5 - over)
    await bench.talk(80)
    assert await compact(bench) is CompactionOutcome.DONE
    assert len(bench.model.requests) == requests
    assert (await bench.view()).memory == (text if requests == 1 else "- Ann sails.")


@pytest.mark.parametrize(
    ("scripts", "kept", "requests"),
    [
        ([says(MORE)], "as written", 1),
        ([says(BLANK), says(MORE)], "as repeated", 2),
        ([says(BLANK), says(BLANK)], "lines added", 2),
        ([says(BLANK), SORRY], "lines added", 2),
        ([says(BLANK), [ServerTrouble("down")]], "lines added", 2),
    ],
    ids=["nothing is lost", "repeated well", "lost again", "refused", "no answer"],
)
async def test_memory_that_lost_facts_is_written_again(
    storage: Storage, scripts: list[Script], kept: str, requests: int
) -> None:
    bench = Bench(storage, [says(FACTS), *scripts])
    await bench.talk(80)
    await compact(bench)
    await bench.talk(80)
    assert await compact(bench) is CompactionOutcome.DONE
    memory = (await bench.view()).memory
    assert len(bench.model.requests) == 1 + requests
    if kept == "lines added":
        assert set(memory.splitlines()) == {*FACTS.splitlines(), *BLANK.splitlines()}
    else:
        assert memory == MORE


@pytest.mark.parametrize("change", ["reset", "taken back"])
async def test_change_during_compaction_voids_it(storage: Storage, change: str) -> None:
    gate = Gate()
    bench = Bench(storage, [says(FACTS), [gate, *says(MORE)]])
    await bench.talk(80)
    await compact(bench)
    chat = await bench.chat()
    async with storage.transaction() as tx:
        await storage.edits.change(tx, 1, "Ann rows", 10)
        await storage.memories.changed(tx, 1, bench.clock())
    await bench.talk(80)
    writing = asyncio.create_task(compact(bench))
    await gate.reached()
    async with storage.transaction() as tx:
        if change == "reset":
            await storage.deletions.reset(tx, chat.id, bench.clock())
        else:
            await storage.chats.begin_epoch(tx, chat.id)
    before = await stored(bench)
    gate.set()
    assert await writing is CompactionOutcome.VOID
    assert await stored(bench) == before
    if change == "taken back":
        view = await bench.view()
        assert view.memory == FACTS
        assert (await bench.windows.changed(view)).turn_ids == (1,)


async def test_truncating_keeps_memory_without_a_request(storage: Storage) -> None:
    bench = Bench(storage, [says(FACTS)])
    await bench.talk(80)
    await compact(bench)
    chat, (before, _) = await bench.chat(), await stored(bench)
    async with storage.transaction() as tx:
        await storage.chats.choose(tx, chat.id, ChatSettings(memory_way="truncate"))
    await bench.talk(80)
    assert await compact(bench) is CompactionOutcome.DONE
    after, turns = await stored(bench)
    assert len(bench.model.requests) == 1
    assert before is not None
    assert after is not None
    assert (after.text, after.covers) == (before.text, before.covers)
    assert after.through_turn > before.through_turn
    assert len(turns) == 2 * 20


async def test_single_turn_model_writes_no_memory(storage: Storage) -> None:
    """It can't be asked to: its rounds are dropped."""
    bench = Bench(storage, [NOTES])
    bench.model.single_turn = True
    await bench.talk(80)
    assert await compact(bench) is CompactionOutcome.DONE
    assert bench.model.requests == []
    assert (await bench.rounds(), (await bench.view()).memory) == (20, "")


@pytest.mark.parametrize(("most", "stay"), [(80 * 75, 80), (80 * 75 - 1, 79), (10 * 75, 10), (10 * 75 - 1, 9), (0, 1)])
async def test_drop_keeps_what_fits_and_the_last(storage: Storage, most: int, stay: int) -> None:
    bench = Bench(storage, [NOTES])
    await bench.talk(80)
    outcome = await bench.compactor.drop((await bench.chat()).id, most)
    assert outcome is (CompactionOutcome.NOTHING if stay == 80 else CompactionOutcome.DONE)
    assert await bench.rounds() == stay
    assert bench.model.requests == []


async def test_leaving_out_empties_window_but_not_memory(storage: Storage) -> None:
    bench = Bench(storage, [says(FACTS)])
    chat = await bench.chat()
    assert await bench.compactor.leave_out(chat.id) is CompactionOutcome.NOTHING
    await bench.talk(80)
    await compact(bench)
    assert await bench.compactor.leave_out(chat.id) is CompactionOutcome.DONE
    memory, turns = await stored(bench)
    assert turns == []
    assert memory is not None
    assert memory.text == FACTS
