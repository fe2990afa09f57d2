"""A compaction and what people do meanwhile: /stop, /retry, /reset and its undo, talk in a group."""

import asyncio
import itertools
from collections.abc import Callable

import pytest

from sandbox.botapi import Chat
from sandbox.model import HoldStream, Say
from tests.e2e.conftest import PATIENCE_S, Stage
from tests.e2e.quick import hurry  # noqa: F401 - a fixture
from tests.e2e.test_compaction import SMALL as WITH_RECALL
from tests.e2e.test_compaction import WORDS, Model, continues, opening, talk, until_compacted, until_memory
from tests.e2e.test_memory import say

SMALL = WITH_RECALL | {"RECALL_TOKENS": "0"}


def _answered_or_compacted(model: Model, answers: int) -> Callable[[Chat], bool]:
    return lambda chat: bool(model.compactions) or len(chat.replies) >= answers


@pytest.mark.long
async def test_message_waiting_at_cap_can_be_stopped(stage: Stage) -> None:
    """The compaction it waits for goes on."""
    model, hold = Model(stage), HoldStream("headers")
    model.notes = Say("- Ann sails.", hold=hold)
    await stage.start(**SMALL | {"COMPACT_AT": "0.85"})
    while not model.compactions:
        asked = len(model.answers) + 1
        await stage.ann.say(stage.home, WORDS)
        await stage.home.wait(_answered_or_compacted(model, asked), PATIENCE_S)
    await hold.reached()
    await stage.home.wait(lambda chat: len(chat.replies) >= len(model.answers), PATIENCE_S)
    await stage.ann.say(stage.home, WORDS)
    await asyncio.sleep(0.3)
    answers = len(model.answers)
    await stage.ann.say(stage.home, "/stop")
    await stage.home.wait(lambda chat: chat.replies[-1].text == "Stopped.", PATIENCE_S)
    assert len(model.answers) == answers
    hold.release()
    await until_memory(stage, model)
    assert len(model.compactions) == 1


@pytest.mark.long
async def test_retry_after_compaction_answers_the_same_question(stage: Stage) -> None:
    model = Model(stage)
    await stage.start(**SMALL)
    await until_compacted(stage, model)
    await until_memory(stage, model)
    asked = model.answers[-1].messages
    count = len(model.answers)
    await stage.ann.say(stage.home, "/retry")
    await stage.home.wait(lambda _: len(model.answers) > count, PATIENCE_S)
    assert model.answers[-1].messages[-1] == asked[-1]
    assert "Ann sails." in opening(model.answers[-1])


async def test_reset_voids_compaction_and_undo_restores_window(stage: Stage) -> None:
    model, hold = Model(stage), HoldStream("headers")
    model.notes = Say("- Ann sails.", hold=hold)
    await stage.start(**SMALL)
    await until_compacted(stage, model)
    await hold.reached()
    whole = model.answers[-1].messages
    await say(stage, "/reset")
    reset = stage.home.replies[-1]
    model.notes = Say("- Ann rests.")
    hold.release()
    await say(stage, "hello")
    assert [message.role for message in model.answers[-1].messages] == ["system", "user"]
    await stage.ann.press(reset, "Undo")
    await stage.home.wait(lambda chat: "Undone" in chat.message(reset.id).text, PATIENCE_S)
    await say(stage, "and now?")
    assert model.answers[-1].messages[: len(whole)] == whole
    assert "Ann sails." not in model.answers[-1].body.decode()


@pytest.mark.long
async def test_busy_group_is_compacted_at_a_question(stage: Stage) -> None:
    """Unaddressed messages alone start no compaction."""
    model = Model(stage)
    bob = stage.telegram.user("Bob")
    group = stage.telegram.group("Friends", [stage.ann, bob])
    await stage.start(**SMALL, GROUP_TRIGGER="always")
    for number in range(26):
        who = (stage.ann, bob)[number % 2]
        await who.say(group, f"{number}: {WORDS}")
        await group.wait(number + 1, PATIENCE_S)
    assert len(model.compactions) >= 1
    pairs = list(itertools.pairwise(model.answers))
    assert sum(not continues(before, after) for before, after in pairs) <= len(model.compactions)
    assert stage.model.refused == []
    assert model.answers[-1].messages[1].text.startswith(("Ann: ", "Bob: ", "["))


@pytest.mark.long
async def test_two_chats_are_compacted_side_by_side(stage: Stage) -> None:
    model, hold = Model(stage), HoldStream("headers")
    model.notes = Say("- Ann sails.", hold=hold)
    bob = stage.telegram.user("Bob")
    bobs = stage.telegram.private(bob)
    await stage.start(**SMALL)
    await until_compacted(stage, model)
    await hold.reached()
    for number in range(3):
        await bob.say(bobs, "hello")
        await bobs.wait(number + 1, PATIENCE_S)
    hold.release()
    await talk(stage, 1)
    assert "Ann sails." not in "".join(message.text for message in stage.model.requests[-2].messages[1:])
