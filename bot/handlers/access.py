"""Who may talk to the bot: everybody, or the users and chats on the list. Others are told what they can do."""

from dataclasses import dataclass

from telegram import Chat, Message, MessageEntity, Update, User
from telegram.ext import ApplicationHandlerStop

from bot.handlers.notices import answer, is_private
from bot.inbound.addressing import Addressing
from bot.inbound.bots import is_other_bot
from bot.intake.arrival import Burst, update_ids
from bot.language import texts
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
        if not isinstance(update, Update | Burst):
            return
        messages = _messages(update)
        if isinstance(update, Update) and any(map(is_other_bot, messages)):  # commands: bots get no answers to theirs
            await self._end(update)
        if self.allowed is None or any(map(_is_move, messages)):
            return
        user, chat = _who(update)
        if {user.id if user else None, chat.id if chat else None} & self.allowed:
            return
        await self._refuse(update)
        raise ApplicationHandlerStop

    async def _end(self, update: Update) -> None:
        async with self.storage.transaction() as tx:
            await self.storage.inbox.done(tx, update_ids(update))
        raise ApplicationHandlerStop

    async def _refuse(self, update: Update | Burst) -> None:
        asked = next(filter(self._expects_answer, _messages(update)), None)
        async with self.storage.transaction() as tx:
            if asked is not None and asked.from_user is not None:
                await self.storage.notices.add(tx, _refusal(asked, asked.from_user))
            await self.storage.inbox.done(tx, update_ids(update))

    def _expects_answer(self, message: Message) -> bool:
        if is_other_bot(message):
            return False
        commands = message.parse_entities([MessageEntity.BOT_COMMAND]).values()
        return self.addressing.is_meant(message) or any(map(self.addressing.is_ours, commands))


def _is_move(message: Message) -> bool:
    """Whether Telegram tells that the chat has another id now; whoever made it so need not be known here."""
    return message.migrate_to_chat_id is not None or message.migrate_from_chat_id is not None


def _messages(update: Update | Burst) -> tuple[Message, ...]:
    if isinstance(update, Burst):
        return update.messages
    return (update.message,) if update.message is not None else ()


def _who(update: Update | Burst) -> tuple[User | None, Chat | None]:
    """Whose update it is; the messages of a burst in a group are all of one sender."""
    if isinstance(update, Burst):
        return update.messages[0].from_user, update.messages[0].chat
    return update.effective_user, update.effective_chat


def _refusal(message: Message, user: User) -> Notice:
    stranger, group = texts.STRANGER.format(user_id=user.id), texts.STRANGE_GROUP.format(chat_id=message.chat.id)
    return answer(message, stranger if is_private(message) else group)
