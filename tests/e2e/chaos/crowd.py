"""Who writes to the bot: twenty chats, in which a seeded random generator decides what happens next.

All that is said has a mark of its own (``k0007``), and the model's answer names the marks of what it answers. So the
messages in Telegram and the turns in the database show what was answered, how often and in which order.
"""

import re
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from random import Random

from sandbox.botapi import BotApi, Chat, Message, User
from sandbox.model import Behaviour, Say
from sandbox.model.request import ChatRequest
from tests.media.files import picture

NAME = "keepsake_sandbox_bot"
CHATS = 20
FILLER = "The sea was calm that day, and nobody spoke. " * 12
CHAPTERS = 9
"""The parts of a long answer, which needs several messages."""
EVERY_LONG = 7
ANSWER = "Answer to "
MARK = re.compile(r"\bk\d{4}\b")
COMMANDS: dict[str, tuple[str, ...]] = {
    "/help": ("Just write",),
    "/privacy": ("What you write to me",),
    "/usage": ("The model server hasn't", "Today", "This month", "All time"),
    "/settings": ("The settings of this chat", "Recall"),
    "/reset": ("Done.", "There's nothing to forget", "Undone."),
}
"""What the replies to each command begin with. A chat sends each of them once, so that replies can be counted."""

PICTURES = ("/usage",)
"""Commands whose replies have a picture, which /reset stops like a long answer if it is still to be sent."""


def is_long(mark: str) -> bool:
    """Whether what has this mark gets a long answer."""
    return int(mark[1:]) % EVERY_LONG == 0


def answer(request: ChatRequest) -> Behaviour:
    """The model: it names the marks in the last message, and writes the notes when it is asked for them."""
    if "Write the notes" in request.last_words:
        return Say("- They sail.")
    marks = sorted(set(MARK.findall(request.last_words)))
    long = [mark for mark in marks if is_long(mark)]
    parts = [f"Chapter {number} of {mark}. {FILLER}" for mark in long for number in range(1, CHAPTERS + 1)]
    return Say("\n\n".join([f"{ANSWER}{' '.join(marks)}.", *parts]), chunk=8, delay=0.02)


@dataclass(slots=True)
class Place:
    """A chat, and what was done in it."""

    chat: Chat
    people: Sequence[User]
    asked: list[str] = field(default_factory=list)
    """The marks of what the bot has to answer."""
    heard: list[str] = field(default_factory=list)
    """The marks of what was said in a group, but not to the bot."""
    edits: dict[str, str] = field(default_factory=dict)
    """The newest mark of an edit, by that of the message."""
    commands: list[str] = field(default_factory=list)
    last: tuple[Message, str] | None = None
    """The newest message to the bot that can be edited, and its text."""

    @property
    def private(self) -> bool:
        return self.chat.id > 0


class Crowd:
    """Twenty chats, half of them groups."""

    def __init__(self, telegram: BotApi, random: Random) -> None:
        self._random = random
        self._marks = 0
        self.done: Counter[str] = Counter()
        """How often each kind of thing was done."""
        self.presses: list[str] = []
        """The ids of the queries."""
        people = [telegram.user(f"Person {number}") for number in range(CHATS)]
        self.places = [Place(telegram.private(person), [person]) for person in people[: CHATS // 2]]
        for number in range(CHATS - len(self.places)):
            members = [people[CHATS // 2 + number], people[number]]
            self.places.append(Place(telegram.group(f"Group {number}", members), members))

    async def act(self, times: int = 1) -> None:
        """Let something happen in chats chosen at random."""
        to_come = times
        while to_come:
            place = self._random.choice(self.places)
            kinds: list[Callable[[Place], Awaitable[bool]]] = [self._say, self._photo, self._talk, self._edit]
            kinds += [self._command, self._retry, self._press]
            (kind,) = self._random.choices(kinds, [35, 12, 8, 14, 14, 6, 11])
            if await kind(place):
                self.done[kind.__name__.strip("_")] += 1
                to_come -= 1

    async def retry_unanswered(self) -> None:
        """Let each chat that was not answered ask again."""
        for place in self.places:
            said = " ".join(message.text for message in place.chat.replies)
            if any(mark not in said for mark in place.asked):
                await place.people[0].say(place.chat, "/retry")

    def _mark(self) -> str:
        self._marks += 1
        return f"k{self._marks:04}"

    def _words(self, place: Place, mark: str) -> str:
        filler = FILLER if self._random.random() < 0.3 else ""
        return f"{'' if place.private else f'@{NAME} '}{mark} {filler}".strip()

    async def _say(self, place: Place) -> bool:
        place.asked.append(mark := self._mark())
        text = self._words(place, mark)
        place.last = await self._random.choice(place.people).say(place.chat, text), text
        return True

    async def _photo(self, place: Place) -> bool:
        place.asked.append(mark := self._mark())
        text, colour = self._words(place, mark), (self._marks % 256, self._marks // 256, 7)
        person = self._random.choice(place.people)
        place.last = await person.photo(place.chat, picture(color=colour), text), text
        return True

    async def _talk(self, place: Place) -> bool:
        if place.private:
            return False
        place.heard.append(mark := self._mark())
        await self._random.choice(place.people).say(place.chat, f"{mark} is for the others.")
        return True

    async def _edit(self, place: Place) -> bool:
        if place.last is None:
            return False
        message, text = place.last
        mark = f"e{self._mark()[1:]}"
        place.edits[MARK.findall(text)[0]] = mark
        author = next(person for person in place.people if person.name == message.sender)
        await author.edit(message, f"{text} {mark}")
        return True

    async def _command(self, place: Place) -> bool:
        left = [command for command in COMMANDS if command not in place.commands]
        if not left:
            return False
        place.commands.append(command := self._random.choice(left))
        if command == "/reset":
            place.last = None
        await place.people[0].say(place.chat, command)
        return True

    async def _retry(self, place: Place) -> bool:
        if place.last is None:
            return False
        await place.people[0].say(place.chat, "/retry")
        return True

    async def _press(self, place: Place) -> bool:
        shown = [(one, key.text) for one in place.chat.replies[-6:] for key in one.buttons if key.data]
        found = [(one, text) for one, text in shown if text.startswith(("Undo", "Recall", "Back"))]
        if not found:
            return False
        message, text = self._random.choice(found)
        self.presses.append(await place.people[0].press(message, text))
        return True
