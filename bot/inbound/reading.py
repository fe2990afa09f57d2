"""Reading the messages of a turn: their words, and what is downloaded with them."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

from telegram import Message

from bot.conversation.said import Said
from bot.inbound.attachments import NOTHING, Attached, Attachments, Problem
from bot.inbound.message import said
from bot.inbound.origin import replied_to
from bot.inbound.remarks import remarks

Known = Callable[[Message], Awaitable[bool]]
"""Whether what is in a message need not be fetched: it stands in the prompt already, or is not to."""


@dataclass(frozen=True, slots=True)
class Read:
    """One message, and what of it could not be read."""

    message: Message
    said: Said
    problem: Problem | None = None


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads messages for the bot with this id."""

    attachments: Attachments
    bot_id: int

    def skim(self, messages: Sequence[Message]) -> list[Said]:
        """The words of what was only overheard: nothing is downloaded for it."""
        return [one for one in (said(message, self.bot_id) for message in messages) if one is not None]

    async def read(self, messages: Sequence[Message], known: Known) -> list[Read]:
        """All that the messages hold, in their order, and what the messages hold that they answer."""
        share = 1 / max(1, sum(message.document is not None for message in messages))
        read = await asyncio.gather(*(self._read(message, known, share) for message in messages))
        return [one for one in read if one is not None]

    async def _read(self, message: Message, known: Known, share: float) -> Read | None:
        words = said(message, self.bot_id)
        if words is None:
            return None
        before, target = NOTHING, replied_to(message)
        if target is not None and not await known(target):
            before = await self.attachments.of(target)
            words = _quoting(words, target, before)
        own = await self.attachments.of(message, share)
        text = "\n\n".join(filter(None, (words.text, own.text)))
        words = replace(words, text=text, media=own.media, remarks=remarks(message, own))
        return Read(message, words, own.problem or before.problem)


def _quoting(words: Said, target: Message, found: Attached) -> Said:
    """With what is in the message that is quoted."""
    if words.quote is None:
        return words
    quote = replace(words.quote, attached=found.text, media=found.media, remarks=remarks(target, found))
    return replace(words, quote=quote)
