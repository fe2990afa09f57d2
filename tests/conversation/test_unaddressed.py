"""What people say among themselves costs little, and its newest part is what the bot knows when it is asked."""

import re

import pytest

from bot.conversation.compaction import CompactionOutcome
from storage import Storage
from storage.records import NewTurn
from tests.conversation.bench import NOTES, Bench
from tests.selection import first

MINUTE_S = 60.0


async def overhear(bench: Bench, count: int, first: int = 0) -> None:
    """One message a minute."""
    chat = await bench.chat()
    turns = [
        NewTurn(f"Ben: we talk of thing {number}", "\n", 20, number, 7, speaker="Ben")
        for number in range(first, first + count)
    ]
    async with bench.storage.transaction() as tx:
        for turn in turns:
            bench.clock.now += MINUTE_S
            await bench.storage.transcript.append(tx, chat.id, [turn], bench.clock(), asked=False)


def things(text: str) -> list[int]:
    return [int(number) for number in re.findall(r"thing (\d+)", text)]


async def test_an_overheard_message_reads_no_window(storage: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench(storage, [NOTES])
    await bench.talk(3)
    await bench.look()
    reads: list[int] = []
    since = type(storage.memories).turns_since

    async def counted(self: object, *arguments: object, **options: object) -> object:
        reads.append(1)
        return await since(self, *arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(type(storage.memories), "turns_since", counted)
    for number in range(20):
        await overhear(bench, 1, number)
        assert await bench.look() == 0
    assert len(reads) == 0


async def test_a_quiet_moment_ends_with_overheard_talk(storage: Storage) -> None:
    bench = Bench(storage, [NOTES])
    await bench.talk(45)
    await bench.look()
    assert (await bench.chat()).due_at is not None
    await overhear(bench, 1)
    assert await bench.look() == 0
    assert (await bench.chat()).due_at is None


@pytest.mark.parametrize("count", first([900, 2_500]))
async def test_the_newest_of_overheard_talk_is_noted(storage: Storage, count: int) -> None:
    bench = Bench(storage, [NOTES], context_window=8192)
    await bench.talk(2)
    await overhear(bench, count)
    chat = await bench.chat()
    assert await bench.upkeep.compact(chat.id) is CompactionOutcome.DONE
    shown = things(" ".join(message.content for message in bench.model.requests[-1]))
    view = await bench.windows.view(chat.id)
    kept = things(" ".join(turn.content for turn in view.window.turns))
    assert kept[-1] == count - 1
    assert [*shown, *kept] == list(range(shown[0], count))
    assert len(shown) > 200
    opening = (await bench.windows.prompt(view))[1].content
    assert len(re.findall(r"from \d{4}-\d\d-\d\d \d\d:\d\d to \d{4}-\d\d-\d\d \d\d:\d\d", opening)) == 1
    minutes = view.covers[-1].until - view.covers[-1].since
    assert minutes == MINUTE_S * (len(shown) - 1)


@pytest.mark.long
async def test_notes_tell_their_spans_apart(storage: Storage) -> None:
    bench = Bench(storage, [NOTES], context_window=8192)
    chat = await bench.chat()
    await bench.talk(90)
    assert await bench.upkeep.compact(chat.id) is CompactionOutcome.DONE
    await bench.talk(90)
    assert await bench.upkeep.compact(chat.id) is CompactionOutcome.DONE
    view = await bench.windows.view(chat.id)
    assert len(view.covers) == 1
    await overhear(bench, 900)
    assert await bench.upkeep.compact(chat.id) is CompactionOutcome.DONE
    view = await bench.windows.view(chat.id)
    assert len(view.covers) == 2
    assert "searching finds it" in (await bench.windows.prompt(view))[1].content
