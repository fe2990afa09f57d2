"""Standard output of the shell commands.

It is UTF-8 in every locale, since a name or a server's message may contain any character. If the reader stops early
(``| head``), that is no error; a full disk is reported in one line. If there is no standard output at all, the work is
done without any output.
"""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from bot.errors import StartError

READER_GONE = 128 + signal.SIGPIPE
"""The exit code of a program that was killed for writing to a closed pipe."""
_STANDARD = 1


class ReaderGoneError(Exception):
    """The pipe that output goes to has been closed."""


def write(text: str) -> None:
    """Write and flush. Raises ReaderGoneError if the pipe is closed, StartError if writing fails otherwise."""
    write_bytes(text.encode(errors="backslashreplace"))


def write_bytes(data: bytes) -> None:
    """See `write`."""
    if sys.stdout is None:
        return
    try:
        sys.stdout.flush()
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    except BrokenPipeError as exc:
        _give_up()
        raise ReaderGoneError from exc
    except OSError as exc:
        _give_up()
        raise StartError(f"standard output can't be written: {exc.strerror}") from exc


@contextmanager
def flushed() -> Iterator[None]:
    """Flush what the block prints: a parser doesn't see that its help can't be written. Raises the same as `write`."""
    try:
        yield
    finally:
        write("")


def exists() -> bool:
    return sys.stdout is not None


def complain(text: object) -> None:
    """Print a line to standard error, if that is possible."""
    if sys.stderr is not None:
        with suppress(OSError):
            print(text, file=sys.stderr, flush=True)


def _give_up() -> None:
    """Discard what is still buffered: otherwise Python would try to flush it at exit, and complain."""
    with suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), _STANDARD)
