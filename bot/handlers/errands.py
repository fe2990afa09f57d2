"""What is stored as to be done in Telegram, by an owner or from the shell, and is done a moment later.

All of it stands in the database, so that a restart goes on with it.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field

from telegram import Bot
from telegram.error import BadRequest, ChatMigrated, Forbidden, TelegramError

from bot.access.owners import Owners
from bot.chat_language import chat_language
from bot.handlers.menu import drop_owner_menu, register_owner_menu
from bot.language import plural, speaking, texts
from storage import Storage
from storage.records import Notice, Place

CHATS_AT_ONCE = 20
"""Of a broadcast, each time: ten a second leave Telegram's 30 a second to the answers."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Errands:
    """Runs them; `settle` has a conversation's notices sent."""

    storage: Storage
    bot: Bot
    owners: Owners
    settle: Callable[[Place], None]
    menus: set[int] = field(default_factory=set)
    """The owners whose menu shows their commands."""

    async def run(self) -> None:
        """Do all that is to be done now."""
        for telegram_id in await self.storage.access.to_leave():
            await self._leave(telegram_id)
        for broadcast in await self.storage.broadcasts.sending():
            await self._go_on(broadcast.id, broadcast.text)
        for place in await self.storage.notices.places_waiting():
            self.settle(place)
        await self._menus()

    async def _leave(self, telegram_id: int) -> None:
        try:
            await self.bot.leave_chat(telegram_id)
        except ChatMigrated as exc:  # what was decided moves along, and it is left under its new number
            async with self.storage.transaction() as tx:
                await self.storage.presence.migrate(tx, telegram_id, exc.new_chat_id)
            return
        except (BadRequest, Forbidden) as exc:
            log.info("Chat %d can't be left, or was: %s", telegram_id, exc)
        except TelegramError as exc:
            log.warning("Chat %d is left later: %s", telegram_id, exc)
            return
        async with self.storage.transaction() as tx:
            await self.storage.access.has_left(tx, telegram_id)

    async def _go_on(self, number: int, text: str) -> None:
        """Hand the next chats to the notices, and tell the owner when it has gone everywhere."""
        async with self.storage.transaction() as tx:
            for chat in await self.storage.broadcasts.next_chats(tx, number, CHATS_AT_ONCE):
                await self.storage.notices.add(tx, Notice(Place(chat), chat > 0, text, broadcast=number))
        async with self.storage.transaction() as tx:
            done = await self.storage.broadcasts.finish(tx, number)
            if done is not None:
                place = Place(done.owner_id)
                with speaking(chat_language(await self.storage.chats.find(place))):
                    told = plural(done.chats, texts.BROADCAST_DONE).format(sent=f"{done.sent:,}")
                await self.storage.notices.add(tx, Notice(place, True, told))

    async def _menus(self) -> None:
        owners = set(await self.owners.ids())
        for owner in owners - self.menus:
            self.menus.add(owner)
            await register_owner_menu(self.bot, owner)
        for former in self.menus - owners:
            self.menus.discard(former)
            await drop_owner_menu(self.bot, former)
