"""Notices in a group wait for answers, but not without end."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest

from bot.handlers.cancellation import Cancellations
from bot.handlers.sending import LONGEST_WAIT_S, MOST_KNOWN, OutboxSender, OverdueNotices
from bot.updates.in_flight import InFlightFile
from bot.updates.quarantine import Quarantine
from storage import Storage, StorageError, database, until_stored
from storage.outbox import Outbox
from storage.records import ChatKey, Notice

GROUP = ChatKey(-100)


class Busy:
    """A group whose lane always has a question; `sent` has the notices that went out anyway."""

    def __init__(self) -> None:
        self.sent: list[str] = []

    def has_question(self, _: ChatKey) -> bool:
        return True

    async def spare_turn(self, _: object, wanted: Callable[[], bool]) -> bool:
        return wanted()

    async def notice(self, _: object, text: str, *_rest: object, **_more: object) -> int:
        self.sent.append(text)
        return len(self.sent)


class PassingError(StorageError):
    """A failure that may pass."""

    may_pass = True


def sender_of(storage: Storage, busy: Any, folder: Path, clock: Callable[[], float]) -> OutboxSender:
    quarantine = Quarantine(InFlightFile(folder / "inflight"))
    quarantine.open()
    return OutboxSender(
        storage,
        deliverer=busy,
        cancellations=Cancellations(storage, has_question=busy.has_question),
        set_aside=busy,
        quarantine=quarantine,
        access=busy,
        lanes=busy,
        clock=clock,
    )


async def test_notice_waits_for_answers_only_so_long(storage: Storage, tmp_path: Path) -> None:
    busy, now = cast("Any", Busy()), 0.0
    sender = sender_of(storage, busy, tmp_path, lambda: now)
    async with storage.transaction() as tx:
        for text in ("one", "two"):
            await storage.outbox.add(tx, Notice(GROUP, False, text))
    await sender.send_notices(GROUP)
    await sender.send_notices(GROUP, about=[7])
    assert not busy.sent
    now = LONGEST_WAIT_S
    await sender.send_notices(GROUP, about=[7])
    assert busy.sent == ["one"]
    await sender.send_notices(GROUP)
    assert busy.sent == ["one", "two"]


async def test_notice_that_has_arrived_is_not_repeated(
    storage: Storage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database fails just when it is to be stored that Telegram has taken it."""
    monkeypatch.setattr(database, "WRITE_AGAIN_AFTER_S", (0.0, 0.0))
    failures = [PassingError(), PassingError()]
    store = Outbox.notice_sent

    async def fail_first(*given: Any) -> None:
        if failures:
            raise failures.pop()
        await store(*given)

    monkeypatch.setattr(Outbox, "notice_sent", fail_first)
    busy = cast("Any", Busy())
    async with storage.transaction() as tx:
        await storage.outbox.add(tx, Notice(ChatKey(1), True, "one"))
    await until_stored(lambda: sender_of(storage, busy, tmp_path, lambda: 0.0).send_notices(ChatKey(1)))
    assert busy.sent == ["one"]
    assert await storage.outbox.notices(ChatKey(1)) == []


def test_notices_that_are_never_sent_are_forgotten() -> None:
    overdue = OverdueNotices(lambda: 0.0)
    for number in range(MOST_KNOWN + 5):
        overdue.has(number)
    assert len(overdue._since) == MOST_KNOWN
