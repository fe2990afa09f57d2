"""``/summary``: of the whole conversation, or of what somebody missed."""

import re
from dataclasses import dataclass

from telegram import Update

from bot.conversation.summaries import Summaries
from bot.errors import ModelError
from bot.handlers.notices import answer, argument
from bot.intake.arrival import place_of
from bot.language import sentence, texts
from storage import Storage
from storage.records import Chat

_MESSAGES = re.compile(r"([1-9]\d{0,5})")
_TIME = re.compile(r"([1-9]\d{0,3})\s*([mhd])[a-z]*", re.IGNORECASE)
_HOURS = {"m": 1 / 60, "h": 1.0, "d": 24.0}


@dataclass(frozen=True, slots=True)
class SummaryHandlers:
    """Answers in the lane, so that what is said meanwhile is answered behind it."""

    storage: Storage
    summaries: Summaries

    async def summary(self, update: Update, _: object) -> None:
        """``/summary``, ``/summary 50``, ``/summary 3h``."""
        message = update.message
        assert message is not None
        wanted = argument(message)
        chat = await self.storage.chats.find(place_of(message))
        try:
            text = await self._text(chat, wanted) if chat else texts.NOTHING_SAID
        except ModelError as exc:
            text = sentence(exc)
        async with self.storage.transaction() as tx:
            await self.storage.notices.add(tx, answer(message, text, markdown=True))
            await self.storage.inbox.done(tx, [update.update_id])

    async def _text(self, chat: Chat, wanted: str) -> str:
        if not wanted:
            return await self.summaries.whole(chat) or texts.NOTHING_SAID
        if found := _MESSAGES.fullmatch(wanted):
            return await self.summaries.of_messages(chat, int(found[1])) or texts.SUMMARY_NOTHING
        if found := _TIME.fullmatch(wanted):
            hours = int(found[1]) * _HOURS[found[2].lower()]
            return await self.summaries.of_hours(chat, hours) or texts.SUMMARY_NOTHING
        return texts.SUMMARY_HOW
