"""A conversation goes on over restarts, and each request continues the one before it to the byte."""

import itertools

from sandbox.model import Say
from tests.e2e.conftest import PATIENCE_S, Stage
from tests.e2e.quick import hurry  # noqa: F401 - a fixture


async def test_the_model_gets_the_whole_conversation(stage: Stage) -> None:
    stage.model.script(Say("Hello Ann."), Say("You said hello."))
    await stage.start()
    await stage.ann.say(stage.home, "hello")
    assert await stage.replies(1) == ["Hello Ann."]
    await stage.ann.say(stage.home, "what did I say?")
    assert await stage.replies(2) == ["Hello Ann.", "You said hello."]
    roles = [message.role for message in stage.model.requests[1].messages]
    assert roles == ["system", "user", "assistant", "user"]
    said = [str(message.content) for message in stage.model.requests[1].messages]
    assert said[1].endswith("] hello")
    assert said[2:] == ["Hello Ann.", "what did I say?"]


async def test_thirty_turns_share_a_growing_prefix(stage: Stage) -> None:
    """The prompt of each turn begins with the bytes of the last one."""
    stage.model.answer_with(lambda request: Say(f"Answer number {len(request.messages)}.\n\n- with *markdown*"))
    await stage.start()
    for number in range(1, 31):
        await stage.ann.say(stage.home, f"question {number}")
        await stage.replies(number)
        if number == 15:
            assert await stage.end() == 0
            await stage.start()
    requests = [request.messages for request in stage.model.requests]
    assert len(requests) == 30
    for before, after in itertools.pairwise(requests):
        assert after[: len(before)] == before
        assert len(after) == len(before) + 2
    assert stage.model.refused == []


async def test_chats_never_share_words_in_prompts(stage: Stage) -> None:
    bob = stage.telegram.user("Bob")
    bobs = stage.telegram.private(bob)
    group = stage.telegram.group("Friends", [stage.ann, bob])
    await stage.start(GROUP_TRIGGER="always")
    await stage.ann.say(stage.home, "my secret is swordfish")
    await stage.replies(1)
    await bob.say(bobs, "hello")
    await stage.ann.say(group, "hello all")
    await bobs.wait(1, PATIENCE_S)
    await group.wait(1, PATIENCE_S)
    others = [request for request in stage.model.requests if b"my secret" not in request.body]
    assert len(others) == 2
    assert all(b"swordfish" not in request.body for request in others)
