"""``/summary``: of the whole conversation, or of what somebody missed."""

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

from telegram import Update

from bot.chat_language import chat_language
from bot.conversation.keys import spoken_in
from bot.conversation.since import LANGUAGES, time_asked
from bot.conversation.summaries import Summaries
from bot.errors import ModelError
from bot.handlers.endings import Endings, StoppedError
from bot.handlers.notices import answer, argument
from bot.intake.arrival import place_of
from bot.language import every_noun, sentence, texts
from storage import Storage
from storage.records import Chat

_NUMBER = re.compile(r"(?<!\d)([1-9]\d{0,5})(?!\d)")


@dataclass(frozen=True, slots=True)
class SummaryHandlers:
    """Answers in the lane, so that what is said meanwhile is answered behind it."""

    storage: Storage
    summaries: Summaries
    endings: Endings
    zone: tzinfo
    clock: Callable[[], float]

    async def summary(self, update: Update, _: object) -> None:
        """``/summary``, ``/summary 50``, ``/summary 3h``, ``/summary since yesterday``."""
        message = update.message
        assert message is not None
        wanted = argument(message)
        chat = await self.storage.chats.find(place_of(message))
        code, done = message.from_user.language_code if message.from_user else None, [update.update_id]
        try:
            work = self._text(chat, wanted, code) if chat else None
            text = await self.endings.until_stopped(place_of(message), work) if work else texts.NOTHING_SAID
        except StoppedError as exc:
            text, done = texts.STOPPED, [*done, *exc.update_ids]
        except ModelError as exc:
            text = sentence(exc, "/summary")
        async with self.storage.transaction() as tx:
            await self.storage.notices.add(tx, answer(message, text, markdown=True))
            await self.storage.inbox.done(tx, done)

    async def _text(self, chat: Chat, wanted: str, code: str | None) -> str:
        if not wanted:
            return await self.summaries.whole(chat) or texts.NOTHING_SAID
        if count := _count(wanted):
            return await self.summaries.of_messages(chat, count) or texts.SUMMARY_NOTHING
        now = datetime.fromtimestamp(self.clock(), UTC)
        spoken = [(one or "").lower().partition("-")[0] for one in (chat_language(chat), code, chat.heard_language)]
        languages = (*spoken[:1], *spoken_in(wanted, spoken), *spoken, "en", *LANGUAGES)
        if asked := await asyncio.to_thread(time_asked, wanted, languages, now, self.zone):
            begin, end = (time.timestamp() for time in asked)
            return await self.summaries.of_time(chat, begin, end) or texts.SUMMARY_NOTHING
        return texts.SUMMARY_HOW


def _count(wanted: str) -> int:
    """Of messages: a number alone, or with the word for them; 0 where it is something else."""
    found = _NUMBER.search(wanted)
    words = every_noun("MESSAGES")
    rest = re.sub(r"\s+", " ", _NUMBER.sub("", wanted, count=1)).strip().casefold()
    return int(found[1]) if found and (not rest or any(rest.endswith(word) for word in words)) else 0
