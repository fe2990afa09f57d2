"""``/broadcast``, and other work for the owners that is stored first and then done in Telegram by a job.

The owner confirms a broadcast, and it is sent to every chat that has access. All of it is in the database, so a
restart continues it.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date

from telegram import Bot, Message
from telegram.error import BadRequest, ChatMigrated, Forbidden, TelegramError

from bot.access.policy import Owners
from bot.access.roster import RosterReader
from bot.conversation.incoming_message import utf16_length
from bot.errors import ModelError, NoCredit, WrongKey
from bot.handlers.broadcast_content import MOST_CAPTION, content_of
from bot.handlers.callbacks import DropBroadcastButton, SendBroadcastButton
from bot.handlers.context import MessageContext, PressContext
from bot.handlers.membership import drop_owner_menu, register_owner_menu
from bot.handlers.notices import answer, edited
from bot.language import chat_language, grouped, plural, speaking, texts
from bot.updates.lanes import Wakeups
from storage import Storage, presence
from storage.broadcasts import BroadcastContent, Broadcasts
from storage.records import Button, ChatKey, Notice

CHATS_AT_ONCE = 20
"""How many chats get a broadcast per run: ten a second leave the rest of Telegram's 30 a second to answers."""
REFUSALS: Sequence[type[ModelError]] = (WrongKey, NoCredit)
"""What a model server refuses until an owner does something about it."""

log = logging.getLogger(__name__)


class BroadcastHandlers:
    """Asks for confirmation and starts broadcasts; `clock` gives Unix seconds."""

    def __init__(
        self, broadcasts: Broadcasts, roster: RosterReader, owners: Owners, clock: Callable[[], float]
    ) -> None:
        self._broadcasts = broadcasts
        self._roster = roster
        self._owners = owners
        self._clock = clock

    async def broadcast(self, update: MessageContext) -> None:
        """Show what would be sent, and to how many chats."""
        message = update.message
        content, chats = content_of(message), (await self._roster.read()).reachable
        async with update.finish() as tx:
            if content is None:
                await update.reply(tx, texts.BROADCAST_HOW)
            elif content.captioned and utf16_length(content.text) > MOST_CAPTION:
                await update.reply(tx, texts.BROADCAST_CAPTION)
            else:
                number = await self._broadcasts.propose(tx, message.chat.id, content, self._clock())
                buttons = [
                    Button(texts.BROADCAST_YES, SendBroadcastButton(number).pack()),
                    Button(texts.BROADCAST_NO, DropBroadcastButton(number).pack()),
                ]
                await update.send(tx, _question(message, content, plural(len(chats), texts.CHATS), buttons))

    async def send(self, update: PressContext, button: SendBroadcastButton) -> None:
        """Start a confirmed broadcast, which goes out to a few chats at a time."""
        owner = update.query.from_user.id
        chats = (await self._roster.read()).reachable
        allowed = await self._owners.has(owner)
        async with update.finish() as tx:
            begun = allowed and await self._broadcasts.begin(tx, button.number, owner, chats)
            if begun and update.message is not None:
                text = texts.BROADCASTING.format(chats=plural(len(chats), texts.CHATS))
                await update.send(tx, edited(update.message, text))
        if begun:
            fields = {"owner": owner, "decision": "broadcast", "chats": len(chats)}
            log.info("Owner %d sends a broadcast to %d chats", owner, len(chats), extra={"fields": fields})
        refused = texts.OLD_BUTTON if allowed else texts.ONLY_OWNERS
        await update.acknowledge("" if begun else refused)

    async def drop(self, update: PressContext, button: DropBroadcastButton) -> None:
        """Drop the broadcast."""
        async with update.finish() as tx:
            dropped = await self._broadcasts.drop(tx, button.number, update.query.from_user.id)
            if dropped and update.message is not None:
                await update.send(tx, edited(update.message, texts.BROADCAST_DROPPED))
        await update.acknowledge(texts.BROADCAST_DROPPED if dropped else texts.OLD_BUTTON)


def _question(message: Message, content: BroadcastContent, chats: str, buttons: Sequence[Button]) -> Notice:
    """The question for confirmation; if there is more than text, it replies to the message instead of quoting it."""
    if not content.is_seen_there:
        shown = texts.BROADCAST_ASK.format(chats=chats, text="{text}").replace("{text}", content.text)
        return answer(message, shown, buttons)
    asked = answer(message, texts.BROADCAST_ASK_COPY.format(chats=chats), buttons)
    return replace(asked, reply_to=content.copied or message.message_id, points=True)


class OutboxWorker:
    """Does what is pending in Telegram; `wakeups` makes chats send their notices."""

    def __init__(self, storage: Storage, bot: Bot, owners: Owners, wakeups: Wakeups) -> None:
        self._storage = storage
        self._bot = bot
        self._owners = owners
        self._wakeups = wakeups
        self._with_menu: set[int] = set()
        """The owners whose command menu has been registered."""

    async def run(self) -> None:
        """Leave groups, continue broadcasts, wake chats that have notices, and update the owners' menus."""
        for telegram_id in await self._storage.access.to_leave():
            await self._leave(telegram_id)
        for broadcast in await self._storage.broadcasts.sending():
            await self._continue(broadcast.id, broadcast.text)
        for key in await self._storage.outbox.waiting_keys():
            self._wakeups.wake(key)
        await self._menus()

    async def _leave(self, telegram_id: int) -> None:
        try:
            await self._bot.leave_chat(telegram_id)
        except ChatMigrated as exc:  # move its rows, and leave it under its new ID next time
            async with self._storage.transaction() as tx:
                await presence.migrate(tx, telegram_id, exc.new_chat_id)
            return
        except (BadRequest, Forbidden) as exc:
            log.info("Chat %d can't be left, or has been: %s", telegram_id, exc)
        except TelegramError as exc:
            log.warning("Chat %d could not be left and is tried again: %s", telegram_id, exc)
            return
        async with self._storage.transaction() as tx:
            await self._storage.access.has_left(tx, telegram_id)

    async def _continue(self, number: int, text: str) -> None:
        """Add notices for the next chats, and notify the owner once all have been sent."""
        async with self._storage.transaction() as tx:
            for chat in await self._storage.broadcasts.next_chats(tx, number, CHATS_AT_ONCE):
                await self._storage.outbox.add(tx, Notice(ChatKey(chat), chat > 0, text, broadcast=number))
        async with self._storage.transaction() as tx:
            done = await self._storage.broadcasts.finish(tx, number)
            if done is not None:
                key = ChatKey(done.owner_id)
                with speaking(chat_language(await self._storage.chats.find(key, tx))):
                    report = plural(done.chats, texts.BROADCAST_DONE).format(sent=grouped(done.sent))
                await self._storage.outbox.add(tx, Notice(key, True, report))

    async def _menus(self) -> None:
        owners = set(await self._owners.ids())
        for owner in owners - self._with_menu:
            self._with_menu.add(owner)
            await register_owner_menu(self._bot, owner)
        for former in self._with_menu - owners:
            self._with_menu.discard(former)
            await drop_owner_menu(self._bot, former)


class OwnerAlerts:
    """Notifies the owners when the model server refuses the key or the account.

    Once until an answer succeeds, and once a day for all processes that share the database.
    """

    def __init__(self, storage: Storage, owners: Owners, wakeups: Wakeups, today: Callable[[], date]) -> None:
        self._database, self._outbox, self._usage = storage.database, storage.outbox, storage.usage
        self._owners = owners
        self._wakeups = wakeups
        self._today = today
        self._reported: set[type[ModelError]] = set()
        self._answered = False
        """Whether there was an answer after the last report; at the start, an earlier process may have made one."""

    async def record(self, failure: ModelError | None) -> None:
        """Record a request's failure, or None for an answer."""
        if failure is None:
            if not self._answered:
                await self._forget()
            return
        kind = next((kind for kind in REFUSALS if isinstance(failure, kind)), None)
        if kind is None or kind in self._reported:
            return
        self._reported.add(kind)
        self._answered = False
        text = texts.OWNER_WRONG_KEY if kind is WrongKey else texts.OWNER_NO_CREDIT
        keys = [ChatKey(owner, 0) for owner in await self._owners.ids()]
        async with self._database.transaction() as tx:
            if not await self._usage.hint(tx, self._today(), kind.__name__, 0):
                return
            for key in keys:
                await self._outbox.add(tx, Notice(key, private=True, text=text))
        for key in keys:
            self._wakeups.wake(key)

    async def _forget(self) -> None:
        self._reported.clear()
        self._answered = True
        async with self._database.transaction() as tx:
            await self._usage.forget_hints(tx, self._today(), [kind.__name__ for kind in REFUSALS])
