"""Who waits for a place is served in turn."""

import asyncio

import pytest

from bot.media.pool import Rounds


class _Jobs:
    """Jobs that end when they are told to; `begun` is in order."""

    def __init__(self, rounds: Rounds) -> None:
        self.begun: list[str] = []
        self._rounds = rounds
        self._ends: dict[str, asyncio.Event] = {}

    def start(self, *names: str) -> list["asyncio.Task[None]"]:
        return [asyncio.create_task(self._do(name)) for name in names]

    def end(self, name: str) -> None:
        self._ends[name].set()

    async def _do(self, name: str) -> None:
        self._ends[name] = asyncio.Event()
        async with self._rounds.reserve(name[0]):
            self.begun.append(name)
            await self._ends[name].wait()


@pytest.fixture
def jobs() -> _Jobs:
    return _Jobs(Rounds(2))


async def _settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_many_jobs_of_one_leave_room_for_another(jobs: _Jobs) -> None:
    tasks = jobs.start(*(f"a{at}" for at in range(9)))
    await _settle()
    tasks += jobs.start("b0")
    await _settle()
    assert jobs.begun == ["a0", "b0"]
    for at in range(9):
        jobs.end(f"a{at}")
        await _settle()
    jobs.end("b0")
    await asyncio.gather(*tasks)
    assert jobs.begun == ["a0", "b0", *(f"a{at}" for at in range(1, 9))]


async def test_owners_who_wait_are_served_in_turn(jobs: _Jobs) -> None:
    tasks = jobs.start("a0", "b0", "c0", "c1", "c2", "a1", "d0", "d1")
    await _settle()
    for name in ("a0", "c0", "d0", "a1", "c1", "d1", "c2", "b0"):
        jobs.end(name)
        await _settle()
    await asyncio.gather(*tasks)
    assert jobs.begun == ["a0", "b0", "c0", "a1", "d0", "c1", "d1", "c2"]


async def test_one_who_gives_up_waiting_takes_no_place(jobs: _Jobs) -> None:
    first = jobs.start("a0", "b0")
    await _settle()
    waiting = jobs.start("c0", "d0", "c1")
    await _settle()
    waiting[0].cancel()
    waiting[1].cancel()
    await _settle()
    jobs.end("a0")
    await _settle()
    assert jobs.begun == ["a0", "b0", "c1"]
    jobs.end("b0")
    jobs.end("c1")
    await asyncio.gather(*first, waiting[2])


async def test_place_given_to_leaver_is_passed_on(jobs: _Jobs) -> None:
    first = jobs.start("a0", "b0")
    await _settle()
    waiting = jobs.start("c0", "d0")
    await _settle()
    jobs.end("a0")
    await asyncio.sleep(0)
    await asyncio.sleep(0)  # c has the place and does not know it yet
    waiting[0].cancel()
    await _settle()
    jobs.end("d0")
    jobs.end("b0")
    await asyncio.gather(*first, waiting[1])
    assert jobs.begun[-1] == "d0"


async def test_places_are_free_after_all_give_up(jobs: _Jobs) -> None:
    tasks = jobs.start(*(f"{owner}{at}" for owner in "abcd" for at in range(3)))
    await _settle()
    for task in tasks:
        task.cancel()
    assert all(isinstance(end, asyncio.CancelledError) for end in await asyncio.gather(*tasks, return_exceptions=True))
    last = jobs.start("a9", "e0")
    await _settle()
    assert jobs.begun[-2:] == ["a9", "e0"]
    jobs.end("a9")
    jobs.end("e0")
    await asyncio.gather(*last)
