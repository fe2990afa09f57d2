"""Lines typed at a terminal, with prompt_toolkit: editing, history across sessions, completion of commands.

What the bot writes meanwhile is printed above the line, so it never damages what has been typed. The line of a growing
answer is part of the prompt, and is left out of what scrolls away.
"""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TextIO

from prompt_toolkit import PromptSession
from prompt_toolkit.application import get_app
from prompt_toolkit.completion import CompleteEvent, Completer, Completion, PathCompleter, WordCompleter
from prompt_toolkit.document import Document
from prompt_toolkit.filters import Condition
from prompt_toolkit.history import FileHistory
from prompt_toolkit.output.vt100 import Vt100_Output

from sandbox.terminal.screen import PROMPT
from sandbox.user_api.shapes import CommandView

COMMANDS = ("/", ":")


class LineEditor:
    """Reads lines, and prints above them.

    Ctrl-C on the line calls `interrupt` and ends the input. `menu` has the bot's commands at the moment, `own` those of
    the sandbox; after `with_path` of these comes the path of a file.
    """

    def __init__(
        self,
        output: TextIO,
        history: Path,
        interrupt: Callable[[], None],
        menu: Callable[[], Sequence[CommandView]],
        own: Mapping[str, str],
        with_path: Sequence[str],
    ) -> None:
        self._terminal = Vt100_Output.from_pty(output, term=os.environ.get("TERM"))
        self._terminal.enable_cpr = False  # some terminals never say where the cursor is
        self._interrupt = interrupt
        self._growing = ""
        self._session = PromptSession[str](
            self._message,
            history=FileHistory(str(history)),
            completer=_Commands(menu, own, with_path),
            complete_while_typing=Condition(_is_command),
            enable_suspend=True,
            output=self._terminal,
            reserve_space_for_menu=4,
        )

    async def next(self) -> str | None:
        """The next line, or pasted lines; None at the end of input."""
        try:
            return await self._session.prompt_async(handle_sigint=False, set_exception_handler=False)
        except EOFError:
            return None
        except KeyboardInterrupt:
            self._interrupt()
            return None

    def print(self, text: str) -> None:
        """Print lines above the one being typed.

        Not with `run_in_terminal`, which lets the terminal itself handle what is typed meanwhile: it would show it
        twice, and take Ctrl-D for the end of a file.
        """
        if self._session.app.is_running:
            self._session.app.renderer.erase()
        self._terminal.write(text + "\n")
        self._terminal.flush()
        self._session.app.invalidate()

    def grow(self, line: str) -> None:
        """Show an unfinished line above the one being typed."""
        self._growing = line
        self._session.app.invalidate()

    def _message(self) -> str:
        return PROMPT if get_app().is_done or not self._growing else f"{self._growing}\n{PROMPT}"


class _Commands(Completer):
    def __init__(
        self, menu: Callable[[], Sequence[CommandView]], own: Mapping[str, str], with_path: Sequence[str]
    ) -> None:
        self._menu = menu
        self._own = own
        self._with_path = with_path
        self._paths = PathCompleter(expanduser=True)

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Completion]:
        """The commands that begin like this, or the paths after one that sends a file."""
        name, blank, rest = document.text_before_cursor.partition(" ")
        if blank:
            if name in self._with_path:
                yield from self._paths.get_completions(Document(rest), complete_event)
        elif name.startswith(COMMANDS):
            known = {f"/{one['command']}": one["description"] for one in self._menu()} | dict(self._own)
            completer = WordCompleter(sorted(known), meta_dict=known, sentence=True)
            yield from completer.get_completions(document, complete_event)


def _is_command() -> bool:
    return get_app().current_buffer.text.startswith(COMMANDS)
