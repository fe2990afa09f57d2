"""What ends a bot's process: put into the forked process before it begins, since no test reaches into a running one."""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from bot.conversation import index_keys
from bot.conversation.generation import Generation
from bot.inbound import reading
from bot.inbound.downloads import Downloads
from bot.outbound import delivery
from bot.scheduler import Jobs

WORD = "poison"
"""What has this word in it is poison."""


HUNG = "hung"


def poisoned(what: str) -> None:
    """`what`: where it strikes and how, such as ``reading:kill``."""
    place, _, way = what.partition(":")
    PLACES[place](kill if way == "kill" else hang)


def kill() -> NoReturn:
    """As the kernel does when memory runs out."""
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("unreachable")


def hang() -> NoReturn:
    """As a loop does that never ends; the file in the bot's folder is for whoever waits for that."""
    Path(HUNG).touch()
    while True:
        pass


def _reading(strike: Callable[[], NoReturn]) -> None:
    """A message's words."""

    read = reading.said

    def said(one: Any, bot_id: int) -> Any:
        if WORD in (one.text or one.caption or ""):
            strike()
        return read(one, bot_id)

    vars(reading)["said"] = said


def _files(strike: Callable[[], NoReturn]) -> None:
    """A file that is fetched, when it has come."""
    whole = Downloads._persistently

    async def persistently(self: Downloads, *of: Any) -> Any:
        data = await whole(self, *of)
        if data and WORD.encode() in data:
            strike()
        return data

    Downloads._persistently = persistently  # type: ignore[method-assign, assignment]


def _splitting(strike: Callable[[], NoReturn]) -> None:
    """A stored reply that is cut into parts."""
    cut = vars(delivery)["pieces"]

    def pieces(source: str, *of: Any, **more: Any) -> Any:
        if WORD in source:
            strike()
        return cut(source, *of, **more)

    vars(delivery)["pieces"] = pieces


def _notices(strike: Callable[[], NoReturn]) -> None:
    """A text of ours."""
    cut = vars(delivery)["plain_piece"]

    def piece(text: str, offset: int) -> Any:
        if WORD in text:
            strike()
        return cut(text, offset)

    vars(delivery)["plain_piece"] = piece


def _answers(strike: Callable[[], NoReturn]) -> None:
    """What the model says, while it says it."""
    write = Generation.write

    async def poisoned_write(self: Generation, *of: Any) -> None:
        await write(self, *of)
        if WORD in self.text:
            strike()

    Generation.write = poisoned_write  # type: ignore[method-assign, assignment]


def _indexing(strike: Callable[[], NoReturn]) -> None:
    """A turn that is made searchable, in a thread."""
    text = vars(index_keys)["index_text"]

    def index_text(words: str, *of: Any) -> Any:
        if WORD in words:
            strike()
        return text(words, *of)

    vars(index_keys)["index_text"] = index_text


def _jobs(strike: Callable[[], NoReturn]) -> None:
    """A scheduled job, right after the start."""

    async def purge_resets(_: Jobs) -> None:
        strike()

    Jobs.purge_resets = purge_resets  # type: ignore[method-assign, assignment]


PLACES = {
    "indexing": _indexing,
    "jobs": _jobs,
    "reading": _reading,
    "files": _files,
    "splitting": _splitting,
    "notices": _notices,
    "answers": _answers,
}
