"""``/forget``: shows what was found, and permanently deletes it once that is confirmed.

In a group, administrators can have anything forgotten, and members what they said themselves.
"""

from collections.abc import Callable
from datetime import datetime, tzinfo

from telegram import Message

from bot.conversation.eraser import Eraser
from bot.conversation.forgetting import NO_QUOTES, ForgetPreview, Forgetting
from bot.conversation.query import strip_framing
from bot.handlers.callbacks import ConfirmForgetButton, ForgetPageButton, KeepButton
from bot.handlers.context import ButtonContext, MessageContext, PressContext, argument, sender_of
from bot.handlers.guards import AdminGuard
from bot.handlers.notices import edited
from bot.handlers.pending_questions import GivenAnswer, QuestionHandlers
from bot.language import plural, texts
from storage.deletions import Deletions, Proposal
from storage.outbox import Outbox
from storage.records import Button, Chat, HistoryTurn

BACK, ON = "◀", "▶"
BUTTONS_S = 600.0
"""How long the buttons are shown."""
MOST_SHOWN = 10
EXCERPT = 100
"""How many characters of each turn are shown."""


class ForgetHandlers:
    """Finds, asks and deletes; `zone` is the time zone of the dates shown, `clock` gives Unix seconds."""

    def __init__(
        self,
        deletions: Deletions,
        outbox: Outbox,
        questions: QuestionHandlers,
        admins: AdminGuard,
        forgetting: Forgetting,
        eraser: Eraser,
        zone: tzinfo,
        clock: Callable[[], float],
    ) -> None:
        self._deletions = deletions
        self._outbox = outbox
        self._questions = questions
        self._admins = admins
        self._forgetting = forgetting
        self._eraser = eraser
        self._zone = zone
        self._clock = clock

    async def forget(self, update: MessageContext) -> None:
        """``/forget <words>``, or ``/forget`` as a reply."""
        await self._propose(update, argument(update.message), update.message.reply_to_message)

    async def forget_words(self, update: MessageContext, given: GivenAnswer) -> None:
        """The answer to the bot's question what to forget."""
        await self._propose(update, given.words, None, given)

    async def confirm(self, update: ButtonContext, button: ConfirmForgetButton) -> None:
        """Delete what was shown."""
        chat, proposal = update.chat, None
        if not await self._may_answer(update, button.proposal_id):
            return
        quoted = await self._forgetting.quoting(chat, button.proposal_id) if chat is not None else NO_QUOTES
        async with update.finish() as tx:
            if chat is not None:
                proposal = await self._forgetting.carry_out(tx, chat, button.proposal_id, quoted)
            if proposal is not None:
                await self._outbox.button_gone(tx, update.key, update.message.message_id)
                await update.edit(tx, texts.FORGOTTEN.format(forgotten=_counted(proposal)))
        if chat is not None and proposal is not None:
            await self._forgetting.carry_on(chat)
            self._eraser.begin()
        await update.acknowledge("" if proposal else texts.OLD_BUTTON)

    async def show_page(self, update: ButtonContext, button: ForgetPageButton) -> None:
        """Show another page of what was found."""
        chat, number = update.chat, button.proposal_id
        if not await self._may_answer(update, number):
            return
        proposal = await self._deletions.proposal(chat.id, number) if chat else None
        text = await self._text(chat, proposal, button.page) if chat and proposal else ""
        async with update.finish() as tx:
            if proposal is not None:
                await update.edit(tx, text, _buttons(number, proposal, button.page))
        await update.acknowledge("" if proposal else texts.OLD_BUTTON)

    async def keep(self, update: PressContext, button: KeepButton) -> None:
        """Drop the proposal and keep everything."""
        chat, message = update.chat, update.message
        if not await self._may_answer(update, button.proposal_id):
            return
        async with update.finish() as tx:
            taken = chat and await self._deletions.take_proposal(tx, chat.id, button.proposal_id)
            if taken is not None and message is not None:
                await self._outbox.button_gone(tx, update.key, message.message_id)
                await update.send(tx, edited(message, texts.KEPT))
        await update.acknowledge(texts.KEPT)

    async def _may_answer(self, update: PressContext, proposal_id: int) -> bool:
        """Whether this person may decide about a proposal; otherwise the press is answered here."""
        chat = update.chat
        proposal = await self._deletions.proposal(chat.id, proposal_id) if chat else None
        if chat is None or proposal is None or await self._admins.admits(update):
            return True
        if await self._forgetting.may_confirm(chat, proposal, update.query.from_user.id):
            return True
        await update.say(None)
        await update.acknowledge(texts.ONLY_ADMINS)
        return False

    async def _propose(
        self, update: MessageContext, words: str, reply_to: Message | None, given: GivenAnswer | None = None
    ) -> None:
        chat = update.chat
        notice = update.notice(texts.FORGET_NOTHING)
        found = await self._found(chat, words, reply_to) if chat else ForgetPreview((), ())
        if chat is not None and found and not await self._admins.admits(update):
            found = await self._forgetting.only_of(chat, found, sender_of(update.message) or 0)
            notice = update.notice(texts.ONLY_ADMINS, alone=True)
        text = await self._text(chat, found, 0) if chat and found else ""
        if not words and reply_to is None:
            notice = update.notice(texts.FORGET_HOW)
        async with update.finish() as tx:
            if chat is not None and found:
                number = await self._forgetting.propose(tx, chat, found)
                notice = update.notice(text, _buttons(number, found, 0), until=self._clock() + BUTTONS_S)
            if given is None:
                await update.send(tx, notice)
            else:
                await self._questions.answered(tx, given, notice, over=bool(found))  # else they can try other words

    async def _found(self, chat: Chat, words: str, reply_to: Message | None) -> ForgetPreview:
        if words:
            return await self._forgetting.by_words(chat, words)
        if reply_to is not None:
            return await self._forgetting.by_message(chat, reply_to.message_id)
        return ForgetPreview((), ())

    async def _text(self, chat: Chat, found: ForgetPreview | Proposal, page: int) -> str:
        lines = [self._line(turn) for turn in await self._forgetting.shown(chat, found, page * MOST_SHOWN, MOST_SHOWN)]
        if (pages := _pages(found)) > 1:
            count = plural(len(found.turn_ids), texts.MESSAGES)
            lines = [texts.FORGET_PAGE.format(messages=count, page=page + 1, pages=pages), "", *lines]
        if found.lines and page == 0:
            lines += ["", texts.FORGET_IN_NOTES, *found.lines]
        return texts.FORGET_FOUND.replace("{found}", "\n".join(lines).strip())

    def _line(self, turn: HistoryTurn) -> str:
        words = " ".join(strip_framing(turn.content).split()).removeprefix(
            f"{turn.speaker}: "
        )  # in groups the content begins with it
        shown = words if len(words) <= EXCERPT else words[:EXCERPT].rstrip() + "…"
        return f"• {datetime.fromtimestamp(turn.at, self._zone):%Y-%m-%d} {turn.speaker or texts.THE_BOT}: {shown}"


def _pages(found: ForgetPreview | Proposal) -> int:
    return max(1, -(-len(found.turn_ids) // MOST_SHOWN))


def _counted(proposal: Proposal) -> str:
    messages, lines = (
        plural(len(proposal.turn_ids), texts.MESSAGES),
        plural(len(proposal.lines), texts.LINES),
    )
    if not proposal.lines:
        return messages
    form = texts.FORGOTTEN_BOTH if proposal.turn_ids else texts.FORGOTTEN_LINES
    return form.format(messages=messages, lines=lines)


def _buttons(number: int, found: ForgetPreview | Proposal, page: int) -> list[Button]:
    turns = [(BACK, page - 1), (ON, page + 1)]
    return [
        *(Button(label, ForgetPageButton(number, to).pack()) for label, to in turns if 0 <= to < _pages(found)),
        Button(texts.FORGET_YES, ConfirmForgetButton(number).pack()),
        Button(texts.FORGET_NO, KeepButton(number).pack()),
    ]
