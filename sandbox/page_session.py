"""The sandbox with its page: the bot, the inspector and the page run together until a signal comes."""

import asyncio
import os
import sys
import webbrowser
from typing import TextIO

from sandbox.world import World

GOODBYE = "Stopping once the bot has finished its answer (Ctrl-C stops it now)."


async def run_page(world: World, port: int, output: TextIO, ended: asyncio.Event, *, browser: bool) -> int:
    """Serve the page at `port` (0: any free one) until `ended` is set. Returns the exit code."""
    from sandbox.page import serve_page  # its library takes a second to import, and is an extra

    def report_death(code: int) -> None:
        lines = [] if world.bot is None else world.bot.last_lines()
        print("\n".join([*lines, f"The bot ended by itself, with exit code {code}."]), file=output, flush=True)

    if world.bot is not None:
        world.bot.on_death = report_death
        await world.bot.start()
        print(f"The bot's log: {world.bot.log}", file=output)
    async with serve_page(world, port) as address:
        world.start_inspector(address.partition("/?")[0])
        print(f"Talk to the bot at {address}\nCtrl-C ends it.", file=output, flush=True)
        if browser and has_display():
            await asyncio.to_thread(webbrowser.open, address)
        await ended.wait()
        print(GOODBYE, file=output, flush=True)
    return 0


def has_display() -> bool:
    """Whether a browser has a window here: over ssh, one in the terminal would be in the way."""
    return sys.platform == "darwin" or any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))
