"""The commands. What a command does, what it answers and its being done are one transaction."""

from collections.abc import Callable
from dataclasses import dataclass

from telegram import Message, Update

from bot.conversation.budget import Budget
from bot.conversation.presses import UNDO_RESET
from bot.handlers.budget import refused
from bot.handlers.endings import Endings
from bot.handlers.notices import answer, is_private
from bot.handlers.senders import sender_of
from bot.intake.arrival import place_of
from bot.intake.authorship import is_at
from bot.intake.drafts import stopped_draft
from bot.language import plural, texts
from storage import Storage, Transaction
from storage.records import Button, Notice
from storage.resets import UNDO_S


@dataclass(frozen=True, slots=True)
class Commands:
    """One method per command; `keep_days` is how long what was reset is kept.

    `listens`: in groups, what is said between the calls is kept as well.
    """

    storage: Storage
    endings: Endings
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
