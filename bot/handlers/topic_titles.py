"""Titles for the topics of private chats: Telegram's apps use the first words, and expect the bot to choose a title.

The model makes it from the first exchange, once, in parallel to the conversation. A name that a person gave is kept.
"""

import asyncio
import logging

from telegram import Bot
from telegram.error import BadRequest, NetworkError, RetryAfter, TelegramError

from bot.conversation.side_requests import TitleWriter
from bot.handlers.notices import is_private
from bot.updates.parsing import MessageBatch, key_of
from storage.chats import Chats
from storage.database import Database
from storage.records import Chat, ChatKey

log = logging.getLogger(__name__)


class TopicHandlers:
    """Keeps track of topics without a title, and gives them one."""

    def __init__(self, database: Database, chats: Chats, titles: TitleWriter, bot: Bot) -> None:
        self._database = database
        self._chats = chats
        self._titles = titles
        self._bot = bot
        self._running: dict[ChatKey, asyncio.Task[None]] = {}

    async def note(self, batch: MessageBatch) -> None:
        """Record which topics have no name yet, or have been named by a person."""
        for message in batch.messages:
            if not is_private(message) or not message.message_thread_id:
                continue
            created, edited = message.forum_topic_created, message.forum_topic_edited
            by_bot = message.from_user is not None and message.from_user.id == self._bot.id
            if created is not None and created.is_name_implicit:
                async with self._database.transaction() as tx:
                    await self._chats.mark_untitled(tx, key_of(message))
            elif edited is not None and edited.name is not None and not by_bot:
                async with self._database.transaction() as tx:
                    await self._chats.mark_titled(tx, key_of(message))

    async def ensure_title(self, key: ChatKey) -> None:
        """Start to give the topic a title if it has none and something was answered there."""
        if key.telegram_id < 0 or key.thread_id <= 0 or key.direct or key in self._running:
            return
        if not await self._chats.is_untitled(key):
            return
        chat = await self._chats.find(key)
        if chat is not None and chat.private and not chat.gone:
            task = asyncio.create_task(self._name(chat), name=f"title of topic {key.thread_id}")
            self._running[key] = task
            task.add_done_callback(lambda done: self._ended(key, done))

    async def close(self) -> None:
        """Cancel the titles in progress; they are tried again after the next answer in the topic."""
        tasks = list(self._running.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _name(self, chat: Chat) -> None:
        key = chat.key
        title = await self._chats.title_to_set(key)
        if title is None:
            title = await self._titles.make(chat)
            if title is None:
                return
            async with self._database.transaction() as tx:
                if not title:  # nothing but pictures and symbols, which its present name shows just as well
                    await self._chats.mark_titled(tx, key)
                    return
                await self._chats.keep_title(tx, key, title)
        if not await self._chats.is_untitled(key):  # a person has named it in the meantime
            return
        try:
            await self._bot.edit_forum_topic(key.telegram_id, key.thread_id, name=title)
        except TelegramError as exc:
            log.debug("Topic %d of chat %d got no title: %s", key.thread_id, key.telegram_id, exc)
            if _may_pass(exc):
                return
        async with self._database.transaction() as tx:
            await self._chats.mark_titled(tx, key)

    def _ended(self, key: ChatKey, task: asyncio.Task[None]) -> None:
        self._running.pop(key, None)
        if not task.cancelled() and (exc := task.exception()) is not None:
            log.error("%s failed", task.get_name(), exc_info=exc)


def _may_pass(exc: TelegramError) -> bool:
    """Whether to try again after the next answer: Telegram had a problem or was busy, but did not refuse."""
    return isinstance(exc, RetryAfter) or (isinstance(exc, NetworkError) and not isinstance(exc, BadRequest))
