"""Many chats ask at once, and the model's server takes few of them: all are answered, each in its turn."""

from dataclasses import replace

import pytest

from bot.conversation import generation
from bot.language import texts
from sandbox.botapi import Chat
from sandbox.model import Fail, HoldStream, Say
from sandbox.model.request import ChatRequest
from tests.e2e.conftest import PATIENCE_S, Stage
from tests.selection import first

SLOW = Say("all of you get an answer", delay=0.05)
BUSY = Fail(429, "Too many requests")
CASES = {
    "a bare refusal": (BUSY, 24, 3),
    "Retry-After": (Fail(429, "Too many concurrent requests", headers={"Retry-After": "1"}), 24, 3),
    "overloaded": (Fail(503, "server busy, please try again. maximum pending requests exceeded"), 24, 3),
    "it queues by itself": (None, 24, 1),
    "two hundred": (BUSY, 200, 20),
    "two hundred, Retry-After": (Fail(429, "Too many concurrent requests", headers={"Retry-After": "1"}), 200, 20),
    "two hundred in its own queue": (None, 200, 1),
}


async def _ask_all(stage: Stage, count: int) -> list[Chat]:
    people = [stage.telegram.user(f"Person {number}") for number in range(count)]
    homes = [stage.telegram.private(person) for person in people]
    for person, home in zip(people, homes, strict=True):
        await person.say(home, "hello")
    return homes


@pytest.mark.parametrize("case", first(CASES))
async def test_all_who_waited_at_a_start_are_answered(case: str, stage: Stage) -> None:
    stage.model.overload, count, stage.model.slots = CASES[case]
    stage.model.always(SLOW if stage.model.overload else replace(SLOW, delay=0.01))
    homes = await _ask_all(stage, count)
    await stage.start()
    told = {(await home.wait(1, 90.0))[0].text for home in homes}
    assert told == {SLOW.text}
    assert stage.model.slots / 2 < stage.model.most_at_once <= stage.model.slots


async def test_queued_user_sees_position_and_can_stop(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generation, "PATIENCE_S", 0.01)
    hold = HoldStream("headers")
    stage.model.answer_with(lambda asked: Say("hi", hold=hold) if "slowly" in asked.last_words else Say("hi"))
    await stage.start(MODEL_CONCURRENCY="1")
    bob, cid = stage.telegram.user("Bob"), stage.telegram.user("Cid")
    bobs, cids = stage.telegram.private(bob), stage.telegram.private(cid)
    await stage.ann.say(stage.home, "slowly")
    await stage.model.wait_requests(1)
    await bob.say(bobs, "and I?")
    await stage.telegram.changed(lambda: bobs.draft is not None and texts.IN_LINE in bobs.draft.text, PATIENCE_S)
    await bob.say(bobs, "/stop")
    assert await stage.replies(1, bobs) == [texts.STOPPED]
    await cid.say(cids, "me too")
    hold.release()
    assert await stage.replies(1, cids) == ["hi"]
    assert len(stage.model.requests) == 2


async def test_answers_with_tools_and_summaries_share_one_place(stage: Stage) -> None:
    """No answer waits for a place that it holds itself."""
    noting = Say("Well.", calls=(("remember", '{"text": "Ann\'s tea is green."}'),))

    def answer(asked: ChatRequest) -> Say:
        return noting if asked.may_call and asked.messages[-1].role == "user" else Say("Noted.")

    stage.model.answer_with(answer)
    bob = stage.telegram.user("Bob")
    people = [(stage.ann, stage.home), (bob, stage.telegram.private(bob))]
    await stage.start(MODEL_CONCURRENCY="1", FALLBACK_MODEL="qwen-max", TOOLS="on", OPENAI_MODEL="qwen-plus")
    for person, home in people:
        await person.say(home, "remember that my tea is green")
    for _, home in people:
        assert await stage.replies(1, home) == ["Well.\n\nNoted."]
    await stage.ann.say(stage.home, "/summary")
    assert (await stage.replies(2))[1].endswith("Noted.")
    assert stage.model.most_at_once == 1
