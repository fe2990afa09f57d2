"""Running several things at once until the first of them ends."""

import asyncio
from collections.abc import Coroutine


async def until_first(*works: Coroutine[object, object, object]) -> None:
    """Run all until one ends, cancel the others, and raise its exception, if any."""
    tasks = [asyncio.create_task(work) for work in works]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
    for task in done:
        task.result()
