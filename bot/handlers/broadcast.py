"""``/broadcast``: an owner's words to every chat that has access, once they have confirmed it."""

from collections.abc import Callable
from dataclasses import dataclass

from telegram import Update

from bot.access.listing import Listing
from bot.handlers.notices import answer, argument, edited
from bot.handlers.pressed import acknowledge, pressed
from bot.language import plural, texts
from storage import Storage
from storage.records import Button

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
        text, chats = argument(message), (await self.listing.read()).reachable
        async with self.storage.transaction() as tx:
            notice = answer(message, texts.BROADCAST_HOW)
            if text:
                number = await self.storage.broadcasts.propose(tx, message.chat.id, text, self.clock())
                buttons = [
                    Button(texts.BROADCAST_YES, f"{SEND}{number}"),
                    Button(texts.BROADCAST_NO, f"{DROP}{number}"),
                ]
                count = plural(len(chats), texts.CHATS)
                shown = texts.BROADCAST_ASK.format(chats=count, text="{text}").replace("{text}", text)
                notice = answer(message, shown, buttons)
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
