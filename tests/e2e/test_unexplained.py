"""What a server refuses in words that nobody understands, and what only its words explain."""

import pytest

from sandbox.model import Behaviour, ChatRequest, Fail, Say
from tests.e2e.conftest import PATIENCE_S, Stage
from tests.e2e.quick import hurry as hurry
from tests.e2e.test_compaction import is_compaction, talk
from tests.e2e.test_memory import say
from tests.media.files import picture
from tests.selection import first, some

pytestmark = pytest.mark.usefixtures("no_retries")

BLIND = Fail(
    500,
    "image input is not supported - hint: if this is unexpected, you may need to provide the mmproj",
    "server_error",
)


def _size(asked: ChatRequest) -> int:
    return sum(len(message.text) for message in asked.messages)


@pytest.mark.long
@pytest.mark.parametrize("status", first([400, 500, 413, 422]))
async def test_a_long_window_is_tried_with_half(stage: Stage, hurry: None, status: int) -> None:
    limit = 10_000

    def answer(asked: ChatRequest) -> Behaviour:
        if _size(asked) > limit:
            return Fail(status, "no")
        return Say("## People\n- Ann sails." if is_compaction(asked) else "fine")

    stage.model.answer_with(answer)
    await stage.start(CONTEXT_WINDOW="4000", COMPACT_AT="0.7")
    await talk(stage, 7)
    limit = max(map(_size, stage.model.requests)) - 1
    assert await say(stage, "and now?") == "fine"
    asked = len(stage.model.requests)
    for at in range(3):
        assert await say(stage, f"thanks {at}") == "fine"
    assert len([one for one in stage.model.requests[asked:] if not is_compaction(one)]) == 3


@pytest.mark.long
async def test_a_window_far_smaller_than_known_is_found(stage: Stage, hurry: None) -> None:
    stage.model.answer_with(lambda asked: Fail(400, "no") if _size(asked) > 10_000 else Say("fine"))
    await stage.start()
    for at in range(10):
        assert await say(stage, f"{at} " + "the harbour and the ferry " * 50) == "fine"


@pytest.mark.long
async def test_when_half_fails_too_nothing_is_lost(stage: Stage, hurry: None) -> None:
    await stage.start(CONTEXT_WINDOW="4000", COMPACT_AT="0.7")
    await talk(stage, 6)
    before = stage.model.requests[-1]
    stage.model.script(Fail(400, "no"), Fail(400, "no"))
    assert "refused the request" in await say(stage, "and now?")
    stage.model.always(Say("fine"))
    assert await say(stage, "and now?") == "fine"
    assert stage.model.requests[-1].messages[: len(before.messages)] == before.messages


REFUSALS = [Fail(status, "no") for status in (400, 403, 404, 418, 500)]


@pytest.mark.parametrize("refusal", some(REFUSALS, 4), ids=lambda refusal: str(refusal.status))
async def test_what_is_refused_without_reason_costs_itself(stage: Stage, hurry: None, refusal: Fail) -> None:
    stage.model.answer_with(
        lambda asked: refusal if any("mushroom" in one.text for one in asked.messages) else Say("fine")
    )
    await stage.start()
    await say(stage, "My slate is called Ben.")
    assert await say(stage, "a mushroom") != "fine"
    await stage.ann.say(stage.home, "hello?")
    answer, told = (await stage.replies(4))[2:]
    assert (answer, "said here earlier" in told) == ("fine", True)
    before = len(stage.model.requests)
    assert await say(stage, "and now?") == "fine"
    assert len(stage.model.requests) == before + 1
    prompt = " ".join(message.text for message in stage.model.requests[-1].messages)
    assert "Ben" in prompt
    assert "hello?" in prompt


async def test_what_breaks_the_server_costs_one_chat(stage: Stage, hurry: None) -> None:
    stage.model.answer_with(
        lambda asked: Fail(500, "no") if any("mushroom" in one.text for one in asked.messages) else Say("fine")
    )
    bob = stage.telegram.user("Bob")
    other = stage.telegram.private(bob)
    await stage.start()
    await say(stage, "a mushroom")
    for _ in range(3):
        assert "having problems" in await say(stage, "/retry")
    await bob.say(other, "hello")
    assert (await stage.replies(1, other)) == ["fine"]


async def test_after_an_outage_nothing_is_left_out(stage: Stage, hurry: None) -> None:
    stage.model.script(Fail(500), Fail(404), Fail(400), Fail(400))
    stage.model.always(Say("fine"))
    await stage.start()
    for at in range(4):
        await say(stage, f"number {at}")
    prompt = " ".join(message.text for message in stage.model.requests[-1].messages)
    assert all(f"number {at}" in prompt for at in range(3))
    assert await say(stage, "and now?") == "fine"
    prompt = " ".join(message.text for message in stage.model.requests[-1].messages)
    assert all(f"number {at}" in prompt for at in range(3))


@pytest.mark.parametrize("status", first([403, 404, 501]))
async def test_picture_refused_without_reason_is_dropped(stage: Stage, hurry: None, status: int) -> None:
    stage.model.answer_with(
        lambda asked: Fail(status, "no") if any(one.images for one in asked.messages) else Say("fine")
    )
    await stage.start(OPENAI_MODEL="qwen-vl-plus")
    await stage.ann.photo(stage.home, picture(), "look")
    answer, told = await stage.replies(2)
    assert (answer, "couldn't take in" in told) == ("fine", True)
    assert await say(stage, "hello?") == "fine"


async def test_a_server_without_eyes_leaves_the_chat_going(process: Stage) -> None:
    bob = process.telegram.user("Bob")
    other = process.telegram.private(bob)
    process.model.answer_with(lambda asked: BLIND if any(one.images for one in asked.messages) else Say("fine"))
    await process.start(OPENAI_MODEL="qwen-vl-plus")
    for at in range(4):
        await process.ann.photo(process.home, picture(color=(at, 0, 0)), "look")
    await bob.say(other, "hello")
    assert (await process.replies(1, other))[-1] == "fine"
    await process.home.wait(lambda chat: any("can't see" in one.text for one in chat.replies), PATIENCE_S)
    count = len(process.home.replies)
    await process.ann.say(process.home, "in words: a dog")
    assert (await process.replies(count + 1))[-1] == "fine"
    assert "is down" not in process.log()
    assert sum(any(one.images for one in asked.messages) for asked in process.model.requests) == 1
