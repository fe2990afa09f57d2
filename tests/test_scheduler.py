"""The jobs clean up what is over, and a failure of one is not the end of it."""

import asyncio
import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from prometheus_client import REGISTRY

from bot.conversation.indexing import Indexer
from bot.conversation.response_deletion import ResponseDeletion
from bot.conversation.retention import Retention
from bot.conversation.tokens import estimate
from bot.scheduler import DAY_S, Jobs, JobSettings, _guarded
from storage import Storage, StorageError
from storage.backup_folder import BackupFolder
from storage.inbox import RawUpdate
from storage.memories import Memory
from storage.records import Button, ChatKey, NewTurn, Notice
from storage.search import TurnKey

HOME = ChatKey(5)
ZONE = ZoneInfo("UTC")


class Buttons:
    """Stands where the Sender stands, for the one thing that jobs ask of it."""

    def __init__(self) -> None:
        self.dropped: list[tuple[int, int]] = []

    async def drop_keyboard(self, chat_id: int, message_id: int) -> None:
        self.dropped.append((chat_id, message_id))


class Woken:
    """Notes which lanes were woken."""

    def __init__(self) -> None:
        self.keys: list[ChatKey] = []

    def wake(self, key: ChatKey) -> None:
        self.keys.append(key)


class NoOutbox:
    """Stands where the handlers' outbox stands."""

    async def run(self) -> None:
        """There are none."""


def _jobs(
    storage: Storage,
    buttons: Buttons,
    now: float,
    schedule: str = "idle",
    said: int | None = None,
    woken: Woken | None = None,
    zone: ZoneInfo = ZONE,
    backups: BackupFolder | None = None,
) -> Jobs:
    return Jobs(
        storage=storage,
        keyboards=buttons,
        retention=Retention(storage, Indexer(storage.chats, storage.history, storage.search, ZONE), estimate),
        outbox=NoOutbox(),
        responses=ResponseDeletion(storage.database, storage.servers, None),
        wakeups=woken or Woken(),
        backups=backups,
        settings=JobSettings(schedule, zone, inbox_days=3, reset_days=7, turn_days=said),
        clock=lambda: now,
    )


async def test_expired_button_is_removed_once(storage: Storage) -> None:
    async with storage.transaction() as tx:
        await storage.outbox.add(
            tx, Notice(HOME, private=True, text="done", buttons=(Button("Undo", "x"),), button_until=60.0)
        )
        notice_id = 1
        await storage.outbox.notice_sent(tx, notice_id, 77)
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


async def test_failing_job_is_logged_and_raises_nothing(caplog: pytest.LogCaptureFixture) -> None:
    async def broken() -> None:
        raise RuntimeError("disk full")

    with caplog.at_level(logging.ERROR):
        await _guarded(broken, "broken")()
    assert "The job broken failed" in caplog.text


async def test_a_job_that_takes_long_runs_alone() -> None:
    begun: list[int] = []
    end = asyncio.Event()

    async def slow() -> None:
        begun.append(1)
        await end.wait()

    job = _guarded(slow, "slow")
    first = asyncio.create_task(job())
    await asyncio.sleep(0)
    await job()
    assert len(begun) == 1
    end.set()
    await first
    await job()
    assert len(begun) == 2


ALWAYS = {"drop_expired_buttons", "run_outbox", "look_at_windows", "prune_inbox", "purge_resets", "repair_index"} | {
    "delete_responses"
}


async def test_the_schedule_names_every_job(storage: Storage) -> None:
    scheduler = _jobs(storage, Buttons(), 0.0).scheduler()
    assert {job.name for job in scheduler.get_jobs()} == ALWAYS
    scheduler = _jobs(storage, Buttons(), 0.0, schedule="0 4 * * mon", said=30).scheduler()
    assert {job.name for job in scheduler.get_jobs()} == ALWAYS | {"compact_all", "retain"}


@pytest.mark.parametrize("schedule", ["30 2 * * *", "30 2 * * 7"])
async def test_clocks_that_go_back_compact_once(storage: Storage, schedule: str) -> None:
    jobs = _jobs(storage, Buttons(), 0.0, schedule=schedule, zone=ZoneInfo("Europe/Berlin"))
    [trigger] = [job.trigger for job in jobs.scheduler().get_jobs() if job.name == "compact_all"]
    first = trigger.get_next_fire_time(None, datetime(2026, 10, 24, 22, tzinfo=UTC))  # a Sunday, an hour of it twice
    assert first == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    second = trigger.get_next_fire_time(first, first)
    assert second - first > timedelta(hours=24)
    assert trigger.get_next_fire_time(second, first) > second  # the clock was set back after it had run


async def test_the_scheduler_runs_on_in_a_repeated_hour(storage: Storage) -> None:
    scheduler = _jobs(storage, Buttons(), 0.0, zone=ZoneInfo("Europe/Berlin")).scheduler()
    assert scheduler.timezone is UTC
    assert all(job.trigger.timezone is UTC for job in scheduler.get_jobs() if hasattr(job.trigger, "timezone"))


async def test_lanes_are_woken_for_due_windows(storage: Storage) -> None:
    woken = Woken()
    async with storage.transaction() as tx:
        for number, due in ((1, 50.0), (2, 150.0), (3, None)):
            chat = await storage.chats.ensure(tx, ChatKey(number), private=True, now=0.0)
            await storage.chats.set_due(tx, chat.id, due, 0)
    await _jobs(storage, Buttons(), 100.0, woken=woken).look_at_windows()
    assert woken.keys == [ChatKey(1)]
    await _jobs(storage, Buttons(), 100.0, woken=woken).compact_all()
    assert woken.keys == [ChatKey(1), ChatKey(1), ChatKey(2), ChatKey(3)]


async def test_expired_turns_are_deleted_with_their_words(storage: Storage) -> None:
    async with storage.transaction() as tx:
        chat = await storage.chats.ensure(tx, HOME, private=True, now=0.0)
        for number, word in enumerate(("zanzibar", "timbuktu", "samarkand")):
            said = NewTurn(word, "", tokens=1, message_id=number, sender_id=5)
            await storage.transcript.append(tx, chat.id, [said], now=number * DAY_S)
            await storage.transcript.give_up(tx, chat.id)
        await storage.memories.put(tx, chat, Memory(1, "notes", 1, made_at=0.0))
    await Indexer(storage.chats, storage.history, storage.search, ZONE).catch_up(chat.id)
    await _jobs(storage, Buttons(), 2.5 * DAY_S, said=1).retain()
    window = await storage.memories.window(chat.id)
    assert (window.memory, [turn.content for turn in window.turns]) == (None, ["samarkand"])
    assert await _terms(storage) >= {"samarkand"}
    assert not await _terms(storage) & {"zanzibar", "timbuktu"}


async def test_the_index_is_repaired_at_night(storage: Storage) -> None:
    async with storage.transaction() as tx:
        chat = await storage.chats.ensure(tx, HOME, private=True, now=0.0)
        await storage.transcript.append(tx, chat.id, [NewTurn("zanzibar", "", 1, 1, 5)], now=0.0)
        await storage.transcript.give_up(tx, chat.id)
        await storage.search.put(tx, chat.id, [TurnKey(999, "orphan", "")])
    await _jobs(storage, Buttons(), 0.0).repair_index()
    assert "zanzibar" in await _terms(storage)
    assert "orphan" not in await _terms(storage)


async def _terms(storage: Storage) -> set[str]:
    return {row["term"] for row in await storage.database.rows("SELECT term FROM turn_terms")}


async def test_backups_are_counted(storage: Storage, tmp_path: Path) -> None:
    def counted(result: str) -> float:
        return REGISTRY.get_sample_value("keepsake_backups_total", {"result": result}) or 0.0

    done, failed = counted("done"), counted("failed")
    await _jobs(
        storage, Buttons(), 9000.0, backups=BackupFolder(tmp_path / "keepsake.db", tmp_path / "to", 3)
    ).back_up()
    assert REGISTRY.get_sample_value("keepsake_backup_timestamp_seconds") == 9000.0
    (tmp_path / "file").write_text("")
    broken = BackupFolder(tmp_path / "keepsake.db", tmp_path / "file" / "to", keep=3)
    with pytest.raises(StorageError):
        await _jobs(storage, Buttons(), 99_000.0, backups=broken).back_up()
    assert (counted("done"), counted("failed")) == (done + 1, failed + 1)
    assert REGISTRY.get_sample_value("keepsake_backup_timestamp_seconds") == 9000.0


async def test_a_backup_is_made_once_due(storage: Storage, tmp_path: Path) -> None:
    folder = BackupFolder(tmp_path / "keepsake.db", tmp_path / "backups", keep=3)
    for hour, count in ((0, 1), (24, 1), (26, 2)):
        await _jobs(storage, Buttons(), hour * 3600.0, backups=folder).back_up_if_due()
        assert len(list((tmp_path / "backups").iterdir())) == count
    await _jobs(storage, Buttons(), 27 * 3600.0, backups=folder).back_up()
    assert len(list((tmp_path / "backups").iterdir())) == 3
