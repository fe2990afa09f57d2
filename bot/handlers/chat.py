"""What people say to the bot."""

from dataclasses import dataclass

from telegram import Chat

from bot import texts
from bot.conversation.turn import Conversation
from bot.inbound.addressing import Addressing
from bot.inbound.message import is_unreadable, said
from bot.intake.arrival import Burst
from storage import Storage
from storage.records import Notice


@dataclass(frozen=True, slots=True)
class ChatHandlers:
    """Hears what is meant for the bot; the answer is then owed, and given by ``Replies``."""

    storage: Storage
    conversation: Conversation
    addressing: Addressing

    async def on_burst(self, burst: Burst, _: object) -> None:
        """Store the words of a turn."""
        words = [one for one in map(said, burst.messages) if one is not None]
        private = burst.messages[0].chat.type == Chat.PRIVATE
        meant = any(self.addressing.is_meant(message) for message in burst.messages)
        if words and meant:
            await self.conversation.hear(burst.place, private=private, said=words, update_ids=burst.update_ids)
            return
        async with self.storage.transaction() as tx:
            if meant and any(is_unreadable(message) for message in burst.messages):
                reply_to = burst.messages[-1].message_id
                await self.storage.notices.add(tx, Notice(burst.place, private, texts.TEXT_ONLY, reply_to))
            await self.storage.inbox.done(tx, burst.update_ids)
