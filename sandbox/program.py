"""The sandbox program: command line options, and an orderly start and end of servers, bot and page or chat."""

import argparse
import asyncio
import io
import logging
import os
import shlex
import signal
import sqlite3
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from enum import Enum, auto
from importlib.util import find_spec
from pathlib import Path
from typing import TextIO
from urllib.parse import urlsplit

from sandbox.answering import NO_KEY, RemoteModel
from sandbox.page_session import run_page
from sandbox.terminal.session import Session
from sandbox.world import World

STDIN = 0
LAST_PORT = 65_535
PAGE_NEEDS = ("nicegui", "latex2mathml", "nh3", "pygments")
STOPPED_TWICE = 130
"""The exit code of a program ended at once by Ctrl-C ..."""
READER_GONE = 141
"""... and of one whose output is no longer read (``| head``)."""


class Face(Enum):
    """How people talk with the bot."""

    PAGE = auto()
    TERMINAL = auto()
    NONE = auto()


@dataclass(frozen=True, slots=True)
class Options:
    """The options; port 0 means any free one."""

    data: Path
    remote_model: RemoteModel | None
    local_model: bool
    bot_api_port: int
    model_port: int
    port: int
    bot: bool
    face: Face
    browser: bool


def parse(arguments: Sequence[str], name: str = "python -m sandbox") -> Options:
    """Parse the options; exits with a usage line if they are wrong. `name` is what the user has typed before them."""
    parser = argparse.ArgumentParser(prog=name, description="Try the bot on this machine, without Telegram.")
    faces = parser.add_mutually_exclusive_group()
    faces.add_argument("--page", action="store_true", help="a page for the browser (default if input is a terminal)")
    faces.add_argument("--terminal", action="store_true", help="a chat in the terminal (default if it isn't)")
    faces.add_argument("--headless", action="store_true", help="run only the servers, until stopped")
    parser.add_argument("--port", metavar="PORT", type=_port, default=0, help="of the page (default: any free port)")
    parser.add_argument("--no-browser", action="store_true", help="don't open the page, only print its address")
    _add_model_options(parser)
    parser.add_argument(
        "--data", metavar="DIR", type=Path, default=Path("data"), help="the folder for its files (default: data)"
    )
    parser.add_argument("--bot-api-port", metavar="PORT", type=_port, default=0, help="default: any free port")
    parser.add_argument("--model-port", metavar="PORT", type=_port, default=0, help="default: any free port")
    parser.add_argument("--no-bot", action="store_true", help="don't start a bot; print the variables it needs")
    given = parser.parse_args(arguments)
    if bool(given.model_url) != bool(given.model):
        parser.error("--model-url and --model go together")
    return Options(
        data=given.data,
        remote_model=_remote_model(given),
        local_model=not given.stand_in,
        bot_api_port=given.bot_api_port,
        model_port=given.model_port,
        port=given.port,
        bot=not (given.no_bot or given.headless),
        face=_face(given),
        browser=not given.no_browser,
    )


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port <= LAST_PORT:
        raise argparse.ArgumentTypeError(f"a port is a number from 0 to {LAST_PORT}")
    return port


def _add_model_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--stand-in", action="store_true", help="a stand-in answers instead of the local model")
    parser.add_argument("--model-url", metavar="URL", help="a model server elsewhere instead of the local model")
    parser.add_argument("--model", metavar="NAME", help="the model to use at --model-url")
    parser.add_argument(
        "--model-key", metavar="KEY", help="its key (default: OPENAI_API_KEY if OPENAI_BASE_URL is the same server)"
    )


def _face(given: argparse.Namespace) -> Face:
    if given.headless:
        return Face.NONE
    if given.terminal or not (given.page or os.isatty(STDIN)):
        return Face.TERMINAL
    if absent := [name for name in PAGE_NEEDS if find_spec(name) is None]:
        print(f"The page needs {', '.join(absent)} (the extra `page`): here is the chat in the terminal instead.")
        return Face.TERMINAL
    return Face.PAGE


def _remote_model(given: argparse.Namespace) -> RemoteModel | None:
    if not given.model_url:
        return None
    return RemoteModel(given.model_url, given.model, given.model_key or _key_of(given.model_url) or NO_KEY)


def _key_of(url: str) -> str | None:
    """The key in the environment, if it belongs to this server."""
    wanted, known = urlsplit(url), urlsplit(os.environ.get("OPENAI_BASE_URL", ""))
    same = (wanted.scheme, wanted.netloc) == (known.scheme, known.netloc)
    return os.environ.get("OPENAI_API_KEY") if same else None


def main(arguments: Sequence[str], bot: Sequence[str] | None, name: str = "python -m sandbox") -> int:
    """Run the sandbox with the bot's command line, or without a bot. Returns the exit code."""
    options = parse(arguments, name)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # the terminal's encoding may not have all characters
    with ExitStack() as stack:
        output = sys.stdout or stack.enter_context(Path(os.devnull).open("w", encoding="utf-8"))
        stack.callback(_let_go, output)
        try:
            options.data.mkdir(parents=True, exist_ok=True)
            logging.basicConfig(filename=options.data / "sandbox-servers.log", level=logging.WARNING)
            return asyncio.run(run(bot if options.bot else None, options, output))
        except BrokenPipeError:
            return READER_GONE
        except (OSError, sqlite3.Error) as exc:
            print(f"The sandbox had to stop: {exc}", file=sys.stderr)
            return 1
        except (KeyboardInterrupt, asyncio.CancelledError):
            return STOPPED_TWICE


def _let_go(output: TextIO) -> None:
    """Redirect unwritable output to /dev/null, or the interpreter would try again at exit and complain."""
    try:
        output.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), output.fileno())


async def run(bot: Sequence[str] | None, options: Options, output: TextIO) -> int:
    """Run until the input ends or a signal comes; a second signal ends the program at once."""
    ended = _ended_by_signal()
    world = World(
        options.data,
        options.remote_model,
        options.bot_api_port,
        options.model_port,
        bot=bot,
        local_model=options.local_model,
    )
    async with world:
        if world.bot is None:
            output.writelines(f"export {name}={shlex.quote(value)}\n" for name, value in world.environment.items())
        print(f"# {world.model_in_use.name}: {world.model_in_use.note}", file=output, flush=True)
        match options.face:
            case Face.TERMINAL:
                return await Session(world, STDIN, output).run(ended)
            case Face.PAGE:
                return await run_page(world, options.port, output, ended, browser=options.browser)
        await ended.wait()
    return 0


def _ended_by_signal() -> asyncio.Event:
    """An event set by the first signal; each further one cancels the program wherever it is waiting."""
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
