"""Order inside a lane, no waiting between lanes, and what belongs together in one batch."""

import asyncio
import json
from collections.abc import Sequence

import pytest

from bot.updates import lane_queue
from bot.updates import lanes as module
from bot.updates.lanes import DroppedUpdate, Lanes
from bot.updates.parsing import QueuedUpdate, parse
from storage.inbox import RawUpdate
from storage.records import ChatKey
from tests.updates.samples import FORWARD, NOW, NamedBot, arrival, message_json

HOME, OTHER = ChatKey(5), ChatKey(6)


class Recorder:
    """Lane work that notes what it gets and takes as long as a test wants."""

    def __init__(self) -> None:
        self.batches: list[tuple[ChatKey, list[int]]] = []
        self.overtaken: list[int] = []
        self.more: list[ChatKey] = []
        self.edits: list[int] = []
        self.arrivals: list[int] = []
        self.left_out: list[tuple[int, bool]] = []
        self.overheard: set[int] = set()
        self.gates: dict[ChatKey, asyncio.Event] = {}
        self.handled = asyncio.Event()

    async def handle(self, key: ChatKey, batch: Sequence[QueuedUpdate]) -> None:
        self.batches.append((key, [one.update_id for one in batch]))
        if key in self.gates:
            await self.gates[key].wait()
        if any(one.update.message and one.update.message.text == "boom" for one in batch):
            raise RuntimeError("boom")
        self.handled.set()

    def ends_sending(self, _: QueuedUpdate) -> bool:
        return False

    async def overtake(self, one: QueuedUpdate) -> None:
        self.overtaken.append(one.update_id)

    def is_overheard(self, arrival: QueuedUpdate) -> bool:
        return arrival.update_id in self.overheard

    async def overflow(self, dropped: Sequence[DroppedUpdate]) -> None:
        self.left_out += [(one.arrival.update_id, one.tell) for one in dropped]

    def more_to_come(self, key: ChatKey) -> None:
        self.more.append(key)

    def arrived(self, arrival: QueuedUpdate) -> None:
        self.arrivals.append(arrival.update_id)

    async def edited(self, arrival: QueuedUpdate) -> None:
        self.edits.append(arrival.update_id)


def _started(work: Recorder) -> Lanes:
    lanes = Lanes()
    lanes.start(work)
    return lanes


async def _drained(lanes: Lanes) -> None:
    await lanes.drain(5.0)


@pytest.fixture(autouse=True)
def short_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "GRACE_S", 0.05)


async def test_messages_during_turn_form_one_next_turn() -> None:
    work = Recorder()
    work.gates[HOME] = asyncio.Event()
    lanes = _started(work)
    lanes.put(arrival(1, "a"))
    await asyncio.sleep(0)
    for number in (2, 3, 4):
        lanes.put(arrival(number, "more"))
    work.gates.pop(HOME).set()
    await asyncio.sleep(0.01)
    assert work.batches == [(HOME, [1]), (HOME, [2, 3, 4])]
    await _drained(lanes)


async def test_a_command_keeps_its_place_between_messages() -> None:
    work = Recorder()
    lanes = _started(work)
    for number, text in enumerate(["a", "b", "/reset", "c"], start=1):
        lanes.put(arrival(number, text))
    await asyncio.sleep(0.01)
    assert work.batches == [(HOME, [1, 2]), (HOME, [3]), (HOME, [4])]
    await _drained(lanes)


async def test_a_slow_chat_delays_no_other() -> None:
    work = Recorder()
    work.gates[HOME] = asyncio.Event()
    lanes = _started(work)
    lanes.put(arrival(1, "slow"))
    lanes.put(arrival(2, "quick", chat_id=6))
    async with asyncio.timeout(1):
        await work.handled.wait()
    assert work.batches == [(HOME, [1]), (OTHER, [2])]
    work.gates.pop(HOME).set()
    await _drained(lanes)


async def test_stop_overtakes_queue_and_lane_wakes_afterwards() -> None:
    """After it the lane runs once without messages, before the next command."""
    work = Recorder()
    work.gates[HOME] = gate = asyncio.Event()
    lanes = _started(work)
    lanes.put(arrival(1, "a"))
    await asyncio.sleep(0)
    lanes.put(arrival(2, "/reset"))
    lanes.put(arrival(3, "/stop"))
    await asyncio.sleep(0.01)
    assert work.overtaken == [3]
    del work.gates[HOME]
    gate.set()
    await asyncio.sleep(0.01)
    assert work.batches == [(HOME, [1]), (HOME, []), (HOME, [2])]
    await _drained(lanes)


async def test_parts_of_long_paste_are_awaited() -> None:
    work = Recorder()
    lanes = _started(work)
    lanes.put(arrival(1, "x" * 4090))
    await asyncio.sleep(0.02)
    assert work.batches == []
    lanes.put(arrival(2, "rest"))
    await asyncio.sleep(0.02)
    assert work.batches == [(HOME, [1, 2])]
    await _drained(lanes)


async def test_missing_part_of_paste_is_awaited_briefly() -> None:
    work = Recorder()
    lanes = _started(work)
    lanes.put(arrival(1, "x" * 4090))
    async with asyncio.timeout(1):
        await work.handled.wait()
    await _drained(lanes)


async def test_forward_after_comment_restarts_the_turn() -> None:
    work = Recorder()
    work.gates[HOME] = gate = asyncio.Event()
    lanes = _started(work)
    lanes.put(arrival(1, "what do you think?"))
    await asyncio.sleep(0)
    lanes.put(arrival(2, "the news", **FORWARD))
    assert work.more == [HOME]
    gate.set()
    await _drained(lanes)


async def test_lane_survives_failure_and_ends_when_idle() -> None:
    work = Recorder()
    lanes = _started(work)
    lanes.put(arrival(1, "boom"))
    lanes.put(arrival(2, "/help"))
    await asyncio.sleep(0.01)
    assert work.batches == [(HOME, [1]), (HOME, [2])]
    assert lanes._lanes == {}
    await _drained(lanes)


async def test_draining_finishes_current_work_only() -> None:
    """The rest is left to the next start."""
    work = Recorder()
    work.gates[HOME] = gate = asyncio.Event()
    lanes = _started(work)
    lanes.put(arrival(1, "a"))
    await asyncio.sleep(0)
    lanes.put(arrival(2, "/help"))
    asyncio.get_running_loop().call_later(0.02, gate.set)
    await lanes.drain(5.0)
    lanes.put(arrival(3, "late"))
    await asyncio.sleep(0.01)
    assert work.batches == [(HOME, [1])]


async def test_draining_cancels_what_takes_too_long() -> None:
    work = Recorder()
    work.gates[HOME] = asyncio.Event()
    lanes = _started(work)
    lanes.put(arrival(1, "a"))
    await asyncio.sleep(0)
    await lanes.drain(0.01)
    assert not work.handled.is_set()


async def test_queue_overflow_is_dropped_and_reported_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lane_queue, "MOST_WAITING", 2)
    work = Recorder()
    work.gates[HOME] = asyncio.Event()
    lanes = _started(work)
    lanes.put(arrival(1, "a"))
    await asyncio.sleep(0)
    for number in range(2, 7):
        lanes.put(arrival(number, f"/{number}"))
    await asyncio.sleep(0)
    assert work.left_out == [(4, True), (5, False), (6, False)]
    work.gates[HOME].set()
    await _drained(lanes)
    assert [numbers for _, numbers in work.batches if numbers] == [[1]]


async def test_what_nobody_asks_waits_beside_the_questions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lane_queue, "MOST_WAITING", 1)
    monkeypatch.setattr(lane_queue, "MOST_OVERHEARD", 5)
    work = Recorder()
    work.overheard = {*range(2, 9)} - {5, 6}
    work.gates[HOME] = asyncio.Event()
    lanes = _started(work)
    lanes.put(arrival(1, "a"))
    await asyncio.sleep(0)
    for number in range(2, 9):
        lanes.put(arrival(number, f"/{number}"))
    await asyncio.sleep(0)
    assert [number for number, _ in work.left_out] == [6, 8]
    work.gates[HOME].set()
    for _ in range(20):
        await asyncio.sleep(0)
    lanes.put(arrival(9, "/9"))
    await asyncio.sleep(0.01)
    assert [numbers for _, numbers in work.batches if numbers] == [[1], [2], [3], [4], [5], [7], [9]]
    await _drained(lanes)


async def test_stops_are_handled_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_STOPS", 3)
    work, gate = Recorder(), asyncio.Event()
    lanes = _started(work)

    async def overtake(one: QueuedUpdate) -> None:
        work.overtaken.append(one.update_id)
        await gate.wait()

    monkeypatch.setattr(work, "overtake", overtake)
    lanes.put(arrival(1, "/stop"))
    await asyncio.sleep(0)
    for number in range(2, 8):
        lanes.put(arrival(number, "/stop"))
    await asyncio.sleep(0)
    assert work.overtaken == [1]
    gate.set()
    await _drained(lanes)
    assert work.left_out == [(5, False), (6, False), (7, False)]


async def test_one_member_leaves_room_to_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lane_queue, "MOST_OF_MEMBER", 3)
    monkeypatch.setattr(lane_queue, "MOST_ORDERS", 2)
    work, group = Recorder(), ChatKey(-5)
    work.gates[group] = asyncio.Event()
    lanes = _started(work)
    lanes.put(arrival(1, "a", chat_id=-5, sender=9))
    await asyncio.sleep(0)
    for number in range(2, 6):
        lanes.put(arrival(number, "/help", chat_id=-5, sender=7))
    for number in range(6, 11):
        lanes.put(arrival(number, "a", chat_id=-5, sender=7))
    lanes.put(arrival(11, "/help", chat_id=-5, sender=8))
    lanes.put(arrival(12, "a", chat_id=-5, sender=8))
    await asyncio.sleep(0)
    assert work.left_out == [(4, True), (5, False), (9, False), (10, False)]
    work.gates[group].set()
    for _ in range(30):
        await asyncio.sleep(0)
    assert [numbers for _, numbers in work.batches if numbers] == [[1], [2], [3], [6, 7, 8], [11], [12]]
    await _drained(lanes)


async def test_newer_edit_replaces_one_that_waits() -> None:
    work = Recorder()
    work.gates[HOME] = asyncio.Event()
    lanes = _started(work)
    lanes.put(arrival(1, "a"))
    await asyncio.sleep(0)
    for number in range(2, 6):
        lanes.put(_edit(number, 1))
    lanes.put(_edit(6, 2))
    lanes.put(_edit(7, 1))
    await asyncio.sleep(0)
    assert [number for number, _ in work.left_out] == [2, 3, 4, 5]
    assert lanes.has_queued(HOME)
    work.gates[HOME].set()
    for _ in range(30):
        await asyncio.sleep(0)
    assert [numbers for _, numbers in work.batches if numbers] == [[1], [6], [7]]
    await _drained(lanes)


def _edit(update_id: int, message_id: int) -> QueuedUpdate:
    body = json.loads(message_json(message_id, "b"))["message"] | {"edit_date": NOW}
    return parse(RawUpdate(update_id, json.dumps({"update_id": update_id, "edited_message": body})), NamedBot())
