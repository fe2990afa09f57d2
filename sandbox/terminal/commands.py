"""The terminal chat: input goes to the bot or, if it begins with a colon, is a command of the sandbox."""

import asyncio
import json
import re
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from sandbox.bot_process import BotProcess
from sandbox.model import ModelServer
from sandbox.seed import OWNER
from sandbox.tasks import until_first
from sandbox.terminal.conversation import (
    Deleted,
    KeyboardChanged,
    PressAnswered,
    ShownDraft,
    TerminalConversation,
    Typing,
    Written,
)
from sandbox.terminal.screen import Screen
from sandbox.user_api.client import UserApiError
from sandbox.user_api.shapes import FileKind, Pressed

ANSWER_S = 60.0
"""How long to wait for an answer before sending the next line from a pipe."""
BEGINNING = 40
"""How much of a message is quoted when something else about it changes."""
QUIET_S = 1.0
"""An answer counts as finished after this much silence; a bot sends about one message per second."""
OWN: Mapping[str, str] = {
    ":press N": "press button N of the last message with buttons",
    ":reply N TEXT": "reply to the last message (1), the one before (2), and so on",
    ":stop": "press Stop next to the answer in progress",
    ":edit TEXT": "edit your last message",
    ":photo FILE": "send a picture; text after the name is the caption",
    ":voice FILE": "send a voice message (.ogg)",
    ":file FILE": "send any file",
    ":group": "go to a group",
    ":as NAME": "let someone else speak there",
    ":private NAME": "write to the bot as someone else, who may have to ask the owner for access: Sam does",
    ":home": "go back to your private chat",
    ":kill": "kill -9 the bot, even in the middle of an answer",
    ":start": "start it again",
    ":restart": "shut it down cleanly and start it again",
    ":prompt": "show the messages of the last request to the stand-in model",
    ":help": "show this list",
    ":quit": "quit (so do Ctrl-D and Ctrl-C)",
}
"""The commands of the sandbox, as one types them."""
HELP = "Type something, and the bot answers. Lines beginning with / are for the bot (try /help). The sandbox takes:" + (
    "".join(f"\n  {usage:<13} {meaning}" for usage, meaning in OWN.items())
)
NO_BUTTON = "There is no such button. :press 1 presses the first button of the last message with buttons."
NO_STOP = "No answer in progress has a Stop button. In a group, the button is under the message: :press 1."
NO_BOT = "The bot was not started here. Stop and start it where you started it."
KILLED = "The bot was killed. What you type now waits for it; :start starts it again."
NO_MESSAGE = "There is no such message. :reply 1 Thanks! replies to the last one."
NOTHING_TO_EDIT = "You have not said anything yet."
NO_FILE = "Which file? For example: :photo picture.jpg What is this?"
NO_REQUEST = "The stand-in model has not had a request yet."
FILES: Mapping[str, FileKind] = {":photo": "photo", ":voice": "voice", ":file": "document"}
LINK = "This button opens {url}"
LONG_DATA = re.compile(r';base64,([^"]{40,})')


class TerminalChat:
    """Shows the conversation on the screen, and knows when an answer is finished."""

    def __init__(self, conversation: TerminalConversation, screen: Screen) -> None:
        self._conversation = conversation
        self._screen = screen
        self._written = asyncio.Event()
        """Set while the bot's last action was a message, with no sign of more."""
        self._written.set()
        self._last_event = float("-inf")

    async def watch(self) -> None:
        """Show what the bot does, forever."""
        await until_first(self._conversation.watch(), self._show())

    async def _show(self) -> None:
        while True:
            change = await self._conversation.next_change()
            self._last_event = time.monotonic()
            match change:
                case Typing():
                    self._written.clear()
                case ShownDraft(text):
                    self._written.clear()
                    self._screen.draft(f"bot> {text}")
                case Written(text, buttons, edited, asks):
                    prompt = "" if asks is None else f"\n     (your next message replies to this{_after_colon(asks)})"
                    self._say(f"bot{' (edited)' if edited else ''}> {text}{_numbered(buttons)}{prompt}")
                case KeyboardChanged(text, buttons):
                    now = "has other buttons now" if buttons else "has no buttons any more"
                    self._say(f"({_beginning(text)} {now}){_numbered(buttons)}")
                case Deleted(text):
                    self._say(f"(the bot deleted {_beginning(text)})")
                case PressAnswered(text):
                    self._say(f"({text})")

    def _say(self, text: str) -> None:
        self._written.set()
        self._screen.message(text)

    async def send(self, text: str) -> None:
        """Send a text."""
        self._expect_answer()
        await self._conversation.send(text)

    async def reply(self, back: int, text: str) -> bool:
        """Reply to a message, counted from the last one; returns whether it exists."""
        self._expect_answer()
        found = await self._conversation.reply(back, text)
        if not found:
            self.expect_nothing()
        return found

    async def send_file(self, kind: FileKind, content: bytes, name: str, caption: str | None) -> None:
        """Send a photo, a voice message or a file."""
        await self._conversation.send_file(kind, content, name, caption)
        self._expect_answer()

    async def edit(self, text: str) -> bool:
        """Edit the speaker's last message; returns whether there is one."""
        self._last_event = time.monotonic()
        return await self._conversation.edit(text)

    async def go_to_group(self, speaker: str) -> None:
        """Switch to the group as a speaker."""
        await self._conversation.go_to_group(speaker)
        self._screen.note(f"You are in a group, as {speaker}. Call the bot by its name: Keepsake, hello.")
        await self._conversation.catch_up()

    async def go_home(self, speaker: str = OWNER) -> None:
        """Switch to a private chat."""
        await self._conversation.go_home(speaker)
        self._screen.note(f"You are in the private chat{'' if speaker == OWNER else f' of {speaker}'}.")
        await self._conversation.catch_up()

    async def press(self, number: int) -> Pressed | None:
        """Press a button of the last message that has any; None if the number doesn't exist."""
        pressed = await self._conversation.press(number)
        if pressed and pressed["query"]:
            self._written.clear()
        return pressed

    async def stop(self) -> None:
        """Press Stop next to the growing answer; raises UserApiError if there is no such button."""
        await self._conversation.stop()

    def expect_nothing(self) -> None:
        """What was to be answered was refused."""
        self._written.set()

    async def answered(self) -> None:
        """Wait until the bot has answered and is quiet; raises TimeoutError after ANSWER_S."""
        async with asyncio.timeout(ANSWER_S):
            while not self._written.is_set() or self._quiet_for() < QUIET_S:
                await self._written.wait()
                await asyncio.sleep(QUIET_S - self._quiet_for())

    def _expect_answer(self) -> None:
        """In a group there may be no answer, so only wait until it is quiet."""
        self._last_event = time.monotonic()
        if not self._conversation.in_group:
            self._written.clear()

    def _quiet_for(self) -> float:
        return time.monotonic() - self._last_event


def _numbered(buttons: Sequence[str]) -> str:
    return "".join(f"\n     [{number}] {label}" for number, label in enumerate(buttons, start=1))


def _after_colon(placeholder: str) -> str:
    return f": {placeholder}" if placeholder else ""


def _beginning(text: str) -> str:
    """The first words of a message, by which it is recognized."""
    line = " ".join(text.split())
    return f"“{line if len(line) <= BEGINNING else line[:BEGINNING].rstrip() + '…'}”"


class Commands:
    """Executes commands; `bot` is None if it runs in another shell."""

    def __init__(self, chat: TerminalChat, screen: Screen, model: ModelServer, bot: BotProcess | None) -> None:
        self._chat = chat
        self._screen = screen
        self._model = model
        self._bot = bot

    async def execute(self, line: str) -> None:
        """Execute a command, or show the help. Raises UserApiError."""
        name, _, argument = line.partition(" ")
        match name:
            case ":press":
                await self._press(argument.strip())
            case ":reply":
                await self._reply(argument)
            case ":stop" | ":edit":
                await self._end_or_edit(name, argument)
            case ":photo" | ":voice" | ":file":
                await self._send_file(FILES[name], argument)
            case ":group" | ":as":
                await self._chat.go_to_group(argument.strip() or OWNER)
            case ":private":
                await self._chat.go_home(argument.strip() or OWNER)
            case ":home":
                await self._chat.go_home()
            case ":kill" | ":start" | ":restart":
                await self._handle_bot(name)
            case ":prompt":
                self._screen.note(self._last_prompt())
            case _:
                self._screen.note(HELP)

    async def _reply(self, argument: str) -> None:
        back, _, text = argument.strip().partition(" ")
        if not back.isdecimal() or not text.strip() or not await self._chat.reply(int(back), text.strip()):
            self._screen.note(NO_MESSAGE)

    async def _end_or_edit(self, name: str, argument: str) -> None:
        if name == ":stop":
            try:
                await self._chat.stop()
            except UserApiError:
                self._screen.note(NO_STOP)
        elif not await self._chat.edit(argument):
            self._screen.note(NOTHING_TO_EDIT)

    async def _press(self, argument: str) -> None:
        pressed = await self._chat.press(int(argument)) if argument.isdecimal() else None
        if pressed is None:
            self._screen.note(NO_BUTTON)
        elif pressed["url"]:
            self._screen.note(LINK.format(url=pressed["url"]))

    async def _send_file(self, kind: FileKind, argument: str) -> None:
        path, caption = _path_and_words(argument)
        if path is None:
            self._screen.note(NO_FILE)
            return
        try:
            content = await asyncio.to_thread(path.read_bytes)
            await self._chat.send_file(kind, content, path.name, caption or None)
        except (OSError, UserApiError) as exc:
            self._screen.note(f"{path} can't be sent: {exc}")

    async def _handle_bot(self, name: str) -> None:
        if self._bot is None:
            self._screen.note(NO_BOT)
        elif name == ":kill":
            self._bot.kill()
            await self._bot.wait()
            self._screen.end_draft()
            self._screen.note(KILLED)
        else:
            if name == ":restart":
                await self._bot.stop()
            await self._bot.start()
            self._screen.note("The bot has been started.")

    def _last_prompt(self) -> str:
        if not self._model.requests:
            return NO_REQUEST
        messages = [json.loads(message.raw) for message in self._model.requests[-1].messages]
        shown = json.dumps(messages, ensure_ascii=False, indent=2)
        return LONG_DATA.sub(lambda data: f";base64,... ({len(data[1]) * 3 // 4:,} bytes)", shown)


def _path_and_words(argument: str) -> tuple[Path | None, str]:
    """The path at the beginning, quoted if it has spaces, and the rest."""
    found = re.match(r"""\s*(?:"([^"]+)"|'([^']+)'|(\S+))\s*(.*)""", argument)
    if found is None:
        return None, ""
    return Path(next(filter(None, found.groups()[:3]))).expanduser(), found[4]
