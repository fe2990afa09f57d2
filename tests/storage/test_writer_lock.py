"""The writer's lock serves urgent writes first, and the others in order."""

import asyncio
from contextlib import suppress

from storage.writer_lock import WriterLock


async def _waiting(lock: WriterLock, order: list[str], name: str, *, first: bool = False) -> asyncio.Task[None]:
    async def write() -> None:
        async with lock.turn(first=first):
            order.append(name)
            await asyncio.sleep(0)

    task = asyncio.create_task(write())
    await asyncio.sleep(0)
    return task


async def test_urgent_writes_go_first() -> None:
    lock, order = WriterLock(), list[str]()
    async with lock.turn():
        tasks = [await _waiting(lock, order, "a"), await _waiting(lock, order, "b")]
        tasks += [await _waiting(lock, order, "urgent", first=True), await _waiting(lock, order, "more", first=True)]
    await asyncio.gather(*tasks)
    assert order == ["urgent", "more", "a", "b"]


async def test_cancelled_writes_are_skipped() -> None:
    lock, order = WriterLock(), list[str]()
    async with lock.turn():
        gone, after = await _waiting(lock, order, "gone"), await _waiting(lock, order, "after")
        gone.cancel()
        await asyncio.sleep(0)
    await after
    assert order == ["after"]


async def test_turn_that_comes_with_cancellation_is_passed_on() -> None:
    lock, order = WriterLock(), list[str]()
    async with lock.turn():
        gone, after = await _waiting(lock, order, "gone"), await _waiting(lock, order, "after")
    gone.cancel()  # it has its turn, but hasn't run yet
    await after
    with suppress(asyncio.CancelledError):
        await gone
    assert order == ["after"]
    async with lock.turn():
        pass


async def test_failure_in_the_block_releases_it() -> None:
    lock = WriterLock()
    with suppress(ValueError):
        async with lock.turn():
            raise ValueError
    async with asyncio.timeout(1), lock.turn():
        pass
