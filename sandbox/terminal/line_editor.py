"""Lines typed at a terminal, edited by readline: the arrow keys move in the line, and bring back earlier ones."""

import io
import sys
import termios
from typing import TextIO

from sandbox.terminal.screen import PROMPT


class LineEditor:
    """Reads lines from standard input; `restore` puts the terminal back, where a thread may still wait for a line."""

    def __init__(self) -> None:
        import readline  # from now on, input() uses it

        self.unfinished = readline.get_line_buffer
        """What has been typed of a line so far."""
        self._descriptor = sys.stdin.fileno()
        self._before = termios.tcgetattr(self._descriptor)
        if isinstance(sys.stdin, io.TextIOWrapper):
            sys.stdin.reconfigure(errors="replace")

    def read(self) -> str | None:
        """The next line; None at the end of input."""
        try:
            return input(PROMPT)
        except (EOFError, OSError):
            return None

    def restore(self) -> None:
        """Put the terminal back as it was."""
        termios.tcsetattr(self._descriptor, termios.TCSADRAIN, self._before)


def line_editor(descriptor: int, output: TextIO) -> LineEditor | None:
    """An editor, if these are this process's terminal and its Python has readline."""
    is_own = sys.stdin is not None and sys.stdin.isatty() and sys.stdin.fileno() == descriptor
    if not is_own or output is not sys.stdout or not output.isatty():
        return None
    try:
        return LineEditor()
    except ImportError:
        return None
