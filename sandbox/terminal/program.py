"""The sandbox as a program: servers, bot and chat are started together, and ended in order."""

import asyncio
import io
import logging
import os
import shlex
import signal
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TextIO

from sandbox.terminal.options import Options, parse
from sandbox.terminal.session import Session
from sandbox.world import World

STDIN = 0
STOPPED_TWICE = 130
"""What a shell reports for a program that Ctrl-C has ended at once ..."""
READER_GONE = 141
"""... and for one whose output nobody reads any more (``| head``)."""


def main(arguments: Sequence[str], bot: Sequence[str] | None) -> int:
    """Run the sandbox; `bot` is the command line of the bot to put into it, or None. Returns the exit code."""
    options = parse(arguments)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # an answer may hold what this terminal's encoding lacks
    with ExitStack() as stack:
        output = sys.stdout or stack.enter_context(Path(os.devnull).open("w", encoding="utf-8"))
        stack.callback(_let_go, output)
        try:
            options.data.mkdir(parents=True, exist_ok=True)
            logging.basicConfig(filename=options.data / "sandbox-servers.log", level=logging.WARNING)
            return asyncio.run(run(bot if options.bot else None, options, output))
        except BrokenPipeError:
            return READER_GONE
        except OSError as exc:
            print(f"The sandbox can't go on: {exc}", file=sys.stderr)
            return 1
        except (KeyboardInterrupt, asyncio.CancelledError):
            return STOPPED_TWICE


def _let_go(output: TextIO) -> None:
    """What can't be written goes nowhere: else the end of the process would try once more, and complain."""
    try:
        output.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), output.fileno())


async def run(bot: Sequence[str] | None, options: Options, output: TextIO) -> int:
    """Run until the input ends or a signal comes; a second signal ends the program at once."""
    ended = _ended_by_signal()
    ports = {"bot_api_port": options.bot_api_port, "model_port": options.model_port}
    async with World(options.data, remote_model=options.remote_model, **ports) as world:
        if bot is None:
            output.writelines(f"export {name}={shlex.quote(value)}\n" for name, value in world.environment.items())
            output.flush()
        if options.chat:
            return await Session(world, bot, STDIN, output).run(ended)
        await ended.wait()
    return 0


def _ended_by_signal() -> asyncio.Event:
    """The first signal sets the event; each further one cancels whatever still waits, wherever it stands."""
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    program = asyncio.current_task()

    def end() -> None:
        if ended.is_set() and program is not None:
            program.cancel()
        ended.set()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, end)
    return ended
