"""A process that has read the bot's modules and forks a bot for each order.

``python -m tests.e2e.forkserver FD PID`` hears orders at the socket FD, from all processes of a test run, until the
process PID has ended, which is the first of them.

The bot that ``python -m bot`` starts reads for more than a second before it does anything. A forked one is a process
like any other: environment, folder, streams, session, signals and exit code are its own, and it runs the same ``main``.
This one has a single thread and no event loop, so nothing is under way in it that the fork would miss. What forked bots
share is what was read, and the seed of their hashes: tests of the start itself take the fixture ``program``. And they
end without taking themselves apart, which would copy all that they share, object by object.
"""

import atexit
import contextlib
import gc
import importlib
import json
import os
import socket
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import NoReturn

from bot.__main__ import main as bot_main
from bot.conversation import tokens
from bot.http import trust
from bot.language import LANGUAGES, catalogue
from bot.llm.known import KNOWN
from bot.outbound import reach
from storage.sqlite import SQLiteDatabase
from tests.e2e.poison import poisoned

SQLiteDatabase.checks_reads = True
SQLiteDatabase.synchronous = "OFF"

LATE = (
    *("bot.app", "bot.doctor.checkup", "bot.cli.data", "bot.archive.importing"),
    *("httpcore", "httpcore2", "anyio._backends._asyncio", "openai.resources.chat.chat"),
)
"""What is imported when a command is named, and with the first request."""
STREAMS = 3
LOOK_S = 1.0
"""How often it looks whether the run has ended."""
QUICK_S = 0.2
"""How often Telegram is asked after a failure, where LOST_S says how soon it counts as out of reach."""
SIZE_BYTES = 8
"""An order is its size and its descriptors, then its words: the two never come apart."""


@dataclass(frozen=True, slots=True)
class Order:
    """A bot that is wanted; nothing but this environment is in it."""

    arguments: Sequence[str]
    environment: Mapping[str, str]
    folder: str


def serve(listener: socket.socket, run: int) -> None:
    """Fork for every order until the run has ended."""
    listener.settimeout(LOOK_S)
    while _lives(run):
        with contextlib.suppress(TimeoutError):
            orders, _ = listener.accept()
            size, descriptors, _, _ = socket.recv_fds(orders, SIZE_BYTES, STREAMS + 1)
            order = Order(**json.loads(orders.recv(int.from_bytes(size), socket.MSG_WAITALL)))
            orders.close()
            if os.fork() == 0:
                listener.close()
                _keep(order, *descriptors)
            for descriptor in descriptors:
                os.close(descriptor)
        _reap()


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def _keep(order: Order, report: int, *streams: int) -> NoReturn:
    """Be the bot's parent, who tells its id and, when it has ended, its exit code (negative: the signal)."""
    bot = os.fork()
    if bot == 0:
        os.close(report)
        _be_bot(order, streams)
    for stream in streams:
        os.close(stream)
    os.write(report, b"%d\n" % bot)
    _, status = os.waitpid(bot, 0)
    with contextlib.suppress(BrokenPipeError):  # a test that failed has gone without listening
        os.write(report, b"%d\n" % os.waitstatus_to_exitcode(status))
    os._exit(0)


def _be_bot(order: Order, streams: tuple[int, ...]) -> NoReturn:
    os.setsid()
    os.chdir(order.folder)
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.environ.clear()
    os.environ.update(order.environment)
    if poison := os.environ.pop("POISON", None):
        poisoned(poison)
    if lost := os.environ.pop("LOST_S", None):
        reach.LOST_S, reach.ASK_EVERY_S = float(lost), QUICK_S
    code = 1  # of an exception, which the interpreter shows before it ends

    def end() -> None:
        """After all threads and what else wants to run at the end: whoever registers first is the last to be called."""
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)

    atexit.register(end)
    try:
        code = bot_main(order.arguments)
    except SystemExit as exc:
        code = exc.code if isinstance(exc.code, int) else 0 if exc.code is None else 1
        raise
    sys.exit(code)


def _reap() -> None:
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _prepare() -> None:
    for module in LATE:
        importlib.import_module(module)
    read = cache(tokens.qwen_encoding)
    read()
    tokens.qwen_encoding = read
    trust()
    KNOWN.model("any")  # its patterns are translated once
    KNOWN.server("http://any")
    for language in LANGUAGES:
        catalogue(language)
    gc.collect()
    gc.freeze()  # so that no bot's collector touches, and the kernel copies, what all of them share


if __name__ == "__main__":
    if os.fork() == 0:  # whoever has started it waits for nothing
        with socket.socket(fileno=int(sys.argv[1])) as listener:
            _prepare()
            serve(listener, int(sys.argv[2]))
