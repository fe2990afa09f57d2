"""The jobs clean up what is over, and a failure of one is not the end of it."""

import logging
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.jobs import DAY_S, Jobs, _guarded
from storage import Storage
from storage.inbox import RawUpdate
from storage.records import Button, Notice, Place

HOME = Place(5)


class Buttons:
    """Stands where the Sender stands, for the one thing that jobs ask of it."""

    def __init__(self) -> None:
        self.dropped: list[tuple[int, int]] = []

    async def drop_keyboard(self, chat_id: int, message_id: int) -> None:
        self.dropped.append((chat_id, message_id))


@pytest.fixture
async def storage(tmp_path: Path) -> AsyncIterator[Storage]:
    opened = await Storage.open(tmp_path / "keepsake.db")
    yield opened
    await opened.close()


def _jobs(storage: Storage, buttons: Buttons, now: float) -> Jobs:
    return Jobs(storage, buttons, inbox_keep_days=3, reset_keep_days=7, clock=lambda: now)


async def test_a_button_disappears_once_when_its_time_is_over(storage: Storage) -> None:
    async with storage.transaction() as tx:
        await storage.notices.add(
            tx, Notice(HOME, private=True, text="done", buttons=(Button("Undo", "x"),), button_until=60.0)
        )
        notice_id = 1
        await storage.notices.sent(tx, notice_id, 77)
    buttons = Buttons()
    await _jobs(storage, buttons, 59.0).drop_expired_buttons()
    assert buttons.dropped == []
    for _ in range(2):
        await _jobs(storage, buttons, 61.0).drop_expired_buttons()
    assert buttons.dropped == [(5, 77)]


async def test_handled_updates_are_deleted_after_some_days(storage: Storage) -> None:
    async with storage.transaction() as tx:
        await storage.inbox.add(tx, [RawUpdate(1, "{}")], now=0.0)
        await storage.inbox.done(tx, [1])
    await _jobs(storage, Buttons(), 2 * DAY_S).prune_inbox()
    assert len(await storage.database.rows("SELECT * FROM inbox")) == 1
    await _jobs(storage, Buttons(), 4 * DAY_S).prune_inbox()
    assert await storage.database.rows("SELECT * FROM inbox") == []


async def test_a_job_that_fails_is_logged_and_raises_nothing(caplog: pytest.LogCaptureFixture) -> None:
    async def broken() -> None:
        raise RuntimeError("disk full")

    with caplog.at_level(logging.ERROR):
        await _guarded(broken)()
    assert "The job broken failed" in caplog.text


async def test_the_schedule_names_every_job(storage: Storage) -> None:
    scheduler = _jobs(storage, Buttons(), 0.0).scheduler()
    assert {job.name for job in scheduler.get_jobs()} == {"drop_expired_buttons", "prune_inbox", "purge_resets"}
