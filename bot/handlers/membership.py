"""Coming and going: the bot is added to a group, removed or blocked, and groups become supergroups."""

from collections.abc import Callable
from dataclasses import dataclass

from telegram import Chat as TelegramChat
from telegram import ChatMember, ChatMemberRestricted, ChatMemberUpdated, Update

from bot.access.door import Door
from bot.language import texts
from storage import Storage
from storage.guests import SHELL, Guest, Standing
from storage.records import Notice, Place

OUT = (ChatMember.LEFT, ChatMember.BANNED)


@dataclass(frozen=True, slots=True)
class MembershipHandlers:
    """Keeps track of where the bot is.

    `hears_all`: Telegram gives it all that is said in groups; `listens`: it keeps that; `clock` gives Unix seconds.
    """

    storage: Storage
    door: Door
    username: str
    name: str
    hears_all: bool
    listens: bool
    clock: Callable[[], float]

    async def changed(self, update: Update, _: object) -> None:
        """What the bot is in a chat has changed."""
        change = update.my_chat_member
        assert change is not None, "registered for these updates"
        async with self.storage.transaction() as tx:
            if is_out(change.new_chat_member):
                await self.storage.presence.left(tx, change.chat.id)
            else:
                await self.storage.presence.came(tx, change.chat.id)
                private = change.chat.type == TelegramChat.PRIVATE
                place = Place(change.chat.id)
                chat = await self.storage.chats.ensure(tx, place, private=private, now=self.clock())
                group = change.chat.type in (TelegramChat.GROUP, TelegramChat.SUPERGROUP)
                group = group and not change.chat.is_direct_messages  # where nothing is said outside a topic
                joined = group and is_out(change.old_chat_member)
                if joined and await self.storage.presence.greet(tx, chat.id):
                    await self.storage.notices.add(tx, Notice(place, private, self._greeting(change)))
            await self.storage.inbox.done(tx, [update.update_id])

    async def migrated(self, update: Update, _: object) -> None:
        """A group has become a supergroup: its memory moves along."""
        message = update.message
        assert message is not None, "registered for messages"
        here = message.chat.id
        old, new = message.migrate_from_chat_id or here, self.door.now(message.migrate_to_chat_id or here)
        async with self.storage.transaction() as tx:
            if old in self.door.allowed:  # the settings name a group that is no more
                await self.storage.access.put(
                    tx, Guest(old, message.chat.title or ""), Standing.ALLOWED, SHELL, self.clock()
                )
            await self.storage.presence.migrate(tx, old, new)
            await self.storage.inbox.done(tx, [update.update_id])
            await self.storage.inbox.forget(tx, old)  # under this number nothing is found any more that is forgotten

    def _greeting(self, change: ChatMemberUpdated) -> str:
        hears = self.hears_all or change.new_chat_member.status == ChatMember.ADMINISTRATOR
        heard = texts.GREETING_HEARS if hears and self.listens else texts.GREETING_CALLED
        return texts.GREETING.format(name=self.name, username=self.username, heard=heard)


def is_out(member: ChatMember) -> bool:
    """Whether the bot can't speak there."""
    muted = isinstance(member, ChatMemberRestricted) and not (member.is_member and member.can_send_messages)
    return muted or member.status in OUT
