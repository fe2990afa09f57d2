"""Who may talk to the bot: everybody, or the users and chats on the list. Others are told what they can do."""

from dataclasses import dataclass

from telegram import Chat, Message, Update, User
from telegram.ext import ApplicationHandlerStop

from bot import texts
from bot.inbound.addressing import Addressing
from bot.intake.arrival import Burst, place_of, update_ids
from storage import Storage
from storage.records import Notice


@dataclass(frozen=True, slots=True)
class Gate:
    """Stands before all other handlers. `allowed` holds user and chat ids; None: everybody."""

    storage: Storage
    addressing: Addressing
    allowed: frozenset[int] | None

    async def check(self, update: object, _: object) -> None:
        """Let it pass, or answer and end it here."""
        if self.allowed is None or not isinstance(update, Update | Burst):
            return
        message, user = _asked(update)
        chat = message.chat if isinstance(message, Message) else None
        if {user.id if user else None, chat.id if chat else None} & self.allowed:
            return
        await self._refuse(update, message, user)
        raise ApplicationHandlerStop

    async def _refuse(self, update: Update | Burst, message: Message | None, user: User | None) -> None:
        async with self.storage.transaction() as tx:
            if message is not None and user is not None and self._expects_answer(message):
                await self.storage.notices.add(tx, _refusal(message, user))
            await self.storage.inbox.done(tx, update_ids(update))

    def _expects_answer(self, message: Message) -> bool:
        is_command = bool(message.parse_entities(["bot_command"]))
        return self.addressing.is_meant(message) or is_command


def _asked(update: Update | Burst) -> tuple[Message | None, User | None]:
    message = update.messages[0] if isinstance(update, Burst) else update.message
    if message is not None:
        return message, message.from_user
    assert isinstance(update, Update)
    return None, update.effective_user


def _refusal(message: Message, user: User) -> Notice:
    private = message.chat.type == Chat.PRIVATE
    text = texts.STRANGER.format(user_id=user.id) if private else texts.STRANGE_GROUP.format(chat_id=message.chat.id)
    return Notice(place_of(message), private, text, reply_to=message.message_id)
