"""Strangers wait for an owner, and never an owner for strangers."""

import asyncio

from sandbox.model import HoldStream, Say
from tests.e2e.conftest import PATIENCE_S, Stage
from tests.e2e.owners import query
from tests.e2e.quick import hurry as hurry

STRANGERS = 21


async def test_owners_are_answered_before_they_are_asked(stage: Stage, hurry: None) -> None:
    hold = HoldStream("headers")
    stage.model.script(Say("Oslo.", hold=hold), Say("Bern."))
    await stage.start(ACCESS="approval", OWNER_IDS=str(stage.ann.id))
    await stage.ann.say(stage.home, "What is the capital of Norway?")
    await stage.model.wait_requests(1, PATIENCE_S)
    homes = []
    for number in range(STRANGERS):
        stranger = stage.telegram.user(f"Stranger {number}")
        homes.append(stage.telegram.private(stranger))
        await stranger.say(homes[-1], "may I?")
    for home in homes:
        await stage.replies(1, home)
    await stage.ann.say(stage.home, "And of Switzerland?")
    async with asyncio.timeout(PATIENCE_S):
        while query(stage, "SELECT count(*) FROM inbox") != [(STRANGERS + 2,)]:  # noqa: ASYNC110 - it shows there only
            await asyncio.sleep(0.02)
    hold.release()
    told = await stage.replies(13)
    assert told[:2] == ["Oslo.", "Bern."]
    assert sum("like to talk to me" in one for one in told[2:]) == 10
    assert [one for one in told if "requests are waiting" in one] == [told[-1]]
    assert told[-1].startswith("20 ")
