"""Commands for everyone. A command's effect, its reply and its mark as done are written in one transaction."""

import asyncio
import re
from collections.abc import Callable
from datetime import UTC, datetime, tzinfo

from telegram import Message

from bot.conversation.budget import Budget
from bot.conversation.search_terms import likely_languages
from bot.conversation.since import LANGUAGES, time_asked
from bot.conversation.summaries import Summaries
from bot.errors import ModelError
from bot.handlers.budget_command import refused
from bot.handlers.callbacks import UndoResetButton
from bot.handlers.cancellation import Cancellations, StoppedError
from bot.handlers.context import MessageContext, UpdateContext, argument, sender_of
from bot.handlers.notices import answer, is_private
from bot.language import chat_language, every_noun, grouped, plural, sentence, texts
from bot.updates.authorship import is_addressed_to
from storage import Storage, Transaction
from storage.deletions import UNDO_S
from storage.records import Button, Chat, Notice

_NUMBER = re.compile(r"(?<!\d)([1-9]\d{0,5})(?!\d)")


class CommandHandlers:
    """One method per command; `keep_days` is how long turns are kept after a reset."""

    def __init__(
        self,
        storage: Storage,
        cancellations: Cancellations,
        budget: Budget,
        keep_days: int,
        clock: Callable[[], float],
    ) -> None:
        self._storage = storage
        self._cancellations = cancellations
        self._budget = budget
        self._keep_days = keep_days
        self._clock = clock

    async def start(self, update: MessageContext) -> None:
        """``/start``: introduce the bot."""
        await update.say(update.notice(texts.START, alone=True))

    async def help(self, update: MessageContext) -> None:
        """``/help``: list the commands."""
        await update.say(update.notice(texts.HELP, alone=True))

    async def unknown(self, update: MessageContext) -> None:
        """Any other command: a hint, unless it is in a group and may be for another bot."""
        hint = update.notice(texts.UNKNOWN_COMMAND, alone=True)
        await update.say(hint if is_addressed_to(update.message, update.message.get_bot()) else None)

    async def reset(self, update: MessageContext) -> None:
        """``/reset``: leave everything said so far out of later prompts."""
        async with update.finish() as tx:
            await self._cancellations.stop_sending(tx, update.key)
            chat = update.chat
            reset_id = await self._storage.deletions.reset(tx, chat.id, self._clock()) if chat is not None else None
            if reset_id is None:
                await update.reply(tx, texts.RESET_EMPTY, alone=True)
                return
            text = texts.RESET.format(days=plural(self._keep_days, texts.DAYS))
            undo = Button(texts.UNDO, UndoResetButton(reset_id).pack())
            await update.send(tx, update.notice(text, [undo], until=self._clock() + UNDO_S))

    async def retry(self, update: MessageContext) -> None:
        """``/retry``: answer the last question again, at the expense of the person who asks for it."""
        chat, by = update.chat, sender_of(update.message)
        if (refusal := await refused(self._budget, chat, by)) is not None:
            await update.say(update.notice(refusal, alone=True))
            return
        async with update.finish() as tx:
            asked = chat is not None and await self._storage.transcript.ask_again(tx, chat.id, self._clock(), by)
            if not asked:
                await update.reply(tx, texts.NOTHING_TO_RETRY, alone=True)

    async def stop(self, update: MessageContext) -> None:
        """``/stop``: end everything in progress in this chat, with one reply.

        The turn stores its answer as far as it got, and finishes this update. The delivery of a stored answer in
        several messages ends, and so does this owner's broadcast. A question waiting in the lane is answered next, and
        stopped only if there is nothing else to stop, even if it has been started in the meantime.
        """
        waits = self._cancellations.is_waiting(update.key)
        ended = await self._cancellations.stop(update.key, update.update_ids)
        async with self._storage.transaction() as tx:
            sending = await self._cancellations.stop_sending(tx, update.key)
            said = await self._stop_broadcasts(tx, update.message)
            if not (ended or said or sending):
                ended = self._cancellations.stop_waiting(update.key, update.update_ids) or (
                    waits and await self._cancellations.stop(update.key, update.update_ids, tx=tx)
                )
            if ended:
                update.hand_over()
            else:
                said = said or (texts.STOPPED if sending else texts.NOTHING_TO_STOP)
                await update.done(tx)
            if said:
                await update.reply(tx, said)

    async def _stop_broadcasts(self, tx: Transaction, message: Message) -> str:
        stopped = await self._storage.broadcasts.stop(tx, message.chat.id) if is_private(message) else []
        self._cancellations.stop_broadcasts(broadcast.id for broadcast in stopped)
        return "\n".join(plural(b.chats, texts.BROADCAST_STOPPED).format(sent=grouped(b.sent)) for b in stopped)

    async def stop_draft(self, update: UpdateContext, reply_id: int) -> None:
        """The button next to a draft: stop the answer."""
        if await self._cancellations.stop(update.key, update.update_ids, reply_id):
            update.hand_over()
            return
        async with update.finish() as tx:
            if await self._cancellations.stop_reply(tx, update.key, reply_id):
                await update.send(tx, Notice(update.key, True, texts.STOPPED))

    async def ignore(self, update: UpdateContext) -> None:
        """Finish an update that gets no reply."""
        await update.say(None)


class SummaryHandlers:
    """``/summary``: of the whole conversation, or of what someone missed. Messages sent meanwhile wait in the lane."""

    def __init__(
        self, summaries: Summaries, cancellations: Cancellations, zone: tzinfo, clock: Callable[[], float]
    ) -> None:
        self._summaries = summaries
        self._cancellations = cancellations
        self._zone = zone
        self._clock = clock

    async def summary(self, update: MessageContext) -> None:
        """``/summary``, ``/summary 50``, ``/summary 3h``, ``/summary since yesterday``."""
        chat = update.chat
        stopped: tuple[int, ...] = ()
        try:
            work = self._text(chat, argument(update.message), update.language_code) if chat else None
            text = await self._cancellations.until_stopped(update.key, work) if work else texts.NOTHING_SAID
        except StoppedError as exc:
            text, stopped = texts.STOPPED, exc.update_ids
        except ModelError as exc:
            text = sentence(exc, "/summary")
        await update.say(answer(update.message, text, markdown=True), also=stopped)

    async def _text(self, chat: Chat, wanted: str, code: str | None) -> str:
        if not wanted:
            return await self._summaries.whole(chat) or texts.NOTHING_SAID
        if count := _count(wanted):
            return await self._summaries.of_messages(chat, count) or texts.SUMMARY_NOTHING
        now = datetime.fromtimestamp(self._clock(), UTC)
        tags = (chat_language(chat), code, chat.heard_language)
        spoken = [(tag or "").lower().partition("-")[0] for tag in tags]
        languages = (*spoken[:1], *likely_languages(wanted, spoken), *spoken, "en", *LANGUAGES)
        if asked := await asyncio.to_thread(time_asked, wanted, languages, now, self._zone):
            begin, end = (time.timestamp() for time in asked)
            return await self._summaries.of_time(chat, begin, end) or texts.SUMMARY_NOTHING
        return texts.SUMMARY_HOW


def _count(wanted: str) -> int:
    """The number of messages asked for: a number, alone or with the word for messages; 0 if it is something else."""
    found = _NUMBER.search(wanted)
    words = every_noun("MESSAGES")
    rest = re.sub(r"\s+", " ", _NUMBER.sub("", wanted, count=1)).strip().casefold()
    return int(found[1]) if found and (not rest or any(rest.endswith(word) for word in words)) else 0
