"""The commands. What a command does, what it answers and its being done are one transaction.

``/summary``: of the whole conversation, or of what somebody missed.
"""

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

from telegram import Message, Update

from bot.conversation.budget import Budget
from bot.conversation.incoming_message import UNDO_RESET
from bot.conversation.search_terms import spoken_in
from bot.conversation.since import LANGUAGES, time_asked
from bot.conversation.summaries import Summaries
from bot.errors import ModelError
from bot.handlers.budget_command import refused
from bot.handlers.cancellation import Cancellations, StoppedError
from bot.handlers.context import answer, argument, is_private, sender_of
from bot.language import chat_language, every_noun, plural, sentence, texts
from bot.updates.authorship import is_at
from bot.updates.parsing import place_of
from bot.updates.raw_updates import stopped_draft
from storage import Storage, Transaction
from storage.records import Button, Chat, Notice
from storage.resets import UNDO_S

_NUMBER = re.compile(r"(?<!\d)([1-9]\d{0,5})(?!\d)")


@dataclass(frozen=True, slots=True)
class CommandHandlers:
    """One method per command; `keep_days` is how long what was reset is kept.

    `listens`: in groups, what is said between the calls is kept as well.
    """

    storage: Storage
    endings: Cancellations
    budget: Budget
    keep_days: int
    listens: bool
    clock: Callable[[], float]

    async def start(self, update: Update, _: object) -> None:
        """``/start``: who I am."""
        await self._say(update, texts.START)

    async def help(self, update: Update, _: object) -> None:
        """``/help``: what I understand."""
        await self._say(update, texts.HELP)

    async def privacy(self, update: Update, _: object) -> None:
        """``/privacy``: what is kept of people, and where it goes."""
        message = _message(update)
        told = [texts.PRIVACY]
        if not is_private(message):
            chat = await self.storage.chats.find(place_of(message))
            kept = self.listens and (chat is None or chat.choices.listen is not False)
            told.append(texts.PRIVACY_LISTENS if kept else texts.PRIVACY_CALLED)
        await self._say(update, "\n\n".join([*told, texts.PRIVACY_DELETE]))

    async def unknown(self, update: Update, _: object) -> None:
        """Any other command, alone: a hint, but in a group where it may be for another bot."""
        message = _message(update)
        if is_at(message, message.get_bot()):
            await self._say(update, texts.UNKNOWN_COMMAND)
        else:
            await self.ignore(update, _)

    async def reset(self, update: Update, _: object) -> None:
        """``/reset``: nothing said so far is in any later prompt."""
        async with self.storage.transaction() as tx:
            await self.endings.stop_sending(tx, place_of(_message(update)))
            reset_id = await self._reset(tx, _message(update))
            if reset_id is None:
                notice = answer(_message(update), texts.RESET_EMPTY, alone=True)
            else:
                notice = answer(
                    _message(update),
                    texts.RESET.format(days=plural(self.keep_days, texts.DAYS)),
                    [Button(texts.UNDO, f"{UNDO_RESET}{reset_id}")],
                    until=self.clock() + UNDO_S,
                )
            await self._done(tx, update, notice)

    async def retry(self, update: Update, _: object) -> None:
        """``/retry``: the last question is owed an answer again, for which whoever says so pays."""
        chat, by = await self.storage.chats.find(place_of(_message(update))), sender_of(_message(update))
        if (refusal := await refused(self.budget, chat, by)) is not None:
            await self._say(update, refusal)
            return
        async with self.storage.transaction() as tx:
            asked = chat is not None and await self.storage.transcript.ask_again(tx, chat.id, self.clock(), by)
            await self._done(
                tx, update, None if asked else answer(_message(update), texts.NOTHING_TO_RETRY, alone=True)
            )

    async def stop(self, update: Update, _: object) -> None:
        """``/stop``: all that is under way for this chat ends here, and one sentence says so.

        An answer is stored as far as it got, and this update done, by the turn itself. What is written already and
        takes several messages goes out no further, nor does this owner's broadcast. What waits behind is answered next:
        it is ended only when there is nothing else to end.
        """
        message, done = _message(update), (update.update_id,)
        ended = await self.endings.stop(place_of(message), done)
        async with self.storage.transaction() as tx:
            sending = await self.endings.stop_sending(tx, place_of(message))
            said = await self._stop_broadcasts(tx, message)
            ended = ended or (not said and not sending and self.endings.stop_waiting(place_of(message), done))
            if not ended:
                said = said or (texts.STOPPED if sending else texts.NOTHING_TO_STOP)
                await self.storage.inbox.done(tx, done)
            if said:
                await self.storage.notices.add(tx, answer(message, said))

    async def _stop_broadcasts(self, tx: Transaction, message: Message) -> str:
        stopped = await self.storage.broadcasts.stop(tx, message.chat.id) if is_private(message) else []
        self.endings.broadcasts.update(one.id for one in stopped)
        return "\n".join(plural(one.chats, texts.BROADCAST_STOPPED).format(sent=f"{one.sent:,}") for one in stopped)

    async def unhandled(self, update: Update, _: object) -> None:
        """Whatever no other handler wants, but for the button that stops a draft."""
        stopped = stopped_draft(update)
        if stopped is None:
            await self.ignore(update, _)
        elif not await self.endings.stop(stopped[0], (update.update_id,), stopped[1]):
            async with self.storage.transaction() as tx:
                sending = await self.endings.stop_reply(tx, *stopped)
                await self._done(tx, update, Notice(stopped[0], True, texts.STOPPED) if sending else None)

    async def ignore(self, update: Update, _: object) -> None:
        """There is nothing to say to it."""
        async with self.storage.transaction() as tx:
            await self._done(tx, update, None)

    async def _reset(self, tx: Transaction, message: Message) -> int | None:
        chat = await self.storage.chats.find(place_of(message))
        return None if chat is None else await self.storage.resets.reset(tx, chat.id, self.clock())

    async def _say(self, update: Update, text: str) -> None:
        async with self.storage.transaction() as tx:
            await self._done(tx, update, answer(_message(update), text, alone=True))

    async def _done(self, tx: Transaction, update: Update, notice: Notice | None) -> None:
        if notice is not None:
            await self.storage.notices.add(tx, notice)
        await self.storage.inbox.done(tx, [update.update_id])


def _message(update: Update) -> Message:
    assert update.message is not None, "command handlers get messages only"
    return update.message


@dataclass(frozen=True, slots=True)
class SummaryHandlers:
    """Answers in the lane, so that what is said meanwhile is answered behind it."""

    storage: Storage
    summaries: Summaries
    endings: Cancellations
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
