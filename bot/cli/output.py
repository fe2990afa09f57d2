"""What the shell's commands write to standard output, whatever that is and whoever reads it.

It is UTF-8 in every locale: a name or a server's words may have any letters. Who reads only the first lines
(``| head``) has what they wanted, and gets no complaint; a disk that is full is told in one line. Where there is no
standard output at all, the work is done and nobody is told.
"""

import os
import signal
import sys
from contextlib import suppress

from bot.errors import StartError

READER_GONE = 128 + signal.SIGPIPE
"""The exit code of a program that was ended by writing to a pipe that nobody reads."""
_STANDARD = 1


class ReaderGoneError(Exception):
    """Whoever read the output has gone."""


def write(text: str) -> None:
    """Write it out at once. Raises ReaderGoneError, and StartError where it can't be written."""
    write_bytes(text.encode(errors="backslashreplace"))


def write_bytes(data: bytes) -> None:
    """See `write`."""
    if sys.stdout is None:
        return
    try:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    except BrokenPipeError as exc:
        _give_up()
        raise ReaderGoneError from exc
    except OSError as exc:
        _give_up()
        raise StartError(f"standard output can't be written: {exc.strerror}") from exc


def exists() -> bool:
    """Whether there is a standard output."""
    return sys.stdout is not None


def complain(text: object) -> None:
    """A line on standard error, if that takes it."""
    if sys.stderr is not None:
        with suppress(OSError):
            print(text, file=sys.stderr, flush=True)


def _give_up() -> None:
    """Let what is still held back go nowhere: else the end of the process would try once more, and complain."""
    with suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), _STANDARD)
