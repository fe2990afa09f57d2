"""A compaction that ends the process again and again is set aside, and tried again when someone asks for it."""

from pathlib import Path

import pytest

from bot.errors import CompactionPaused
from bot.language import sentence, speaking
from bot.updates import watchdog
from bot.updates.guarded_compactor import ASIDE_S, GuardedCompactor
from bot.updates.in_flight import InFlightFile, WorkKey, WorkKind
from bot.updates.quarantine import Quarantine
from storage import Storage
from storage.records import ChatKey

HERE = ChatKey(5)


class Blocked(watchdog.Watchdog):
    """Every death was seen to be one of a blocked loop."""

    def seen(self) -> bool:
        return True

    def start(self) -> None:
        pass


class Compactor:
    """Compacts, or dies: what is in the quarantine's file at that moment stays there."""

    def __init__(self, file: Path) -> None:
        self.file, self.left, self.calls = file, b"", 0

    async def compact(self, chat_id: int, *, most_prompt: float | None = None) -> str:
        self.calls += 1
        self.left = self.file.read_bytes()
        return "done"


async def _chat(storage: Storage) -> int:
    async with storage.transaction() as tx:
        return (await storage.chats.ensure(tx, HERE, private=True, now=0.0)).id


def _opened(file: Path) -> Quarantine:
    quarantine = Quarantine(InFlightFile(file), Blocked(file))
    quarantine.open()
    return quarantine


async def test_compaction_that_kills_is_set_aside(
    storage: Storage, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "inflight"
    compactor, chat_id = Compactor(file), await _chat(storage)
    for _ in range(3):
        await GuardedCompactor(compactor, _opened(file), storage.chats).compact(chat_id)
        file.write_bytes(compactor.left)
    quarantine = _opened(file)
    guarded = GuardedCompactor(compactor, quarantine, storage.chats)
    assert quarantine.suspects() == [(WorkKey(WorkKind.COMPACTION, chat_id), HERE)]
    with pytest.raises(CompactionPaused) as refused:
        await guarded.compact(chat_id)
    assert (refused.value.wait_s, compactor.calls) == (ASIDE_S, 3)
    with speaking("de"):
        assert "Notizen" in sentence(refused.value, "/memory")
    assert "only the compaction of chat 5 (topic 0) was in flight" in caplog.text
    assert await guarded.compact(chat_id) == "done"  # someone pressed the button
    assert not quarantine.suspects()
