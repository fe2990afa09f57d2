"""``/search``: finds what was said in a chat."""

import re
from datetime import datetime, tzinfo

from telegram import Chat as TelegramChat
from telegram import Message

from bot.conversation.indexing import Indexer
from bot.conversation.query import strip_framing
from bot.conversation.recall import Recall
from bot.conversation.search_terms import all_words, query_words
from bot.handlers.context import MessageContext, argument
from bot.language import texts
from bot.updates.parsing import key_of
from storage.history import History
from storage.records import Chat, HistoryTurn

MOST_SHOWN = 8
MOST_FOUND = 100
MOST_LOOKED_FOR = 96
"""Words for which an excerpt is looked for: each is tried at each place of a text."""
BEFORE, EXCERPT = 50, 130
"""How many characters are shown before the word that was found, and in total."""


class SearchHandlers:
    """Searches the whole history of a chat; `zone` is the time zone of the times shown."""

    def __init__(self, history: History, recall: Recall, indexer: Indexer, zone: tzinfo) -> None:
        self._history = history
        self._recall = recall
        self._indexer = indexer
        self._zone = zone

    async def search(self, update: MessageContext) -> None:
        """``/search <words>``: the best hits, each with its date and, if Telegram has one, a link."""
        words = argument(update.message)
        text = texts.SEARCH_NOTHING if words else texts.SEARCH_HOW
        if words and update.chat is not None:
            text = await self._found(update.message, update.chat, words) or text
        await update.say(update.notice(text, alone=True))

    async def _found(self, message: Message, chat: Chat, words: str) -> str:
        await self._indexer.catch_up(chat.id)
        ids = await self._recall.search(chat, words, after_turn=chat.reset_turn, limit=MOST_FOUND)
        turns = {turn.turn_id: turn for turn in await self._history.of_ids(chat.id, ids[:MOST_SHOWN])}
        hits = [hit(message, turns[turn_id], words, self._zone) for turn_id in ids[:MOST_SHOWN] if turn_id in turns]
        if len(ids) > MOST_SHOWN:
            hits.append(texts.SEARCH_MORE.format(count=len(ids) - MOST_SHOWN))
        return "\n\n".join(hits)


def hit(message: Message, turn: HistoryTurn, words: str, zone: tzinfo) -> str:
    """A turn that was found, for the chat of this message: its date, speaker, an excerpt, and a link."""
    at = f"{datetime.fromtimestamp(turn.at, zone):%Y-%m-%d %H:%M}"
    lines = [
        f"{at} · {turn.speaker or texts.THE_BOT}",
        excerpt(strip_framing(turn.content).removeprefix(f"{turn.speaker}: "), words),
    ]
    if (url := link(message.chat, turn.message_id, key_of(message).thread_id)) is not None:
        lines.append(url)
    return "\n".join(lines)


def excerpt(content: str, words: str) -> str:
    """The part of a text around the first of the words, or its beginning if it has none of them."""
    line = " ".join(content.split())
    stems = [word[: max(4, len(word) - 2)] for word in (query_words(words) or all_words(words))[:MOST_LOOKED_FOR]]
    found = re.search("|".join(map(re.escape, stems)), line, re.IGNORECASE)
    start = max(0, (found.start() if found else 0) - BEFORE)
    end = start + EXCERPT
    return ("…" if start else "") + line[start:end].strip() + ("…" if end < len(line) else "")


def link(chat: TelegramChat, message_id: int | None, thread_id: int) -> str | None:
    """The link to a message; None in private chats and basic groups, where messages have no links."""
    if (
        message_id is None
        or message_id <= 0
        or chat.is_direct_messages
        or chat.type not in (TelegramChat.SUPERGROUP, TelegramChat.CHANNEL)
    ):
        return None
    name = chat.username or f"c/{str(chat.id).removeprefix('-100')}"
    topic = f"{thread_id}/" if thread_id else ""
    return f"https://t.me/{name}/{topic}{message_id}"
