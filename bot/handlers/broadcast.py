"""``/broadcast``: an owner's words to every chat that has access, once they have confirmed it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from telegram import Message, Update

from bot.access.listing import Listing
from bot.conversation.said import utf16_length
from bot.handlers.broadcast_content import MOST_CAPTION, content_of
from bot.handlers.notices import answer, edited
from bot.handlers.pressed import acknowledge, pressed
from bot.language import plural, texts
from storage import Storage
from storage.broadcasts import BroadcastContent
from storage.records import Button, Notice

SEND, DROP = "broadcast:", "no-broadcast:"
"""How the data of the two buttons begins; the broadcast's number follows."""


@dataclass(frozen=True, slots=True)
class BroadcastHandlers:
    """Asks and begins; `clock` gives Unix seconds."""

    storage: Storage
    listing: Listing
    clock: Callable[[], float]

    async def broadcast(self, update: Update, _: object) -> None:
        """Show what would be sent, and to how many."""
        message = update.message
        assert message is not None
        content, chats = content_of(message), (await self.listing.read()).reachable
        async with self.storage.transaction() as tx:
            notice = answer(message, texts.BROADCAST_HOW)
            if content is not None and content.captioned and utf16_length(content.text) > MOST_CAPTION:
                notice = answer(message, texts.BROADCAST_CAPTION)
            elif content is not None:
                number = await self.storage.broadcasts.propose(tx, message.chat.id, content, self.clock())
                buttons = [
                    Button(texts.BROADCAST_YES, f"{SEND}{number}"),
                    Button(texts.BROADCAST_NO, f"{DROP}{number}"),
                ]
                notice = _question(message, content, plural(len(chats), texts.CHATS), buttons)
            await self.storage.notices.add(tx, notice)
            await self.storage.inbox.done(tx, [update.update_id])

    async def send(self, update: Update, _: object) -> None:
        """It was confirmed: from now on it goes out, a few chats at a time."""
        query, message = pressed(update)
        chats = (await self.listing.read()).reachable
        allowed = await self.listing.door.owners.has(query.from_user.id)
        async with self.storage.transaction() as tx:
            number = int((query.data or "").removeprefix(SEND))
            begun = allowed and await self.storage.broadcasts.begin(tx, number, query.from_user.id, chats)
            if begun and message is not None:
                text = texts.BROADCASTING.format(chats=plural(len(chats), texts.CHATS))
                await self.storage.notices.add(tx, edited(message, text))
            await self.storage.inbox.done(tx, [update.update_id])
        refused = texts.OLD_BUTTON if allowed else texts.ONLY_OWNERS
        await acknowledge(query, "" if begun else refused)

    async def drop(self, update: Update, _: object) -> None:
        """It is not sent."""
        query, message = pressed(update)
        async with self.storage.transaction() as tx:
            number = int((query.data or "").removeprefix(DROP))
            dropped = await self.storage.broadcasts.drop(tx, number, query.from_user.id)
            if dropped and message is not None:
                await self.storage.notices.add(tx, edited(message, texts.BROADCAST_DROPPED))
            await self.storage.inbox.done(tx, [update.update_id])
        await acknowledge(query, texts.BROADCAST_DROPPED if dropped else texts.OLD_BUTTON)


def _question(message: Message, content: BroadcastContent, chats: str, buttons: Sequence[Button]) -> Notice:
    """What is more than words is asked about beside the message itself."""
    if not content.is_seen_there:
        shown = texts.BROADCAST_ASK.format(chats=chats, text="{text}").replace("{text}", content.text)
        return answer(message, shown, buttons)
    asked = answer(message, texts.BROADCAST_ASK_COPY.format(chats=chats), buttons)
    return replace(asked, reply_to=content.copied or message.message_id, points=True)
