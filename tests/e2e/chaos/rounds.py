"""What goes wrong: the bot is killed, the disk is full, a server is gone, the clock jumps.

Each round leaves the bot running, with everything in order again.
"""

import asyncio
from collections.abc import Awaitable, Callable

from tests.e2e.chaos.one_process import OneProcess

IN_START = 0.2
"""The share of the kills that don't wait until the bot has started."""
AFTER_KILL = 3
"""What happens at most while the bot is down."""
EVERY_S = 2.0
"""How often something happens while something is gone."""
DAY_S = 86_400.0
JUMPS = (2 * DAY_S, -DAY_S, 3600.0, 0.0)
"""What the bot's clock is off by."""


async def kills(world: OneProcess, count: int, life_s: float) -> None:
    """Kill the bot at random moments: in its start, or at most so many seconds after it first asks for updates."""
    for _ in range(count):
        await world.bot.start()
        if world.random.random() >= IN_START:
            await world.ready()
        times = world.random.randrange(1, 8)
        for _ in range(times):
            await world.crowd.act(world.random.randrange(3))
            await asyncio.sleep(world.random.uniform(0, life_s / times))
        await world.kill()
        await world.crowd.act(world.random.randrange(AFTER_KILL + 1))
    await world.bot.start()


async def full_disk(world: OneProcess, seconds: float) -> None:
    """No file can be written while the bot runs."""
    world.fill_disk()
    await _meanwhile(world, seconds)
    world.free_disk()
    await _supervised(world)


async def read_only_database(world: OneProcess, seconds: float) -> None:
    """The bot finds files that it may not write when it starts; a supervisor starts it again and again."""
    await world.kill()
    world.protect(protected=True)
    try:
        await _meanwhile(world, seconds, lambda: _supervised(world))
    finally:
        world.protect(protected=False)
    await _supervised(world)


async def locked_database(world: OneProcess, seconds: float) -> None:
    """Another program is writing to it."""
    with world.locked():
        await _meanwhile(world, seconds)


async def bot_api_gone(world: OneProcess, seconds: float) -> None:
    """Nobody listens at its address."""
    await world.bot_api.begin()
    await _meanwhile(world, seconds)
    await world.bot_api.end()


async def model_gone(world: OneProcess, seconds: float) -> None:
    """Chats that were told of it ask again afterwards."""
    await world.model.begin()
    await _meanwhile(world, seconds)
    await world.model.end()
    await world.until_quiet()
    await world.crowd.retry_unanswered()


async def clock_jumps(world: OneProcess, seconds: float) -> None:
    """The clock goes forward and back while the bot runs, and over a kill."""
    for jump in JUMPS:
        world.shift_clock(jump)
        await _meanwhile(world, seconds / len(JUMPS))
        await world.kill()
        await world.bot.start()


ROUNDS: dict[str, Callable[[OneProcess, float], Awaitable[None]]] = {
    "a full disk": full_disk,
    "a read-only database": read_only_database,
    "a locked database": locked_database,
    "no Bot API": bot_api_gone,
    "no model server": model_gone,
    "clock jumps": clock_jumps,
}


async def _meanwhile(world: OneProcess, seconds: float, also: Callable[[], Awaitable[None]] | None = None) -> None:
    times = max(4, round(seconds / EVERY_S))
    for _ in range(times):
        await world.crowd.act()
        if also is not None:
            await also()
        await asyncio.sleep(seconds / times)


async def _supervised(world: OneProcess) -> None:
    """Start the bot again if it has ended by itself."""
    if not world.bot.running:
        world.own_ends += 1
        await world.bot.start()
