"""The journal of what is being sent to groups, and what is done with it after a crash.

In a group, an answer must not appear twice, and must not be missing either. So what was being sent when the process
died is looked for before anything else is sent; if it has arrived, it is edited from then on.
"""

import asyncio
import logging
from collections import Counter

from telegram import Bot

from bot.outbound.content import Destination
from bot.outbound.journal import find_own
from bot.updates.claimed_chats import ClaimedChats
from storage import Storage, StorageError
from storage.claims import ClaimLostError
from storage.group_sends import UnknownSend

MOST_KNOWN = 5_000
"""How many groups' newest messages are remembered."""
AT_ONCE = 8
"""In how many groups messages are looked for at the same time."""
PATIENCE_S = 10.0
"""How long the start may be delayed by that, in seconds."""

log = logging.getLogger(__name__)


class GroupSendJournal:
    """Records what is about to be sent to groups. Private chats aren't worth the write before each answer."""

    def __init__(self, storage: Storage, bot: Bot, chats: ClaimedChats) -> None:
        self._database, self._sends = storage.database, storage.group_sends
        self._bot = bot
        self._chats = chats
        self._newest: dict[int, int] = {}
        """The bot's newest message in each group."""

    async def begin(self, to: Destination) -> None:
        """Record that a message is about to be sent to a group.

        Raises ClaimLostError if another process has the chat now. While that is not certain, this waits.
        """
        await self._chats.certain()
        if to.private or to.direct_topic_id is not None or (to.turn_id is None and to.notice_id is None):
            return
        newest = max(self._newest.get(to.chat_id, 0), to.reply_to or 0)
        try:
            async with self._database.transaction(first=True) as tx:
                await self._sends.begin(tx, to.chat_id, newest, turn_id=to.turn_id, notice_id=to.notice_id)
        except ClaimLostError:
            raise
        except StorageError as exc:
            log.warning("A message is sent without a record that it was begun: %s", exc)

    def arrived(self, to: Destination, message_id: int) -> None:
        """Remember the newest message in a group."""
        if to.private or message_id < 0:
            return
        self._newest[to.chat_id] = max(self._newest.pop(to.chat_id, 0), message_id)
        if len(self._newest) > MOST_KNOWN:
            del self._newest[next(iter(self._newest))]

    async def recover(self, telegram_id: int | None = None) -> None:
        """Find what was being sent when the last process died. Called before anything is sent. Raises StorageError.

        `telegram_id`: only in this group, which another process had. Telegram is waited for until it can be reached.
        """
        unknown = await self._sends.unknown(telegram_id)
        groups = Counter(send.telegram_id for send in unknown)
        limit = asyncio.Semaphore(AT_ONCE)
        found: dict[UnknownSend, int] = {}

        async def look(send: UnknownSend) -> None:
            async with limit:
                message_id = await find_own(self._bot, send.telegram_id, send.newest, waits=telegram_id is not None)
            if message_id is not None:
                found[send] = message_id

        try:
            async with asyncio.timeout(PATIENCE_S if telegram_id is None else None), asyncio.TaskGroup() as tasks:
                for send in unknown:
                    if groups[send.telegram_id] == 1:  # of several, in topics, no one knows which is which
                        tasks.create_task(look(send))
        except TimeoutError:
            log.warning("Some messages that were being sent to groups could not be looked for, and may appear twice")
        await self._chats.certain()  # the group may have been handed over because Telegram can't be reached from here
        async with self._database.transaction() as tx:
            for send, message_id in found.items():
                await self._sends.found(tx, send, message_id)
            await self._sends.settle(tx, telegram_id)
