"""Reading the messages of a turn: their words, and what is downloaded with them."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace

from telegram import Message

from bot.capacity import Capacities
from bot.conversation.said import Said
from bot.inbound.attachments import MOST_MADE_OF_SOUND, NOTHING, Attached, Attachments, most_made
from bot.inbound.downloads import TRIES
from bot.inbound.message import said
from bot.inbound.origin import replied_to
from bot.inbound.problems import Problem
from bot.inbound.remarks import remarks

MOST_FILES = 50
"""Of one turn."""
MOST_HELD = 24 * 1024 * 1024
"""Bytes of pictures and sounds, converted; with these the last file of a turn is taken."""

MB = 1024 * 1024
SMALL, MOST_OF_ALL, MOST_OF_SMALL = 8 * MB, 72 * MB, 48 * MB
"""Of such bytes over all chats."""

Known = Callable[[Message], Awaitable[bool]]
"""Whether what is in a message need not be fetched: it stands in the prompt already, or is not to."""


@dataclass(frozen=True, slots=True)
class Read:
    """One message, and what of it could not be read."""

    message: Message
    said: Said
    problem: Problem | None = None
    unread: tuple[int, ...] = ()
    """The numbers of pages of its file that could not be read."""


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads messages for the bot with this id."""

    attachments: Attachments
    bot_id: int
    held: Capacities = field(default_factory=lambda: Capacities(SMALL, most=MOST_OF_ALL, most_of_small=MOST_OF_SMALL))

    def holding(self, messages: Sequence[Message]) -> AbstractAsyncContextManager[None]:
        """Room for the pictures and sounds that `read` will return of these, until they are stored."""
        targets = filter(None, map(replied_to, messages))
        return self.held.place(min(sum(map(most_made, (*messages, *targets))), MOST_HELD + MOST_MADE_OF_SOUND))

    def skim(self, messages: Sequence[Message]) -> list[Said]:
        """The words of what was only overheard: nothing is downloaded for it."""
        return [one for one in (said(message, self.bot_id) for message in messages) if one is not None]

    async def read(self, messages: Sequence[Message], known: Known, *, sees: bool = True) -> list[Read]:
        """All that the messages hold, in their order, and what the messages hold that they answer.

        `sees`: pages without words are shown, to a model that sees them. One file after the other: of a burst of large
        ones no more than one is held at a time.
        """
        targets = await self._targets(messages, known)
        share = 1 / max(1, sum(message.document is not None for message in (*messages, *targets.values())))
        fetching = Fetching(self.attachments, share, sees)
        read = [await self._read(message, targets.get(message.message_id), fetching) for message in messages]
        return [one for one in read if one is not None]

    async def _targets(self, messages: Sequence[Message], known: Known) -> dict[int, Message]:
        """The messages that are answered and are to be looked into, each by the first that answers it."""
        seen, found = {message.message_id for message in messages}, {}
        for message in messages:
            target = replied_to(message)
            if target is not None and target.message_id not in seen and not await known(target):
                seen.add(target.message_id)
                found[message.message_id] = target
        return found

    async def _read(self, message: Message, target: Message | None, fetching: "Fetching") -> Read | None:
        words = said(message, self.bot_id)
        if words is None:
            return None
        before = NOTHING
        if target is not None:
            before = await fetching.of(target)
            words = _quoting(words, target, before)
        own = await fetching.of(message)
        text = "\n\n".join(filter(None, (words.text, own.text)))
        words = replace(words, text=text, media=own.media, remarks=remarks(message, own))
        return Read(message, words, own.problem or before.problem, own.unread or before.unread)


@dataclass(slots=True)
class Fetching:
    """What is fetched for one turn, which must not grow with what somebody sends."""

    attachments: Attachments
    share: float
    """Of what may be read of documents, for each."""
    sees: bool = True
    files: int = 0
    held: int = 0
    """Bytes of pictures and sounds."""
    tries: int = TRIES

    async def of(self, message: Message) -> Attached:
        """What is in a message, or that it is too much."""
        if not self.attachments.has(message):
            return NOTHING
        if self.files >= MOST_FILES or self.held >= MOST_HELD:
            return Attached(problem=Problem.TOO_MUCH)
        found = await self.attachments.of(message, self.share, tries=self.tries, sees=self.sees)
        self.files += 1
        self.held += sum(len(one.data) for one in found.media)
        # When Telegram has trouble, a burst does not wait for each of its files.
        if found.problem in (Problem.UNREACHABLE, Problem.LATE):
            self.tries = 1
        return found


def _quoting(words: Said, target: Message, found: Attached) -> Said:
    """With what is in the message that is quoted."""
    if words.quote is None:
        return words
    quote = replace(words.quote, attached=found.text, media=found.media, remarks=remarks(target, found))
    return replace(words, quote=quote)
