"""Notices in a group wait for answers, but not without end."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

from bot.handlers.cancellation import Cancellations
from bot.handlers.sending import LONGEST_WAIT_S, MOST_KNOWN, OutboxSender, OverdueNotices
from bot.updates.in_flight import InFlightFile
from bot.updates.quarantine import Quarantine
from storage import Storage
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


async def test_notice_waits_for_answers_only_so_long(storage: Storage, tmp_path: Path) -> None:
    busy, now, quarantine = cast("Any", Busy()), 0.0, Quarantine(InFlightFile(tmp_path / "inflight"))
    quarantine.open()
    sender = OutboxSender(
        storage,
        deliverer=busy,
        cancellations=Cancellations(storage, has_question=busy.has_question),
        set_aside=busy,
        quarantine=quarantine,
        access=busy,
        lanes=busy,
        clock=lambda: now,
    )
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


def test_notices_that_are_never_sent_are_forgotten() -> None:
    overdue = OverdueNotices(lambda: 0.0)
    for number in range(MOST_KNOWN + 5):
        overdue.has(number)
    assert len(overdue._since) == MOST_KNOWN
