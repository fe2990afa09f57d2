"""A process that has read the bot's modules and forks a bot for each order: ``python -m tests.e2e.forkserver FD``.

The bot that ``python -m bot`` starts reads for more than a second before it does anything. A forked one is a process
like any other: environment, folder, streams, session, signals and exit code are its own, and it runs the same ``main``.
This one has a single thread and no event loop, so nothing is under way in it that the fork would miss. What forked bots
share is what was read, and the seed of their hashes: tests of the start itself take the fixture ``program``.
"""

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
from tests.e2e.poison import poisoned

COMMANDS = ("bot.app", "bot.doctor.visit", "bot.shell", "bot.archive.importing")
"""What the commands of the shell import when they are named."""
STREAMS = 3
SIZE_BYTES = 8
"""An order is its size and its descriptors, then its words: the two never come apart."""


@dataclass(frozen=True, slots=True)
class Order:
    """A bot that is wanted; nothing but this environment is in it."""

    arguments: Sequence[str]
    environment: Mapping[str, str]
    folder: str


def serve(orders: socket.socket) -> None:
    """Fork for every order until nobody can give one any more."""
    while True:
        size, descriptors, _, _ = socket.recv_fds(orders, SIZE_BYTES, STREAMS + 1)
        if not size:
            return
        order = Order(**json.loads(orders.recv(int.from_bytes(size), socket.MSG_WAITALL)))
        if os.fork() == 0:
            orders.close()
            _keep(order, *descriptors)
        for descriptor in descriptors:
            os.close(descriptor)
        _reap()


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
    sys.exit(bot_main(order.arguments))


def _reap() -> None:
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _prepare() -> None:
    for module in COMMANDS:
        importlib.import_module(module)
    read = cache(tokens.qwen_encoding)
    read()
    tokens.qwen_encoding = read
    gc.collect()
    gc.freeze()  # so that no bot's collector touches, and the kernel copies, what all of them share


if __name__ == "__main__":
    with socket.socket(fileno=int(sys.argv[1])) as orders:
        _prepare()
        serve(orders)
