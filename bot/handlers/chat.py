"""What people say to the bot."""

from dataclasses import dataclass

from bot import texts
from bot.conversation.turn import Conversation
from bot.handlers.notices import answer, is_private
from bot.inbound.addressing import Addressing
from bot.inbound.message import is_unreadable, said
from bot.intake.arrival import Burst
from storage import Storage


@dataclass(frozen=True, slots=True)
class ChatHandlers:
    """Hears what is meant for the bot; the answer is then owed, and given by ``Replies``."""

    storage: Storage
    conversation: Conversation
    addressing: Addressing

    async def on_burst(self, burst: Burst, _: object) -> None:
        """Store the words of a turn; what can't be read is told."""
        if not await self._is_meant(burst):
            async with self.storage.transaction() as tx:
                await self.storage.inbox.done(tx, burst.update_ids)
            return
        words = [one for one in map(said, burst.messages) if one is not None]
        unreadable = next(filter(is_unreadable, burst.messages), None)
        async with self.storage.transaction() as tx:
            if words:
                await self.conversation.hear(tx, burst.place, private=is_private(burst.messages[0]), said=words)
            if unreadable is not None:
                await self.storage.notices.add(tx, answer(unreadable, texts.TEXT_ONLY))
            await self.storage.inbox.done(tx, burst.update_ids)

    async def _is_meant(self, burst: Burst) -> bool:
        if any(self.addressing.is_meant(message) for message in burst.messages):
            return True
        if not burst.continues:
            return False
        chat = await self.storage.chats.find(burst.place)
        return chat is not None and await self.storage.transcript.owed(chat.id) is not None
