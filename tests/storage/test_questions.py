"""What is asked is kept with the notice that asks it, and goes when nobody can answer it any more."""

from dataclasses import replace

from storage import Storage, presence
from storage.questions import Question, QuestionKind
from storage.records import Button, ChatKey, Notice

HERE, ANN = ChatKey(-5, 3), 7
ASKED = Question(0, HERE, ANN, QuestionKind.FORGET, 1000.0, None, panel=30, buttons=(Button("Back", "set:"),))


async def _ask(storage: Storage, question: Question = ASKED) -> tuple[int, int]:
    async with storage.transaction() as tx:
        notice_id = await storage.outbox.add(tx, Notice(question.key, False, "What?", asks=True, placeholder="or"))
        return await storage.questions.ask(tx, question, notice_id), notice_id


async def _sent(storage: Storage, notice_id: int, message_id: int) -> None:
    async with storage.transaction() as tx:
        await storage.outbox.notice_sent(tx, notice_id, message_id)


async def test_question_is_found_by_its_delivered_message(storage: Storage) -> None:
    number, notice_id = await _ask(storage)
    [(_, notice)] = await storage.outbox.notices(HERE)
    assert notice.placeholder == "or"
    assert await storage.questions.without_message(HERE, QuestionKind.FORGET, None) is not None
    await _sent(storage, notice_id, 40)
    found = await storage.questions.of_message(-5, 40, ANN)
    assert found == replace(ASKED, id=number, message_id=40)
    assert await storage.questions.awaiting(HERE, ANN) == found
    assert await storage.questions.awaiting(HERE, 8) is None
    assert await storage.questions.awaiting(ChatKey(-5), ANN) is None


async def test_what_each_sees_alone_may_have_one_number(storage: Storage) -> None:
    for person in (ANN, 8):
        number, notice_id = await _ask(storage, replace(ASKED, person=person))
        await _sent(storage, notice_id, -40)
        found = await storage.questions.find(number)
        assert found is not None
        async with storage.transaction() as tx:
            await storage.questions.answered(tx, found, [-41], over=False)
    for person in (ANN, 8):
        found = await storage.questions.of_message(-5, -40, person)
        assert found is not None
        assert found.person == person
        assert await storage.questions.answered_by(-5, -41, person) == found
    assert await storage.questions.of_message(-5, -40, 9) is None
    assert await storage.questions.answered_by(-5, -41, None) is None


async def test_the_newer_question_takes_the_next_words(storage: Storage) -> None:
    older, _ = await _ask(storage)
    newer, _ = await _ask(storage, replace(ASKED, kind=QuestionKind.CORRECT))
    found = await storage.questions.awaiting(HERE, ANN)
    assert found is not None
    assert (found.id, found.panel) == (newer, 30)
    assert [one.id for one in await storage.questions.open_for(HERE, ANN)] == [newer, older]
    async with storage.transaction() as tx:
        await storage.questions.answered(tx, found, [41])
    assert await storage.questions.awaiting(HERE, ANN) is None
    assert await storage.questions.answered_by(-5, 41, ANN) is not None
    assert [notice.text for _, notice in await storage.outbox.notices(HERE)] == ["What?"], "it need not be sent"


async def test_one_that_can_not_be_delivered_is_gone(storage: Storage) -> None:
    _, notice_id = await _ask(storage)
    async with storage.transaction() as tx:
        await storage.outbox.forget(tx, notice_id)
    assert await storage.questions.open_for(HERE, ANN) == []


async def test_a_panel_that_shows_something_else_is_none(storage: Storage) -> None:
    await _ask(storage)
    async with storage.transaction() as tx:
        await storage.outbox.add(tx, Notice(HERE, False, "", edits=30))
    assert (await storage.questions.open_for(HERE, ANN))[0].panel == 30
    async with storage.transaction() as tx:
        await storage.outbox.add(tx, Notice(HERE, False, "The menu", edits=30))
    assert (await storage.questions.open_for(HERE, ANN))[0].panel is None


async def test_question_follows_migration_and_ends_without_bot(storage: Storage) -> None:
    _, notice_id = await _ask(storage)
    await _sent(storage, notice_id, 40)
    async with storage.transaction() as tx:
        await presence.migrate(tx, -5, -100)
    moved = await storage.questions.awaiting(ChatKey(-100, 3), ANN)
    assert moved is not None
    assert (moved.message_id, moved.panel) == (None, None)
    async with storage.transaction() as tx:
        await presence.left(tx, -100)
    assert await storage.questions.find(moved.id) is None


async def test_old_ones_are_pruned(storage: Storage) -> None:
    number, _ = await _ask(storage)
    assert not await storage.questions.any_before(1000.0)
    assert await storage.questions.any_before(1001.0)
    async with storage.transaction() as tx:
        await storage.questions.prune(tx, 1001.0)
    assert await storage.questions.find(number) is None
