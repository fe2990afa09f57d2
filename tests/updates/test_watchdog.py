"""A loop that stands still is seen, also by the process after it."""

import asyncio
import re
import stat
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from bot.updates import watchdog
from bot.updates.watchdog import HoldMonitor, Watchdog


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "hung"


@pytest.fixture(autouse=True)
def _hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watchdog, "BLOCKED_AFTER_S", 0.3)
    monkeypatch.setattr(watchdog, "LOOK_S", 0.01)


def _blocks() -> None:
    re.match("(a*)*b", "a" * 22)  # which lets no thread of Python run
    time.sleep(0.6)


def _sleeps() -> None:
    time.sleep(0.6)


async def test_loop_that_stands_still_is_seen(file: Path, caplog: pytest.LogCaptureFixture) -> None:
    dog = Watchdog(file)
    dog.start()
    await asyncio.sleep(0)
    _blocks()
    assert Watchdog(file).seen()
    assert "_blocks" in caplog.text
    assert stat.S_IMODE(file.stat().st_mode) == 0o600  # noqa: ASYNC240
    await asyncio.sleep(0.05)
    assert not Watchdog(file).seen()
    dog.stop()
    assert not file.exists()  # noqa: ASYNC240


async def test_folder_that_takes_no_file_stops_nothing(tmp_path: Path) -> None:
    dog = Watchdog(tmp_path / "nowhere" / "hung")
    dog.start()
    dog.stop()
    assert not dog.seen()


async def _logged(caplog: pytest.LogCaptureFixture) -> str:
    async with asyncio.timeout(10):
        while not caplog.messages:  # noqa: ASYNC110 - the line comes from a thread
            await asyncio.sleep(0.01)
    return caplog.text


@pytest.mark.parametrize("held", [_sleeps, _blocks])
async def test_holder_of_the_loop_is_logged(held: Callable[[], None], caplog: pytest.LogCaptureFixture) -> None:
    monitor = HoldMonitor()
    monitor.start()
    await asyncio.sleep(0)
    held()
    assert f"{held.__name__} (test_watchdog.py:" in await _logged(caplog)
    monitor.stop()


async def test_many_short_steps_hold_nothing(caplog: pytest.LogCaptureFixture) -> None:
    monitor = HoldMonitor()
    monitor.start()
    for _ in range(50):
        time.sleep(0.01)  # noqa: ASYNC251
        await asyncio.sleep(0)
    monitor.stop()
    assert not caplog.messages
