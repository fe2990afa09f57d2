"""What people say to the bot."""

from dataclasses import dataclass

from bot import texts
from bot.conversation.turn import Conversation
from bot.handlers.forget import ForgetHandlers
from bot.handlers.memory import MemoryHandlers, asked_by
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
    memory: MemoryHandlers
    forget: ForgetHandlers

    async def on_burst(self, burst: Burst, _: object) -> None:
        """Store the words of a turn, unless they answer a question of ours; what can't be read is told."""
        asked = asked_by(burst.messages[0], self.addressing.bot_id)
        if asked == texts.CORRECT_ASK:
            await self.memory.correct(burst)
            return
        if asked == texts.FORGET_ASK:
            await self.forget.forget_words(burst)
            return
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
