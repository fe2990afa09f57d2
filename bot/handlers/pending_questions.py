"""The bot's questions after a button press: who was asked, which message is the answer, and how to cancel them.

A message can have only one kind of markup, and markup that opens a reply can't be edited later. So the question itself
opens the reply, with a placeholder, and its Cancel button is under the message whose button was pressed. The answer is
a reply by the person who was asked, or the next thing they say within ten minutes.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace

from telegram import Bot, Message, User
from telegram.error import TelegramError

from bot.handlers.callbacks import CancelQuestionButton
from bot.handlers.context import ButtonContext, MessageContext, UpdateContext, is_personal
from bot.handlers.notices import edited, is_private, keyboard, question
from bot.inbound.addressing import Addressing, is_other_bot
from bot.inbound.quotes import replied_to, text_of
from bot.language import every, texts
from bot.updates.authorship import is_addressed_to, is_own
from bot.updates.parsing import MessageBatch, is_part, key_of, shared_key
from bot.updates.raw_updates import seen_by
from storage import Transaction
from storage.database import Database
from storage.outbox import Outbox
from storage.questions import LIVES_S, Question, QuestionKind, Questions
from storage.records import Button, ChatKey, Notice

NEXT_S = 600.0
"""How long someone's next message counts as the answer without being a reply, in seconds."""
WORDS = {QuestionKind.CORRECT: "CORRECT_ASK", QuestionKind.FORGET: "FORGET_ASK", QuestionKind.PERSONA: "PERSONA_ASK"}

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class GivenAnswer:
    """An answer to a question: its messages, and their text."""

    question: Question
    batch: MessageBatch
    words: str

    @property
    def message_ids(self) -> list[int]:
        return [message.message_id for message in self.batch.messages]


class QuestionHandlers:
    """Asks questions and recognizes their answers. `clock` gives Unix seconds."""

    def __init__(
        self,
        database: Database,
        questions: Questions,
        outbox: Outbox,
        bot: Bot,
        addressing: Addressing,
        clock: Callable[[], float],
    ) -> None:
        self._database = database
        self._questions = questions
        self._outbox = outbox
        self._bot = bot
        self._addressing = addressing
        self._clock = clock

    async def ask(
        self, tx: Transaction, message: Message, by: User, kind: QuestionKind, press: str | None = None
    ) -> None:
        """Ask someone who pressed a button under this message."""
        texts_of = {
            QuestionKind.CORRECT: (texts.CORRECT_ASK, texts.CORRECT_PLACEHOLDER),
            QuestionKind.FORGET: (texts.FORGET_ASK, texts.FORGET_PLACEHOLDER),
            QuestionKind.PERSONA: (texts.PERSONA_ASK, texts.PERSONA_PLACEHOLDER),
        }
        text, placeholder = texts_of[kind]
        own = _own_buttons(message)
        asked = Question(0, key_of(message), by.id, kind, self._clock(), None, panel=message.message_id, buttons=own)
        notice_id = await self._outbox.add(tx, question(message, text, by, placeholder, press))
        number = await self._questions.ask(tx, asked, notice_id)
        cancel = Button(texts.CANCEL, CancelQuestionButton(number).pack())
        await self._outbox.add(tx, edited(message, "", (*own, cancel)))

    async def sort(self, batch: MessageBatch) -> tuple[list[GivenAnswer], MessageBatch | None]:
        """Split a batch into answers to questions, each with its further parts, and the rest, which may be None."""
        given: list[GivenAnswer] = []
        rest: list[tuple[Message, int]] = []
        begins = not batch.continues
        for index, (message, number) in enumerate(zip(batch.messages, batch.update_ids, strict=True)):
            if len(batch.messages) > 1 and await self._answered_by(message, message.message_id) is not None:
                continue  # handled by an attempt that could not store the rest
            last = given[-1] if given and batch.messages[index - 1] in given[-1].batch.messages else None
            if last is not None and is_own(message) and is_part(message, batch.messages[index - 1]):
                given[-1] = replace(last, batch=_with(last.batch, message, number), words=self._joined(last, message))
                continue
            if index == 0 and batch.continues and (late := await self._before(message)) is not None:
                given.append(GivenAnswer(late, MessageBatch(batch.key, (message,), (number,)), self._words(message)))
                continue
            commented = index + 1 < len(batch.messages) and _comments(batch.messages[index + 1], message)
            asked = await self._asked(message, alone=(begins or index > 0) and not commented)
            if asked is not None and any(answer.question.message_id == asked.message_id for answer in given):
                asked = replace(asked, open=False) if replied_to(message) else None  # already answered
            if asked is None:
                rest.append((message, number))
            else:
                given.append(
                    GivenAnswer(asked, MessageBatch(shared_key(message), (message,), (number,)), self._words(message))
                )
        if not rest:
            return given, None
        continues = batch.continues and rest[0][0] is batch.messages[0]
        messages, update_ids = zip(*rest, strict=True)
        return given, MessageBatch(batch.key, messages, update_ids, continues)

    def is_for(self, asked: Question, message: Message) -> bool:
        """Whether the sender of this message was asked; an anonymous administrator may be anyone."""
        if message.sender_chat is not None:
            return message.sender_chat.id == message.chat.id
        return message.from_user is not None and asked.person == message.from_user.id

    async def is_answer(self, message: Message) -> bool:
        """Whether this message, in its first version, answered a question or replied to one."""
        if await self._answered_by(message, message.message_id) is not None:
            return True
        return is_own(message) and not is_other_bot(message) and await self._replied_to(message) is not None

    async def answered(
        self, tx: Transaction, given: GivenAnswer, notice: Notice, *, over: bool = True, awaits: bool = False
    ) -> None:
        """Record an answer and its result; for `over` and `awaits` see ``storage.questions.Questions.answered``."""
        asked = given.question
        await self._questions.answered(tx, asked, given.message_ids, over=over, awaits=awaits)
        await self._outbox.add(tx, notice)
        if over:
            await self._clear_panel(tx, asked, given.batch.key, is_private(given.batch.messages[0]))

    async def pass_over(self, update: UpdateContext) -> None:
        """Stop expecting an answer if someone gives a command instead, or presses another button, such as Back."""
        asked = None
        if isinstance(update, MessageContext):
            asked = await self._awaiting(update.message)
        elif isinstance(update, ButtonContext) and not _cancels(update.query.data):
            user = update.query.from_user
            asked = await self._questions.awaiting(shared_key(update.message), user.id)
        if asked is not None:
            await self._pass_over(asked)

    async def cancel(self, update: MessageContext) -> None:
        """``/cancel``: withdraw the bot's open questions to this person."""
        message, user = update.message, update.user
        asked = await self._questions.open_for(shared_key(message), user.id) if user else []
        async with update.finish() as tx:
            for question in asked:
                await self._cancel(tx, question, message)
            if asked:
                await update.reply(tx, texts.CANCELLED, alone=True)
            elif is_addressed_to(message, message.get_bot()):
                await update.reply(tx, texts.NOTHING_TO_CANCEL, alone=True)
        for question in asked:
            await self._delete(question)

    async def withdraw(self, telegram_id: int, person: int) -> None:
        """Stop expecting answers from someone who has left a group."""
        async with self._database.transaction() as tx:
            await self._questions.withdraw(tx, telegram_id, person)

    async def press_cancel(self, update: ButtonContext, button: CancelQuestionButton) -> None:
        """The Cancel button, which works only for the person who was asked."""
        asked = await self._questions.find(button.question_id)
        here = asked is not None and asked.key == update.key
        theirs = here and asked is not None and asked.person == update.query.from_user.id
        cancelled = False
        async with update.finish() as tx:
            if asked is not None and theirs:
                cancelled = await self._cancel(tx, asked, update.message)
            if not cancelled and (not here or (asked is not None and not asked.open)):
                await update.edit(tx, "", _own_buttons(update.message))
        if asked is not None and cancelled:
            await self._delete(asked)
        refused = texts.NOT_ASKED if here and not theirs else texts.OLD_BUTTON
        await update.acknowledge(texts.CANCELLED if cancelled else refused)

    async def _cancel(self, tx: Transaction, asked: Question, message: Message) -> bool:
        cancelled = await self._questions.cancel(tx, asked)
        if cancelled:
            await self._clear_panel(tx, asked, key_of(message), is_private(message))
        return cancelled

    async def _clear_panel(self, tx: Transaction, asked: Question, key: ChatKey, private: bool) -> None:
        if asked.panel is not None:
            notice = Notice(key, private, "", edits=asked.panel, buttons=asked.buttons)
            await self._outbox.add(tx, replace(notice, receiver=asked.person if asked.panel < 0 else None))

    async def _delete(self, asked: Question) -> None:
        """Delete the question's message, which also closes the reply that Telegram's app has opened."""
        if asked.message_id is None:
            return
        try:
            if asked.message_id < 0 and asked.person is not None:
                await self._bot.do_api_request("deleteEphemeralMessage", _ephemeral(asked, asked.message_id))
            else:
                await self._bot.delete_message(asked.key.telegram_id, asked.message_id)
        except TelegramError as exc:
            log.info("A question in chat %d could not be deleted: %s", asked.key.telegram_id, exc)

    async def _asked(self, message: Message, *, alone: bool) -> Question | None:
        """The question, open or not, that a message answers; `alone`: it doesn't belong to another message."""
        if is_own(message) and not is_other_bot(message):
            asked = await self._replied_to(message)
            if asked is not None:
                return asked
        asked = await self._awaiting(message)
        if asked is None:
            return None
        if alone and _is_plain(message) and (message.date.timestamp() - asked.asked_at) <= NEXT_S:
            return asked
        await self._pass_over(asked)
        return None

    async def _before(self, message: Message) -> Question | None:
        """The question answered by the message before this one, which this one continues."""
        if not is_own(message):
            return None
        before = message.message_id - 1 if message.message_id > 0 else message.message_id + 1
        asked = await self._answered_by(message, before)
        return asked if asked is not None and self.is_for(asked, message) else None

    async def _answered_by(self, message: Message, number: int) -> Question | None:
        return await self._questions.answered_by(message.chat.id, number, _user_id(message))

    async def _replied_to(self, message: Message) -> Question | None:
        target = replied_to(message)
        if target is None or target.from_user is None or target.from_user.id != self._addressing.bot_id:
            return None
        key, person = shared_key(message), _user_id(message)
        found = await self._questions.of_message(key.telegram_id, target.message_id, person)
        if found is not None:
            return found
        # The process died while sending it, its group has moved, or an old version that stored no questions asked it.
        words = target.text or ""
        kind = next((kind for kind, name in WORDS.items() if any(map(words.endswith, every(name)))), None)
        if kind is None:
            return None
        found = await self._questions.without_message(key, kind, person)
        if found is not None:
            return replace(found, message_id=target.message_id)
        asked_at = target.date.timestamp()
        fresh = self._clock() - asked_at <= LIVES_S
        return Question(0, key, person, kind, asked_at, target.message_id, open=fresh)

    async def _awaiting(self, message: Message) -> Question | None:
        """The question that is waiting for the next message of this sender, if this is one to the bot."""
        user = message.from_user
        if user is None or message.sender_chat is not None:
            return None
        asked = await self._questions.awaiting(shared_key(message), user.id)
        if asked is None or not _is_newer(message.message_id, asked.message_id or 0):  # sent before the question
            return None
        to_us = is_personal(message) or seen_by(message) is not None or self._addressing.is_called(message)
        return asked if to_us else None

    async def _pass_over(self, asked: Question) -> None:
        async with self._database.transaction() as tx:
            await self._questions.pass_over(tx, asked.key, asked.person)

    def _words(self, message: Message) -> str:
        """The text of an answer; in a reply, which needs no mention, the bot's name is part of it."""
        words = text_of(message)
        if is_personal(message):
            return words.strip()
        return self._addressing.without_call(words, named=replied_to(message) is None).strip()

    def _joined(self, given: GivenAnswer, message: Message) -> str:
        return "\n".join(filter(None, (given.words, self._words(message))))


def _cancels(data: str | None) -> bool:
    return (data or "").startswith(CancelQuestionButton.prefix)


def _own_buttons(message: Message) -> tuple[Button, ...]:
    """The buttons under a message, except one that cancels a question."""
    return tuple(button for button in keyboard(message) if not _cancels(button.data))


def _user_id(message: Message) -> int | None:
    return message.from_user.id if message.from_user else None


def _is_newer(number: int, asked: int) -> bool:
    """Whether a message came after the question; ephemeral messages have negative IDs."""
    return -number >= -asked if number < 0 and asked < 0 else number >= asked


def _ephemeral(asked: Question, message_id: int) -> dict[str, object]:
    return {
        "chat_id": asked.key.telegram_id,
        "receiver_user_id": asked.person,
        "ephemeral_message_id": -message_id,
    }


def _is_plain(message: Message) -> bool:
    """Whether a message is nothing but text of its sender."""
    answers = (message.reply_to_message and replied_to(message), message.external_reply, message.reply_to_story)
    others = (message.quote, message.edit_date, message.effective_attachment)
    return is_own(message) and bool(text_of(message).strip()) and not any(answers) and not any(others)


def _comments(forward: Message, message: Message) -> bool:
    """Whether a message is a comment on the forward that comes with it."""
    return forward.forward_origin is not None and is_part(forward, message)


def _with(batch: MessageBatch, message: Message, number: int) -> MessageBatch:
    return replace(batch, messages=(*batch.messages, message), update_ids=(*batch.update_ids, number))
