"""One session: input lines are read and sent until they end, while everything the bot does is shown.

From a terminal a line is sent at once, even in the middle of an answer. From a pipe, each line waits for the answer to
the one before, and the session ends if the bot dies.
"""

import asyncio
import contextlib
import os
import re
import threading
from collections.abc import Callable
from typing import TextIO

from sandbox.tasks import until_first
from sandbox.terminal.commands import FILES, OWN, Commands, TerminalChat
from sandbox.terminal.conversation import TerminalConversation
from sandbox.terminal.line_editor import LineEditor
from sandbox.terminal.received_files import ReceivedFiles
from sandbox.terminal.screen import PlainOutput, Screen
from sandbox.user_api.client import UserApiError, UserClient
from sandbox.world import World

QUIT = ":quit"
GOODBYE = "Stopping once the bot has finished its answer (Ctrl-C stops it now)."
KEYS = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|O[A-Za-z]|[ -~])?")
WELCOME = "Type to talk to the bot. :help lists the sandbox's commands, Ctrl-D quits."


class Lines:
    """Reads lines from `descriptor` in a thread.

    The event loop can't read files, and would make a terminal non-blocking for everyone who has it open. The thread is
    a daemon and holds no lock, so the program can end while it waits.
    """

    def __init__(self, descriptor: int) -> None:
        self._queue: asyncio.Queue[str | None] = asyncio.Queue()
        loop = asyncio.get_running_loop()

        def put(line: str | None) -> None:
            with contextlib.suppress(RuntimeError):  # the loop is closed: the line isn't needed any more
                loop.call_soon_threadsafe(self._queue.put_nowait, line)

        threading.Thread(target=_read, args=(descriptor, put), name="sandbox lines", daemon=True).start()

    async def next(self) -> str | None:
        """The next line without its end; None at the end of input."""
        return await self._queue.get()


def typed(line: str) -> str:
    """The line without arrow and function keys, which the terminal sends as escape sequences."""
    return KEYS.sub("", line)


def _read(descriptor: int, put: Callable[[str | None], None]) -> None:
    rest = b""
    with contextlib.suppress(OSError):  # reading from a closed terminal fails: no more lines
        while data := os.read(descriptor, 65536):
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                put(typed(line.decode(errors="replace").rstrip("\r")))
    if rest:
        put(typed(rest.decode(errors="replace")))
    put(None)


class Session:
    """One session with the world's bot, which may run in another shell."""

    def __init__(self, world: World, descriptor: int, output: TextIO) -> None:
        self._descriptor = descriptor
        self._typed = os.isatty(descriptor)
        self._ended = asyncio.Event()
        self._dead = asyncio.Event()
        self._client = UserClient(world.telegram_url, world.user_token)
        files = ReceivedFiles(self._client, world.data / "sandbox-files")
        self._conversation = TerminalConversation(self._client, files)
        self._editor: LineEditor | None = None
        if self._typed and output.isatty():
            self._editor = LineEditor(
                output,
                world.data / "sandbox-history",
                self._interrupt,
                lambda: self._conversation.menu,
                {usage.split()[0]: meaning for usage, meaning in OWN.items()},
                tuple(FILES),
            )
        self._screen = Screen(self._editor or PlainOutput(output), live=self._editor is not None)
        self._chat = TerminalChat(self._conversation, self._screen)
        self._bot = world.bot
        if self._bot is not None:
            self._bot.on_death = self._report_death
        self._commands = Commands(self._chat, self._screen, world.model, self._bot)

    async def run(self, ended: asyncio.Event) -> int:
        """Run until the input ends or `ended` is set. Returns the exit code."""
        self._ended = ended
        async with self._client:
            await self._conversation.go_home()
            self._screen.note(WELCOME)
            if self._conversation.length:
                self._screen.note(f"Continuing the conversation ({self._conversation.length} messages so far).")
            await until_first(self._chat.watch(), self._converse())
            self._screen.end_draft()
        return 1 if self._dead.is_set() else 0

    def _interrupt(self) -> None:
        """Ctrl-C at the line, which is no signal there."""
        self._ended.set()

    async def _converse(self) -> None:
        """Start and stop the bot around the conversation, showing everything it writes."""
        await self._conversation.listening.wait()
        if self._bot is None:
            await until_first(self._talk(), self._ended.wait())
            return
        self._screen.note(f"The bot's log: {self._bot.log}")
        try:
            await self._bot.start()
            await until_first(self._talk(), self._ended.wait())
            if self._bot.running:
                self._screen.note(GOODBYE)
        finally:
            await self._bot.stop()

    async def _talk(self) -> None:
        lines = self._editor or Lines(self._descriptor)
        while (line := await lines.next()) is not None and line.strip() != QUIT:
            await self._say(line.strip())
            if not self._typed:
                await self._wait_for_answer()
                if self._dead.is_set():
                    return

    async def _say(self, line: str) -> None:
        if not self._typed:
            self._screen.note(f"you> {line}")
        try:
            if line.startswith(":"):
                await self._commands.execute(line)
            elif line:
                await self._chat.send(line)
        except UserApiError as exc:
            self._screen.note(str(exc))
            self._chat.expect_nothing()

    async def _wait_for_answer(self) -> None:
        """Wait for the answer if the bot is running."""
        if self._bot is not None and not self._bot.running:
            return
        try:
            await until_first(self._chat.answered(), self._dead.wait())
        except TimeoutError:
            self._screen.note("No answer came. Going on to the next line.")

    def _report_death(self, code: int) -> None:
        if self._bot is None:
            return
        self._screen.end_draft()
        self._screen.note("\n".join([*self._bot.last_lines(), f"The bot ended by itself, with exit code {code}."]))
        if self._typed:
            self._screen.note(f"Its log is {self._bot.log}; :start starts it again.")
        else:
            self._dead.set()
