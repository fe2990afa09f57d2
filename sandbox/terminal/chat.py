"""The chat itself: what is typed goes to the bot, or is obeyed here; what the bot does is shown."""

import asyncio
import time

from sandbox.terminal.conversation import Conversation, Draft, Typing, Written
from sandbox.terminal.screen import Screen

ANSWER_S = 60.0
"""How long an answer is waited for before the next line of a pipe is sent."""

QUIET_S = 1.0
"""An answer is over when nothing more has come for so long; a bot sends about one message in a second."""


class Chat:
    """Shows the conversation on the screen, and knows when an answer is over."""

    def __init__(self, conversation: Conversation, screen: Screen) -> None:
        self._conversation = conversation
        self._screen = screen
        self._written = asyncio.Event()
        """Set while the bot has written last, and shows no sign of more."""
        self._written.set()
        self._last_event = float("-inf")

    async def watch(self) -> None:
        """Show what the bot does, for ever."""
        async for event in self._conversation.events():
            self._last_event = time.monotonic()
            match event:
                case Typing():
                    self._written.clear()
                case Draft(text):
                    self._written.clear()
                    self._screen.draft(f"bot> {text}")
                case Written(text, buttons, edited):
                    self._written.set()
                    labels = "".join(f"\n     [{number}] {label}" for number, label in enumerate(buttons, start=1))
                    self._screen.message(f"bot{' (edited)' if edited else ''}> {text}{labels}")
                    self._screen.prompt()

    async def send(self, text: str) -> None:
        """Say something."""
        self._expect_answer()
        await self._conversation.send(text)

    async def send_file(self, kind: str, content: bytes, name: str, caption: str | None) -> None:
        """Send a photo, a voice message or a file; raises ValueError when it is no such thing."""
        await self._conversation.send_file(kind, content, name, caption)
        self._expect_answer()

    async def edit(self, text: str) -> bool:
        """Edit the speaker's last message; returns whether there is one."""
        self._last_event = time.monotonic()
        return await self._conversation.edit(text)

    def go(self, speaker: str | None) -> str:
        """Go to the group as somebody, or home; returns a sentence about it."""
        if speaker is None:
            self._conversation.go_home()
            return "You are in the private chat."
        self._conversation.go_to_group(speaker)
        return f"You are in a group, as {self._conversation.speaker}. Call the bot by its name: Keepsake, hello."

    async def press(self, number: int) -> bool:
        """Press a button of the last message that has any; returns whether there is one of that number."""
        pressed = await self._conversation.press(number)
        if pressed:
            self._written.clear()
        return pressed

    async def stop(self) -> bool:
        """Press Stop beside the answer that grows; returns whether there is that button."""
        return await self._conversation.stop()

    async def answered(self) -> None:
        """Wait until the bot has written and is quiet again; raises TimeoutError after ANSWER_S."""
        async with asyncio.timeout(ANSWER_S):
            while not self._written.is_set() or self._quiet_for() < QUIET_S:
                await self._written.wait()
                await asyncio.sleep(QUIET_S - self._quiet_for())

    def _expect_answer(self) -> None:
        """In a group there may be none: then it is quiet for a while, and that was that."""
        self._last_event = time.monotonic()
        if not self._conversation.in_group:
            self._written.clear()

    def _quiet_for(self) -> float:
        return time.monotonic() - self._last_event
