"""What only owners may do, in their private chat with the bot: see who has access, give it and take it away."""

import re
from collections.abc import Callable, Coroutine
from dataclasses import dataclass

from telegram import Message, Update

from bot.access.listing import Listing
from bot.access.requests import Requests
from bot.access.wording import called, shown
from bot.handlers.claims import Claims
from bot.handlers.commands import Commands
from bot.handlers.meant import author_meant, replies
from bot.handlers.notices import answer, argument, is_private
from bot.inbound.bots import SHARED
from bot.language import texts
from storage import Storage
from storage.guests import Decider, Guest, Standing
from storage.records import File, FileKind, Notice, Place

MOST_SHOWN = 3_000
"""Characters of a list in a message; a longer one is a file. So few names that Telegram marks each of them."""

Handler = Callable[[Update, object], Coroutine[object, object, None]]


@dataclass(frozen=True, slots=True)
class OwnerHandlers:
    """One method per command; `settle` has a conversation's notices sent."""

    storage: Storage
    requests: Requests
    listing: Listing
    claims: Claims
    commands: Commands
    settle: Callable[[Place], None]

    def only(self, handler: Handler) -> Handler:
        """The handler for owners in private; for others it is a command that there is not."""

        async def guarded(update: Update, context: object) -> None:
            message = update.message
            assert message is not None, "guards commands"
            user = message.from_user
            if is_private(message) and user is not None and await self.requests.owners.has(user.id):
                await handler(update, context)
            else:
                await self.commands.unknown(update, context)

        return guarded

    def everywhere(self, handler: Handler) -> Handler:
        """The handler for owners also in a group, where it is about whoever they reply to."""
        in_private = self.only(handler)

        async def guarded(update: Update, context: object) -> None:
            message = update.message
            assert message is not None, "guards commands"
            user = message.from_user if message.sender_chat is None else None
            about = not argument(message) and replies(message)
            if not is_private(message) and about and user is not None and await self.requests.owners.has(user.id):
                await handler(update, context)
            else:
                await in_private(update, context)

        return guarded

    async def start(self, update: Update, context: object) -> None:
        """``/start``: an owner is asked about those who wait as well."""
        await self.claims.remind(update.message)
        await self.commands.start(update, context)

    async def help(self, update: Update, context: object) -> None:
        """``/help``: in private, an owner reads of their own commands as well."""
        message = update.message
        assert message is not None, "registered for commands"
        user = message.from_user
        if is_private(message) and user is not None and await self.requests.owners.has(user.id):
            await self._say(update, answer(message, f"{texts.HELP}\n\n{texts.HELP_OWNER}", alone=True))
        else:
            await self.commands.help(update, context)

    async def users(self, update: Update, _: object) -> None:
        """``/users``: the list, as a message or as a file."""
        message = update.message
        assert message is not None
        roll = await self.listing.read()
        text = roll.text
        if len(text) > MOST_SHOWN:
            notice = answer(message, texts.USERS_MADE, file=File(FileKind.DOCUMENT, text.encode(), "users.txt"))
        else:
            notice = answer(message, text, literals=roll.literals)
        await self._say(update, notice)

    async def allow(self, update: Update, _: object) -> None:
        """``/allow``: an id, a @username, or a reply to a request, to something forwarded, or to anybody in a group."""
        await self._put(update, Standing.ALLOWED)

    async def block(self, update: Update, _: object) -> None:
        """``/block``: likewise."""
        await self._put(update, Standing.BLOCKED)

    async def _put(self, update: Update, standing: Standing) -> None:
        message = update.message
        assert message is not None
        assert message.from_user is not None, "an owner"
        guest = await self._meant(message)
        if guest is None:
            await self._say(update, answer(message, _how(message, standing)))
            return
        if guest.telegram_id in SHARED:
            await self._say(update, answer(message, texts.ACCESS_OF_MANY.format(id=guest.telegram_id)))
            return
        if await self.requests.owners.has(guest.telegram_id):
            text = texts.ACCESS_OF_OWNER.format(name=called(guest))
            await self._say(update, answer(message, text, literals=(shown(guest.name),)))
            return
        if standing is Standing.ALLOWED and self.listing.door.mode == "list":
            await self._say(update, answer(message, texts.ACCESS_BY_LIST))
            return
        by = Decider(message.from_user.id, message.from_user.full_name)
        async with self.storage.transaction() as tx:
            entry, told = await self.requests.put(tx, guest, standing, by)
            form = texts.ACCESS_GIVEN if standing is Standing.ALLOWED else texts.ACCESS_BLOCKED
            literals = (shown(entry.guest.name),)
            notice = answer(message, form.format(name=called(entry.guest)), literals=literals)
            await self.storage.notices.add(tx, notice)
            await self.storage.inbox.done(tx, [update.update_id])
        for place in told:
            self.settle(place)

    async def _meant(self, message: Message) -> Guest | None:
        """Whom a command is about."""
        words, reply = argument(message), message.reply_to_message
        entry = None
        if re.fullmatch(r"-?\d{1,18}", words):
            entry = await self.storage.access.find(int(words))
            return entry.guest if entry else Guest(int(words))
        if re.fullmatch(r"@\w{1,64}", words):
            entry = await self.storage.access.by_username(words[1:])
        elif not words:
            if reply is not None:
                entry = await self.storage.access.of_request(message.chat.id, reply.message_id)
            if entry is None:
                guest = author_meant(message)
                return guest if guest is None or guest.telegram_id != message.get_bot().id else None
        return entry.guest if entry else None

    async def _say(self, update: Update, notice: Notice) -> None:
        async with self.storage.transaction() as tx:
            await self.storage.notices.add(tx, notice)
            await self.storage.inbox.done(tx, [update.update_id])


def _how(message: Message, standing: Standing) -> str:
    words = argument(message)
    if not words and replies(message):
        return texts.ACCESS_OF_NOBODY
    if words.startswith("@"):
        return texts.ACCESS_UNKNOWN.format(name=words)
    return texts.ALLOW_HOW if standing is Standing.ALLOWED else texts.BLOCK_HOW
