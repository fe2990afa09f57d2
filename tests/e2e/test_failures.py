"""What fails is told in one plain sentence, stops nobody else, and shows no secret."""

import asyncio
from typing import Any

import pytest

from bot import errors
from bot.conversation.recorder import TurnRecorder
from sandbox.model import ChatRequest, Cut, Fail, HoldStream, NoFinish, Say
from storage import Transaction, database, sqlite
from storage.records import Chat, ChatKey
from tests.e2e import tables
from tests.e2e.conftest import KEY, PATIENCE_S, TOKEN, Stage
from tests.selection import first

TOLD_AT_ONCE: list[tuple[Fail | Say, type[errors.ModelError]]] = [
    (Fail(401, f"Incorrect API key provided: {KEY}"), errors.WrongKey),
    (Fail(403, "no access"), errors.NoPermission),
    (Fail(403, "Access denied", code="Arrearage"), errors.NoCredit),
    (Fail(400, "maximum context length is 100 tokens"), errors.MessageTooLong),
    (Fail(400, "inappropriate content", code="data_inspection_failed"), errors.MessageRefused),
    (Fail(400, "something else"), errors.RequestRefused),
    (Say("", finish_reason="content_filter"), errors.MessageRefused),
]


async def test_failure_is_one_sentence_and_next_is_answered(stage: Stage) -> None:
    failing: list[Fail | Say] = []

    def answer(asked: ChatRequest) -> Fail | Say:
        return (
            failing[-1]
            if "a question" in asked.last_words and "and now" not in asked.last_words
            else Say("all is well")
        )

    stage.model.answer_with(answer)
    await stage.start(ACCESS="open")
    for number, (behaviour, kind) in enumerate(TOLD_AT_ONCE):
        failing.append(behaviour)
        person = stage.telegram.user(f"Person {number}")
        home = stage.telegram.private(person)
        await person.say(home, "a question")
        assert (await stage.replies(1, home))[0] == kind().sentence
        await person.say(home, "and now?")
        assert (await stage.replies(2, home))[1] == "all is well"


async def test_busy_server_is_retried_unseen_by_user(stage: Stage) -> None:
    stage.model.script(Fail(429, headers={"Retry-After": "1"}), Fail(503), Say("at last"))
    await stage.start()
    await stage.ann.say(stage.home, "hello")
    assert await stage.replies(1) == ["at last"]


@pytest.mark.parametrize("broken", [Cut("half an answer", after=6), NoFinish("half an answer")])
async def test_broken_stream_is_retried_silently(stage: Stage, broken: Say) -> None:
    stage.model.script(broken, Say("a whole answer"))
    await stage.start()
    await stage.ann.say(stage.home, "hello")
    assert await stage.replies(1) == ["a whole answer"]
    assert len(stage.model.requests) == 2


async def test_stream_broken_twice_is_reported_with_retry(stage: Stage) -> None:
    stage.model.script(Cut("half", after=2), Cut("half", after=2), Say("third time lucky"))
    await stage.start()
    await stage.ann.say(stage.home, "hello")
    assert await stage.replies(1) == [errors.StreamCut().sentence]
    await stage.ann.say(stage.home, "/retry")
    assert (await stage.replies(2))[-1] == "third time lucky"
    assert stage.model.requests[2].messages == stage.model.requests[0].messages


async def test_failure_in_group_replaces_the_begun_message(stage: Stage) -> None:
    group = stage.telegram.group("Friends", [stage.ann])
    hold = HoldStream(3)
    broken = Cut("half an answer, and it breaks", after=14, hold=hold)
    stage.model.script(broken, Cut("x", after=0))
    await stage.start(GROUP_TRIGGER="always")
    await stage.ann.say(group, "hello")
    (begun,) = await group.wait(1, PATIENCE_S)
    hold.release()
    await stage.telegram.changed(lambda: group.message(begun.id).text == errors.StreamCut().sentence, PATIENCE_S)
    assert len(group.replies) == 1


async def test_answer_cut_by_length_says_so(stage: Stage) -> None:
    stage.model.script(Say("a long story", finish_reason="length"))
    await stage.start()
    await stage.ann.say(stage.home, "tell me")
    story, told = await stage.replies(2)
    assert story == "a long story"
    assert "length limit" in told


async def test_user_sees_that_retries_are_under_way(stage: Stage) -> None:
    hold = HoldStream("headers")
    stage.model.script(Say("at last", hold=hold))
    await stage.start()
    await stage.ann.say(stage.home, "hello")
    await stage.telegram.changed(
        lambda: stage.home.draft is not None and "Still trying" in stage.home.draft.text, PATIENCE_S
    )
    hold.release()
    assert await stage.replies(1) == ["at last"]


async def test_all_tries_of_an_answer_have_a_bound(stage: Stage) -> None:
    stage.model.always(Fail(503, headers={"Retry-After": "60"}))
    await stage.start(MODEL_TIMEOUT="2")
    await stage.ann.say(stage.home, "hello")
    assert await stage.replies(1) == [errors.NoAnswerInTime().sentence]


@pytest.mark.parametrize("log_format", first(["text", "json"]))
async def test_no_secret_is_in_the_most_talkative_log(process: Stage, log_format: str) -> None:
    process.telegram.faults.add("sendMessage", drop="before")
    process.telegram.faults.add("getUpdates", code=500, description="Internal Server Error")
    process.model.script(Fail(401, f"Incorrect API key provided: {KEY}"), Say("hello"))
    await process.start(LOG_LEVEL="DEBUG", LOG_FORMAT=log_format)
    await process.ann.say(process.home, "hello")
    await process.replies(1)
    await process.ann.say(process.home, "again")
    await process.replies(2)
    await process.end()
    log = process.log()
    assert "[hidden]" in log
    assert TOKEN.partition(":")[2] not in log
    assert KEY not in log
    stored = tables.everything(process)
    assert TOKEN.encode() not in stored
    assert KEY.encode() not in stored


async def test_unexpected_error_is_reported_with_a_reference(
    stage: Stage, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other chats go on."""
    bob = stage.telegram.user("Bob")
    bobs = stage.telegram.private(bob)
    record = TurnRecorder.record

    async def broken(this: TurnRecorder, tx: Transaction, key: ChatKey, **how: Any) -> Chat:
        if key.telegram_id == stage.home.id:
            raise ZeroDivisionError
        return await record(this, tx, key, **how)

    monkeypatch.setattr(TurnRecorder, "record", broken)
    await stage.start()
    await stage.ann.say(stage.home, "hello")
    await bob.say(bobs, "hello")
    (told,) = await stage.replies(1)
    await stage.replies(1, bobs)
    reference = told.rpartition("reference: ")[2].rstrip(".")
    assert f"reference {reference}" in caplog.text
    assert "ZeroDivisionError" in caplog.text
    await stage.ann.say(stage.home, "and now?")
    await stage.replies(2)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "BUSY_TIMEOUT_S", 0.05)
    monkeypatch.setattr(database, "WRITE_AGAIN_AFTER_S", [0.1] * 50)


@pytest.mark.usefixtures("impatient")
async def test_locked_database_leaves_updates_at_telegram(stage: Stage) -> None:
    await stage.start()
    await stage.ready()
    async with tables.locked(stage):
        await stage.ann.say(stage.home, "hello")
        await asyncio.sleep(0.5)
        assert stage.telegram.pending_updates == 1
    await stage.replies(1)
    assert stage.telegram.pending_updates == 0


@pytest.mark.usefixtures("impatient")
async def test_answer_is_stored_once_database_unlocks(stage: Stage) -> None:
    """The model is not asked for it again."""
    hold = HoldStream("finish")
    stage.model.script(Say("worth keeping", hold=hold), Say("more"))
    await stage.start()
    await stage.ann.say(stage.home, "hello")
    await hold.reached(PATIENCE_S)
    async with tables.locked(stage):
        hold.release()
        await asyncio.sleep(0.5)
        assert stage.home.replies == []
    assert await stage.replies(1) == ["worth keeping"]
    await stage.ann.say(stage.home, "go on")
    assert await stage.replies(2) == ["worth keeping", "more"]
    assert len(stage.model.requests) == 2


@pytest.mark.usefixtures("impatient")
async def test_part_unrecorded_in_locked_database_is_sent_once(stage: Stage) -> None:
    text = "\n\n".join(f"Paragraph {number} " + "of many words " * 70 for number in range(12))
    sent = stage.telegram.faults.hold("sendMessage", "after")
    stage.model.script(Say(text, chunk=500))
    await stage.start()
    await stage.ann.say(stage.home, "write a book")
    await sent.reached(PATIENCE_S)
    async with tables.locked(stage):
        sent.release()
        await asyncio.sleep(0.5)
        assert len(stage.home.replies) == 1
    await stage.telegram.changed(
        lambda: " ".join(reply.text for reply in stage.home.replies).split() == text.split(), PATIENCE_S
    )
