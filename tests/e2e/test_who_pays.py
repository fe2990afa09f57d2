"""Who has a question answered pays for it, whoever wrote it."""

import asyncio

import pytest

from sandbox.botapi import Chat, User
from sandbox.model import Fail, HoldStream, Say
from tests.e2e.conftest import PATIENCE_S, Stage
from tests.e2e.groups import group
from tests.e2e.owners import handled, pressed, query
from tests.e2e.quick import hurry as hurry

LONG = "word " * 400
"""About 500 tokens as the sandbox counts them."""
SPENT = "used up your budget"
BUDGET = {"BUDGET_USER": "400", "OWNER_IDS": "7"}


def _used(stage: Stage, *people: User) -> list[int]:
    """What each of them has used, in tokens."""
    found = query(stage, "SELECT user_id, sum(input_tokens + output_tokens) FROM spending GROUP BY user_id")
    rows = {user_id: int(str(used)) for user_id, used in found}
    return [rows.get(one.id, 0) for one in people]


async def _answered(stage: Stage, requests: int) -> None:
    """Wait until so many requests are answered, delivered and paid."""
    await stage.model.wait_requests(requests, PATIENCE_S)
    await handled(stage)
    while query(stage, "SELECT 1 FROM turns WHERE state NOT IN ('settled', 'sent')"):  # noqa: ASYNC110 - shows there only
        await asyncio.sleep(0.02)


async def _asked(stage: Stage) -> tuple[Chat, User, User]:
    """A group where Ann has used up her budget with a question."""
    chat, [ann, bob] = group(stage, "Bob")
    stage.model.script(Say(LONG, chunk=50))
    await stage.start(**BUDGET)
    await ann.say(chat, "Keepsake, tell me all")
    await _answered(stage, 1)
    return chat, ann, bob


async def test_who_retries_pays_and_not_who_wrote(stage: Stage, hurry: None) -> None:
    chat, ann, bob = await _asked(stage)
    of_ann = _used(stage, ann)
    await bob.say(chat, "/retry")
    await _answered(stage, 2)
    assert _used(stage, ann) == of_ann
    assert _used(stage, bob)[0] > 0


async def test_who_has_spent_their_budget_retries_nothing(stage: Stage, hurry: None) -> None:
    chat, ann, bob = await _asked(stage)
    of_ann = _used(stage, ann)
    stage.model.script(Say("Hi Bob."))
    await bob.say(chat, "Keepsake, hello")
    await _answered(stage, 2)
    of_bob = _used(stage, bob)
    retried = await ann.say(chat, "/retry")
    told = (await chat.wait(3, PATIENCE_S))[2]
    assert SPENT in told.text
    assert told.reply_to == retried.id
    assert (_used(stage, ann), _used(stage, bob)) == (of_ann, of_bob)


@pytest.mark.long
async def test_presser_of_retry_pays_after_restart_too(stage: Stage, hurry: None) -> None:
    chat, [ann, bob, cleo] = group(stage, "Bob", "Cleo")
    hold = HoldStream("headers")
    stage.model.script(Say(LONG, chunk=50), Say(LONG, chunk=50), Fail(400), Say("never", hold=hold), Say("at last"))
    await stage.start(**BUDGET)
    for number, one in enumerate((ann, cleo), start=1):
        await one.say(chat, "Keepsake, tell me all")
        await _answered(stage, number)
    await bob.say(chat, "Keepsake, hello")
    failed = (await chat.wait(lambda chat: bool(chat.replies[2:] and chat.replies[2].buttons), PATIENCE_S))[2]
    await handled(stage)
    assert SPENT in await pressed(stage, cleo, failed, "Try again")
    before = _used(stage, ann, bob, cleo)
    assert before[1] == 0
    query(stage, f"UPDATE turns SET sender_id = {ann.id} WHERE content LIKE '%hello%'")  # as if she had asked
    assert await pressed(stage, bob, failed, "Try again") == ""
    await stage.model.wait_requests(4, PATIENCE_S)
    await stage.kill()
    hold.release()
    await stage.start(**BUDGET)
    await _answered(stage, 5)
    after = _used(stage, ann, bob, cleo)
    assert (after[0], after[2]) == (before[0], before[2])
    assert after[1] > 0


async def test_who_edits_their_part_of_a_question_pays(stage: Stage, hurry: None) -> None:
    chat, [ann, bob] = group(stage, "Bob")
    stage.model.script(Say("one"), Say("two"), Say("three"))
    await stage.start(OWNER_IDS="7")
    mine = await ann.say(chat, "Keepsake, hello")
    await _answered(stage, 1)
    of_ann = _used(stage, ann)
    await bob.say(chat, "/retry")
    await _answered(stage, 2)
    of_bob = _used(stage, bob)
    assert of_bob[0] > 0
    assert _used(stage, ann) == of_ann
    await ann.edit(mine, "Keepsake, and what of me?")
    await _answered(stage, 3)
    assert _used(stage, bob) == of_bob
    assert _used(stage, ann) > of_ann
