"""What is in flight, as lines of fixed length. With SQLite they are a file next to the database.

Each line of the file is written in one call. With PostgreSQL, the text is in the database: see ``in_flight_record``.

The first line has the slot that is running and whether the process is shutting down; every other line is one piece of
work. Slots are line numbers, and slot 0 means none.
"""

import logging
import os
import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from storage.database import Database
from storage.records import ChatKey

LINE = 96
"""Bytes per line, including its end: enough for four numbers of 20 digits."""
_HEAD = re.compile(rb"keepsake-in-flight 1 (running|ending) (\d+) *\n")
_MARK = re.compile(rb"(update|answer|delivery|notice|compaction|indexing|turn|job) (\d+) (-?\d+) (\d+) (\d+) (\w+) *\n")
_BLANK = re.compile(rb" *\n")
BINARY = getattr(os, "O_BINARY", 0)
"""Needed on Windows."""
MOST_LINES = 10_000
"""The most lines to read: the bot never writes this many."""

log = logging.getLogger(__name__)


class WorkKind(StrEnum):
    """The kinds of work that can be in flight."""

    UPDATE = "update"
    ANSWER = "answer"
    DELIVERY = "delivery"
    NOTICE = "notice"
    COMPACTION = "compaction"
    INDEXING = "indexing"
    """Of several turns, identified by the first of them."""
    TURN = "turn"
    """The indexing of one turn."""
    JOB = "job"
    """A scheduled job, identified by a number made from its name."""


_NAMES = {
    WorkKind.ANSWER: "answer",
    WorkKind.COMPACTION: "compaction",
    WorkKind.INDEXING: "indexing",
    WorkKind.TURN: "indexing of a message",
}
"""What the log calls work whose ID is a row number, of no use to operators."""


@dataclass(frozen=True, slots=True, order=True)
class WorkKey:
    """Identifies a piece of work."""

    kind: WorkKind
    id: int

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"

    def named(self, chat_key: ChatKey) -> str:
        """What the log calls it."""
        if self.kind is WorkKind.JOB:
            return "a scheduled job"
        words = _NAMES.get(self.kind, str(self))
        return f"{words} of chat {chat_key.telegram_id}" if chat_key.telegram_id else words


@dataclass(frozen=True, slots=True)
class WorkRecord:
    """One line of the file; `deaths` are counted in thirds, see ``quarantine``."""

    key: WorkKey
    chat_key: ChatKey
    deaths: int
    suspect: bool
    held: bool = False
    """Whether it is in flight even while it waits."""
    aside: bool = False
    """Whether it was set aside, and nothing else says so."""
    alone: bool = False
    """Whether no other work could begin after it (``isolation``)."""

    def line(self) -> bytes:
        """The line in the file, without padding."""
        state = "aside" if self.aside else "held" if self.held else "suspect" if self.suspect else "begun"
        if self.alone:
            state = "alone_held" if self.held else "alone"
        words = (*(self.key.kind, self.key.id, self.chat_key.telegram_id, self.chat_key.thread_id), self.deaths, state)
        return " ".join(map(str, words)).encode()


@dataclass(frozen=True, slots=True)
class PreviousProcess:
    """What the previous process left in the file."""

    marks: Sequence[WorkRecord] = ()
    in_flight: Sequence[WorkRecord] = ()


class InFlightMarks(ABC):
    """The lines. What a process leaves of them says what it was doing when it died."""

    is_shared = False
    """Whether several processes have records in one database; then `read` has what dead ones left, already counted."""

    def __init__(self) -> None:
        self._marks: dict[int, WorkRecord] = {}
        self._free: list[int] = []
        self._begun: set[int] = set()
        self._running = 0
        self._ending = False

    process = 0
    """A number of this process, where each has a record of its own."""

    async def connect(self, database: Database) -> None:  # noqa: B027 - a file needs nothing of this
        """Read what is in the database, if that is where it is kept. Raises StorageError."""

    async def inherit(self) -> None:  # noqa: B027 - a file needs nothing of this
        """Where several processes share a database, count the deaths of others. Raises StorageError."""

    def settle(self, key: WorkKey) -> None:  # noqa: B027 - a file needs nothing of this
        """Have a piece of work forgotten that dead processes left."""

    @abstractmethod
    def read(self) -> PreviousProcess:
        """What the previous process left."""

    def begin(self, marks: Sequence[WorkRecord]) -> list[int]:
        """Replace the text by a new one with these lines and nothing in flight; returns their slots."""
        self._marks, self._free = dict(enumerate(marks, 1)), []
        return list(self._marks)

    async def written(self) -> None:  # noqa: B027 - a file is written at once
        """Wait until it is certain that what was changed would survive the process."""

    async def flush(self) -> None:  # noqa: B027 - a file is written at once
        """Wait until everything is stored, in no transaction."""

    def add(self, mark: WorkRecord, *, begun: bool = False) -> int:
        """Write a line; returns its slot. `begun`: the work begins now, and ends when the line is removed."""
        slot = self._free.pop() if self._free else len(self._marks) + 1
        self._marks[slot] = mark
        if begun:
            self._begun.add(slot)
        self._write(slot, mark.line())
        return slot

    def remove(self, slot: int) -> None:
        """Blank a line."""
        del self._marks[slot]
        self._begun.discard(slot)
        self._free.append(slot)
        self._write(slot, b"")

    def chats_at(self, kind: WorkKind) -> set[int]:
        """The Telegram chats for which work of this kind has begun and not ended."""
        return {self._marks[slot].chat_key.telegram_id for slot in self._begun if self._marks[slot].key.kind is kind}

    def hold(self, slot: int, *, held: bool) -> None:
        """Mark a piece of work as in flight (or not) even while it waits."""
        if slot in self._marks:  # otherwise the work has already ended
            self._marks[slot] = replace(self._marks[slot], held=held)
            self._write(slot, self._marks[slot].line())

    def no_longer_alone(self, slot: int) -> None:
        """Note that other work may begin while this goes on."""
        if slot in self._marks:
            self._marks[slot] = replace(self._marks[slot], alone=False)
            self._write(slot, self._marks[slot].line())

    def clear(self, slot: int) -> None:
        """Reset the deaths counted for a piece of work."""
        self._marks[slot] = replace(self._marks[slot], deaths=0)
        self._write(slot, self._marks[slot].line())

    def run(self, slot: int) -> int:
        """Mark a slot as running (0: none); returns the one that was running before."""
        before = self._running
        if slot != before:
            self._running = slot
            self._write(0, self._head())
        return before

    def end(self) -> None:
        """Note that the process is shutting down."""
        self._ending = True
        self._write(0, self._head())

    @abstractmethod
    def close(self) -> None:
        """Later calls write nothing."""

    def text(self) -> bytes:
        """The whole text, without blank lines."""
        return _joined((self._head(), *(mark.line() for mark in self._marks.values())))

    def coarse_text(self) -> bytes:
        """A text that needs no change while work goes on: all that has begun is in flight until it ends."""
        marks = (replace(mark, held=slot in self._begun) for slot, mark in self._marks.items())
        return _joined((self._head(0), *(mark.line() for mark in marks)))

    def _head(self, running: int | None = None) -> bytes:
        slot = self._running if running is None else running
        return b"keepsake-in-flight 1 %s %d" % (b"ending" if self._ending else b"running", slot)

    @abstractmethod
    def _write(self, slot: int, line: bytes) -> None:
        """Write a line."""


class InFlightFile(InFlightMarks):
    """The file; an error is logged once, and everything goes on without it."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self._file = file
        self._descriptor: int | None = None

    def read(self) -> PreviousProcess:
        """Read what the previous process left."""
        try:
            data = self._file.read_bytes()
        except FileNotFoundError:
            return PreviousProcess()
        except OSError as exc:
            log.warning("%s can't be read: %s", self._file, exc)
            return PreviousProcess()
        return parsed(data, self._file)

    def begin(self, marks: Sequence[WorkRecord]) -> list[int]:
        """Replace the file by a new one with these lines and nothing in flight; returns their slots."""
        slots = super().begin(marks)
        new = self._file.with_name(f"{self._file.name}.new")
        try:
            new.unlink(missing_ok=True)
            descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | BINARY, 0o600)
            with os.fdopen(descriptor, "wb") as written:
                written.write(self.text())
            new.replace(self._file)
            self._descriptor = os.open(self._file, os.O_RDWR | BINARY)
        except OSError as exc:
            self._give_up(exc)
        return slots

    def close(self) -> None:
        """Close the file; later calls write nothing."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _write(self, slot: int, line: bytes) -> None:
        if self._descriptor is None:
            return
        try:
            if hasattr(os, "pwrite"):
                os.pwrite(self._descriptor, _padded(line), slot * LINE)
            else:  # on Windows
                os.lseek(self._descriptor, slot * LINE, os.SEEK_SET)
                os.write(self._descriptor, _padded(line))
        except OSError as exc:
            self._give_up(exc)

    def _give_up(self, exc: OSError) -> None:
        self.close()
        log.warning("%s can't be written; if this process dies, the cause will not be known: %s", self._file, exc)


def parsed(data: bytes, source: object) -> PreviousProcess:
    """What a text says; `source` is what the log calls it if it is damaged."""
    lines = [data[start : start + LINE] for start in range(0, min(len(data), MOST_LINES * LINE), LINE)]
    head = _HEAD.fullmatch(lines[0]) if lines else None
    marks = {number: _parsed(line) for number, line in enumerate(lines[1:], 1) if not _BLANK.fullmatch(line)}
    if head is None or None in marks.values():
        log.warning("%s is damaged; what can't be read in it is ignored", source)
    known = {number: mark for number, mark in marks.items() if mark is not None}
    if head is None or head[1] == b"ending":
        return PreviousProcess([*known.values()])
    return PreviousProcess(
        [*known.values()], [mark for number, mark in known.items() if mark.held or number == int(head[2])]
    )


def _joined(lines: Iterable[bytes]) -> bytes:
    return b"".join(map(_padded, lines))


def _padded(line: bytes) -> bytes:
    return line.ljust(LINE - 1) + b"\n"


def _parsed(line: bytes) -> WorkRecord | None:
    match = _MARK.fullmatch(line)
    if match is None:
        return None
    kind, number, telegram_id, thread_id, deaths, state = match.groups()
    chat_key = ChatKey(int(telegram_id), int(thread_id))
    key = WorkKey(WorkKind(kind.decode()), int(number))
    return WorkRecord(
        *(key, chat_key, int(deaths)),
        suspect=state == b"suspect",
        held=state in (b"held", b"alone_held"),
        aside=state == b"aside",
        alone=state in (b"alone", b"alone_held"),
    )


def recorded(marks: Iterable[WorkRecord]) -> bytes:
    """A text with these lines and nothing in flight."""
    return _joined((b"keepsake-in-flight 1 ending 0", *(mark.line() for mark in marks)))


def file_beside(database: Path) -> Path:
    """The file of a database."""
    return database.with_name(f"{database.name}.inflight")


def set_aside_beside(database: Path) -> list[str]:
    """What was set aside and a database doesn't know of, in the log's words."""
    return set_aside_in(InFlightFile(file_beside(database)).read())


def set_aside_in(before: PreviousProcess) -> list[str]:
    """What was set aside and the database doesn't know of, in the log's words."""
    return [mark.key.named(mark.chat_key) for mark in before.marks if mark.aside]
