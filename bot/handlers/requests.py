"""The buttons under an owner's question whether somebody may talk to the bot."""

from collections.abc import Callable
from dataclasses import dataclass

from telegram import Update

from bot.access.requests import ANSWER, ANSWERS, Requests
from bot.access.wording import decision
from bot.handlers.pressed import acknowledge, pressed
from bot.language import texts
from storage import Storage
from storage.guests import Decider
from storage.records import Place


@dataclass(frozen=True, slots=True)
class RequestHandlers:
    """Takes the owners' answers; `settle` has a conversation's notices sent."""

    storage: Storage
    requests: Requests
    settle: Callable[[Place], None]

    async def press(self, update: Update, _: object) -> None:
        """Allow, Deny or Block was pressed: by an owner, once, or it changes nothing."""
        query, message = pressed(update)
        if not await self.requests.owners.has(query.from_user.id):
            async with self.storage.transaction() as tx:
                await self.storage.inbox.done(tx, [update.update_id])
            await acknowledge(query, texts.ONLY_OWNERS)
            return
        choice, _, number = (query.data or "").removeprefix(ANSWER).partition(":")
        # A group that became a supergroup may have two rows joined: the message knows which one it is about now.
        about = await self.storage.access.of_request(message.chat.id, message.message_id) if message else None
        by = Decider(query.from_user.id, query.from_user.full_name)
        async with self.storage.transaction() as tx:
            entry, told = await self.requests.decide(tx, about.id if about else int(number), ANSWERS[choice], by)
            if told is None and entry is not None and message is not None and message.reply_markup is not None:
                late = await self.requests.decided(entry, message.chat.id, message.message_id)
                await self.storage.notices.add(tx, late)
            await self.storage.inbox.done(tx, [update.update_id])
        for place in told or ():
            self.settle(place)
        form = texts.ALREADY_DECIDED if told is None else texts.DECIDED
        await acknowledge(query, form.format(decision=decision(entry)) if entry else texts.OLD_BUTTON)
