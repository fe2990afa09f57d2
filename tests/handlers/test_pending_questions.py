"""Which messages of a batch answer a question, and which do not."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from telegram import Bot, CallbackQuery, Chat, Message, MessageOriginHiddenUser, Update, User

from bot.handlers.callbacks import CancelQuestionButton, SettingButton
from bot.handlers.context import UpdateProgress, context_of
from bot.handlers.notices import answer
from bot.handlers.pending_questions import QuestionHandlers
from bot.inbound.addressing import Addressing
from bot.language import catalogue, every
from bot.updates.parsing import MessageBatch
from storage import Storage
from storage.questions import Question, QuestionKind
from storage.records import ChatKey, Notice

NOW = 1_700_000_000.0
ANN, BOB, ME = User(5, "Ann", is_bot=False), User(6, "Bob", is_bot=False), User(99, "Keepsake", is_bot=True)
HOME, GROUP = Chat(5, Chat.PRIVATE), Chat(-5, Chat.SUPERGROUP)
ORIGIN = MessageOriginHiddenUser(datetime.fromtimestamp(NOW, UTC), "Cleo")
ASKED = 10
"""The message that asks."""


def said(
    number: int, text: str | None, *, after: float = 1.0, chat: Chat = HOME, by: User = ANN, **more: Any
) -> Message:
    at = datetime.fromtimestamp(NOW + after, UTC)
    message = Message(number, at, chat, from_user=by, text=text, **more)
    message.set_bot(Bot("1:x"))
    return message


def question(chat: Chat = HOME) -> Message:
    return said(ASKED, "What?", chat=chat, by=ME)


@pytest.fixture
def questions(storage: Storage) -> QuestionHandlers:
    return QuestionHandlers(
        storage.database,
        storage.questions,
        storage.outbox,
        Bot("1:x"),
        Addressing(ME.id, "keepsake_bot", "Keepsake", always=True),
        lambda: NOW,
    )


async def asked(storage: Storage, chat: Chat = HOME) -> int:
    async with storage.transaction() as tx:
        notice_id = await storage.outbox.add(tx, Notice(ChatKey(chat.id), False, "What?", asks=True))
        asked = Question(0, ChatKey(chat.id), ANN.id, QuestionKind.PERSONA, NOW, None)
        number = await storage.questions.ask(tx, asked, notice_id)
        await storage.outbox.notice_sent(tx, notice_id, ASKED)
    return number


async def sort(
    questions: QuestionHandlers, *messages: Message, continues: bool = False
) -> tuple[list[list[int]], Sequence[int]]:
    numbers = tuple(message.message_id for message in messages)
    given, rest = await questions.sort(MessageBatch(ChatKey(messages[0].chat.id), messages, numbers, continues))
    return [one.message_ids for one in given], rest.update_ids if rest else ()


async def test_messages_around_an_answer_are_not_its_part(storage: Storage, questions: QuestionHandlers) -> None:
    await asked(storage)
    dinner, forward = said(12, "What is for dinner?"), said(13, "pie", after=1.0, forward_origin=ORIGIN)
    assert await sort(questions, said(11, "a cook"), dinner, forward) == ([[11]], (12, 13))
    assert await sort(questions, said(14, "look at this"), said(15, "pie", forward_origin=ORIGIN)) == ([], (14, 15))


async def test_all_parts_of_long_answer_belong_to_it(storage: Storage, questions: QuestionHandlers) -> None:
    number = await asked(storage)
    assert await sort(questions, said(11, "a" * 4096), said(12, "b")) == ([[11, 12]], ())
    found = await storage.questions.find(number)
    assert found is not None
    async with storage.transaction() as tx:
        await storage.questions.answered(tx, found, [11, 12])
    assert await sort(questions, said(13, "c"), continues=True) == ([[13]], ())
    assert await sort(questions, said(13, "c")) == ([], (13,))


async def test_an_answer_tried_again_is_no_turn(storage: Storage, questions: QuestionHandlers) -> None:
    await asked(storage)
    both = (said(11, "a cook"), said(12, "look at this"), said(13, "pie", forward_origin=ORIGIN))
    given, _ = await questions.sort(MessageBatch(ChatKey(HOME.id), both, (11, 12, 13)))
    async with storage.transaction() as tx:
        await questions.answered(tx, given[0], answer(both[0], "Done."))
    assert await sort(questions, *both) == ([], (12, 13)), "what came with it could not be stored at first"


@pytest.mark.parametrize(
    "message",
    [
        said(9, "sent before it was asked"),
        said(11, "late", after=601),
        said(11, "edited", edit_date=datetime.fromtimestamp(NOW, UTC)),
        said(11, "by a bot's result", via_bot=ME),
        said(11, "an answer to another", reply_to_message=said(3, "this", by=ME)),
        said(11, None),
        said(11, "Bob's", by=BOB),
    ],
    ids=lambda message: message.text,
)
async def test_what_is_no_answer_is_left(storage: Storage, questions: QuestionHandlers, message: Message) -> None:
    await asked(storage)
    assert await sort(questions, message) == ([], (message.message_id,))


async def test_in_a_group_it_replies_or_calls(storage: Storage, questions: QuestionHandlers) -> None:
    await asked(storage, GROUP)
    assert await sort(questions, said(11, "to all", chat=GROUP)) == ([], (11,))
    batch = MessageBatch(ChatKey(-5), (said(12, "Keepsake, a cook", chat=GROUP),), (12,))
    [given] = (await questions.sort(batch))[0]
    assert given.words == "a cook"
    named = said(13, "Keepsake is your name", chat=GROUP, reply_to_message=question(GROUP))
    [given] = (await questions.sort(MessageBatch(ChatKey(-5), (named,), (13,))))[0]
    assert given.words == "Keepsake is your name"
    reply = said(13, "a cook", chat=GROUP, reply_to_message=question(GROUP), sender_chat=GROUP)
    assert await sort(questions, reply) == ([[13]], ())
    assert questions.is_for(given.question, reply), "an administrator without a name"
    assert not questions.is_for(given.question, said(14, "x", chat=GROUP, sender_chat=Chat(-7, Chat.CHANNEL)))
    assert not questions.is_for(given.question, said(14, "x", chat=GROUP, by=BOB))


async def test_another_button_pressed_ends_the_wait(storage: Storage, questions: QuestionHandlers) -> None:
    number = await asked(storage)
    for data, waits in ((CancelQuestionButton(number).pack(), True), (SettingButton().pack(), False)):
        press = Update(1, callback_query=CallbackQuery("1", ANN, "1", question(), data))
        await questions.pass_over(await context_of(press, UpdateProgress(storage)))
        assert (await storage.questions.awaiting(ChatKey(5), ANN.id) is not None) == waits
    assert await sort(questions, said(11, "What is the time?")) == ([], (11,))
    assert await sort(questions, said(12, "a cook", reply_to_message=question())) == ([[12]], ())


async def test_each_answers_their_own_after_a_move(storage: Storage, questions: QuestionHandlers) -> None:
    async with storage.transaction() as tx:
        for person in (ANN, BOB):
            one = Question(0, ChatKey(GROUP.id), person.id, QuestionKind.PERSONA, NOW, None)
            await storage.questions.ask(tx, one, await storage.outbox.add(tx, Notice(ChatKey(GROUP.id), False, "?")))
    where = said(ASKED, str(catalogue("ru")["PERSONA_ASK"]), chat=GROUP, by=ME)
    for number, person in ((11, ANN), (12, BOB)):
        reply = said(number, "a cook", chat=GROUP, by=person, reply_to_message=where)
        [given] = (await questions.sort(MessageBatch(ChatKey(GROUP.id), (reply,), (number,))))[0]
        assert questions.is_for(given.question, reply)


async def test_question_from_older_version_is_answered_once(storage: Storage, questions: QuestionHandlers) -> None:
    """Older versions stored no row for a question; it is recognized by its text."""
    words = catalogue("ru")["FORGET_ASK"]
    reply = said(11, "the boat", reply_to_message=said(ASKED, str(words), by=ME))
    given, _ = await questions.sort(MessageBatch(ChatKey(5), (reply,), (11,)))
    assert [(one.question.kind, one.question.open) for one in given] == [(QuestionKind.FORGET, True)]
    async with storage.transaction() as tx:
        await storage.questions.answered(tx, given[0].question, [11])
    again, _ = await questions.sort(MessageBatch(ChatKey(5), (reply,), (12,)))
    assert [one.question.open for one in again] == [False]
    old = said(12, "the boat", reply_to_message=said(8, str(words), by=ME, after=-3 * 86_400.0))
    assert [one.question.open for one in (await questions.sort(MessageBatch(ChatKey(5), (old,), (13,))))[0]] == [False]


@pytest.mark.parametrize("name", ["CORRECT_PLACEHOLDER", "FORGET_PLACEHOLDER", "PERSONA_PLACEHOLDER"])
def test_a_placeholder_is_as_short_as_telegram_takes(name: str) -> None:
    assert {1 <= len(text) <= 64 and "/cancel" in text for text in every(name)} == {True}
