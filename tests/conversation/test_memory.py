"""Earlier notes are brought back as they were, and what they can't know is told behind the user's words."""

import pytest

from bot.conversation.memory import MemoryEditor
from bot.handlers.memory_command import memory_text
from storage import Storage
from storage.memories import NotesVersion
from tests.conversation.bench import ZONE, Bench
from tests.scripted import says

SAID, EDITED = "My flight to Lyon is at 17:00", "My flight to Lyon is at 06:10"
BEFORE, AFTER = "- Flight to Lyon at 17:00.", "- Flight to Lyon at 06:10."


async def _told(bench: Bench) -> tuple[str, bool]:
    view = await bench.windows.view((await bench.chat()).id)
    return view.memory, EDITED in (await bench.windows.changed(view)).text


async def _noted_twice(storage: Storage) -> tuple[Bench, MemoryEditor, list[NotesVersion]]:
    """Notes of a flight, and others since its time was edited."""
    bench = Bench(storage, [says(BEFORE), says(AFTER)])
    notes = MemoryEditor(storage, bench.windows, bench.compactor, bench.calls, ZONE, bench.clock)
    await bench.talk(1, content=SAID)
    await bench.talk(80)
    await bench.look()
    bench.clock.now += 3600
    async with storage.transaction() as tx:
        await storage.edits.change(tx, 1, EDITED, 10)
        await storage.memories.changed(tx, 1, bench.clock())
    assert await _told(bench) == (BEFORE, True)
    bench.clock.now += 3600
    await bench.talk(80)
    await bench.look()
    return bench, notes, await storage.memories.versions_before(await bench.chat(), 2**63 - 1, limit=9)


async def test_memory_from_before_an_edit_says_so(storage: Storage) -> None:
    bench, notes, (before,) = await _noted_twice(storage)
    assert await _told(bench) == (AFTER, False)
    former = await notes.restore(await bench.chat(), before.id)
    assert await _told(bench) == (BEFORE, True)
    assert former is not None
    await notes.restore(await bench.chat(), former)
    assert (await _told(bench))[0] == AFTER


@pytest.mark.long
async def test_restored_memory_keeps_its_age(storage: Storage) -> None:
    bench, notes, (before,) = await _noted_twice(storage)
    bench.clock.now += 3600
    await notes.restore(await bench.chat(), before.id)
    shown = await notes.show((await bench.chat()).id)
    assert shown.made_at is not None
    assert shown.made_at.timestamp() == before.made_at


async def test_what_notes_cover_is_shown_with_them(storage: Storage) -> None:
    bench, notes, _ = await _noted_twice(storage)
    shown = await notes.show((await bench.chat()).id)
    assert shown.spans == (("1970-01-12 13:46", "1970-01-12 15:46"),)
    assert "They cover 1970-01-12 13:46 – 1970-01-12 15:46." in memory_text(shown)
