"""What talking may cost: refused before a request, never in the middle of an answer, renewed by the clock."""

import re
import time
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from bot.wiring import conversation as engine
from bot.wiring import limits as pricing
from sandbox.model import HoldStream, Say
from tests.e2e.conftest import PATIENCE_S, Stage
from tests.e2e.groups import anonymously, group
from tests.e2e.owners import query
from tests.e2e.quick import hurry as hurry
from tests.e2e.test_memory import say

LONG = "word " * 400
"""About 500 tokens as the sandbox counts them."""
SPENT = "used up your budget"


class Clock:
    """Today's, until a test says otherwise."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 23, 22, tzinfo=UTC).timestamp()

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    for module in (engine, pricing):
        monkeypatch.setattr(module, "time", SimpleNamespace(time=clock, monotonic=time.monotonic))
    return clock


async def test_answer_exceeding_budget_finishes_and_next_is_refused(
    process: Stage,
) -> None:
    """The refusal holds after a kill too."""
    stage, hold = process, HoldStream(20)
    stage.model.script(Say("hello"), Say(LONG, chunk=20, hold=hold))
    await stage.start(BUDGET_USER="400", OWNER_IDS="77")
    await stage.ann.say(stage.home, "hello")
    await stage.replies(1)
    await stage.ann.say(stage.home, "tell me all")
    await hold.reached()
    hold.release()
    assert (await stage.replies(2))[1].strip() == LONG.strip()
    assert SPENT in await say(stage, "and then?")
    await stage.kill()
    await stage.start()
    await stage.ready()
    await stage.ann.say(stage.home, "and now?")
    await stage.ann.say(stage.home, "/usage")
    await stage.home.wait(lambda chat: "Tokens in" in chat.replies[-1].text, PATIENCE_S)
    *_, refused, shown = stage.home.replies
    assert SPENT in refused.text
    assert f"{sum(count.total for count in stage.model.counts):,} · out" in shown.text
    assert "of 400 used" in shown.text
    assert len(stage.model.requests) == 2


async def test_budget_renews_at_midnight(stage: Stage, hurry: None, clock: Clock) -> None:
    """What was refused before can then be answered."""
    stage.model.script(Say(LONG, chunk=50), Say("Paris."))
    await stage.start(BUDGET_USER="400", TIMEZONE="Europe/Berlin")
    await say(stage, "hello")
    told = await say(stage, "the capital of France?")
    assert SPENT in told
    assert "Europe/Berlin" in told
    clock.now += 3599
    assert SPENT in await say(stage, "/summary")
    clock.now += 1
    assert await say(stage, "/retry") == "Paris."
    assert "capital of France" in stage.model.requests[1].messages[-1].text


async def test_user_near_budget_is_warned_once(stage: Stage, hurry: None) -> None:
    stage.model.script(Say(LONG, chunk=50), Say("yes"), Say("yes"))
    await stage.start(BUDGET_USER="650")
    await stage.ann.say(stage.home, "hello")
    _, hint = await stage.replies(2)
    assert "of your budget for today" in hint
    await stage.ann.say(stage.home, "ok")
    assert len(await stage.replies(3)) == 3


async def test_owners_are_warned_of_total_and_raise_it(stage: Stage, hurry: None) -> None:
    """All owners hear about the budget of everyone together, and they can change it."""
    owner = stage.telegram.user("Olga")
    office = stage.telegram.private(owner)
    stage.model.script(Say(LONG, chunk=50), Say("yes"), Say("and more"))
    await stage.start(BUDGET_TOTAL="400", OWNER_IDS=str(owner.id))
    await stage.ann.say(stage.home, "hello")
    [told] = await stage.replies(1, office)
    assert "Your bot has used" in told
    await stage.replies(1)  # which may come after that
    assert "I've used up my budget" in await say(stage, "more?")
    assert "don't know that command" in await say(stage, "/budget total off")
    await owner.say(office, "/budget total 100k")
    assert "All together, per day: 100,000" in (await stage.replies(2, office))[1]
    assert await say(stage, "more?") == "yes"
    await owner.say(office, f"/budget {stage.ann.id} 100")
    shown = (await stage.replies(3, office))[2]
    assert f"“Ann” · {stage.ann.id}, per day: 100" in shown
    assert SPENT in await say(stage, "more?")
    await owner.say(office, f"/budget {stage.ann.id} default")
    await stage.replies(4, office)
    assert await say(stage, "more?") == "and more"
    for number, wrong in enumerate(("/budget me 5", "/budget user lots", "/budget user 1 USD"), start=5):
        await owner.say(office, wrong)
        last = (await stage.replies(number, office))[-1]
        assert "MODEL_PROFILES" in last if "USD" in wrong else "/budget user 200k" in last


async def users(stage: Stage) -> dict[int, str]:
    """The lines of ``python -m bot users``, by id."""
    listed = await stage.shell("users")
    assert listed.code == 0, listed.complained
    lines = [line for line in listed.written.splitlines() if line.startswith("•")]
    return {int(found[0]): line for line in lines if (found := re.findall(r"(?<![\d“])-?\d{3,}(?=:)", line))}


async def test_in_a_group_everybody_has_their_own(stage: Stage, hurry: None) -> None:
    stage.model.script(Say(LONG, chunk=50), Say("Hi Bob."))
    friends, [ann, bob] = group(stage, "Bob")
    allowed = ",".join(str(one.id) for one in (ann, bob, friends))
    await stage.start(BUDGET_USER="400", ACCESS="list", ALLOWED_IDS=allowed)
    await ann.say(friends, "Keepsake, tell me all")
    await stage.replies(1, friends)
    await ann.say(friends, "Keepsake, more")
    assert SPENT in (await stage.replies(2, friends))[1]
    await bob.say(friends, "Keepsake, hi")
    assert (await stage.replies(3, friends))[2] == "Hi Bob."
    first, second = stage.model.counts
    used = await users(stage)
    assert f"{first.total:,} tokens in" in used[ann.id]
    assert f"{second.total:,} tokens in" in used[bob.id]
    assert f"{first.total + second.total:,} tokens in" in used[friends.id]


@pytest.mark.long
async def test_cost_uses_prices_of_the_profiles(stage: Stage, hurry: None) -> None:
    file = stage.folder / "profiles.toml"
    file.write_text("[models.stand-in]\nprice_input = 1000.0\nprice_output = 2000.0\n")
    stage.model.script(Say("Hello there"))
    await stage.start(BUDGET_USER="0.01 USD", MODEL_PROFILES=str(file), CACHED_PRICE="0.5")
    await say(stage, "hello")
    [count] = stage.model.counts
    spent = (count.total * 1000 + 3 * 2000) / 1e6
    shown = await say(stage, "/usage")
    assert f"Today's cost: {spent:,.4f} USD" in shown
    assert SPENT in await say(stage, "more?")


async def test_rate_limited_user_is_notified_once_and_recorded(stage: Stage, hurry: None) -> None:
    """Messages above the limit are not answered, but they are part of the conversation."""
    stage.model.always(Say("yes"))
    await stage.start(MESSAGES_PER_MINUTE="2")
    for _ in range(2):
        assert await say(stage, "hello") == "yes"
    assert "more than 2 messages in a minute" in await say(stage, "and my cat is Tom")
    await stage.ann.say(stage.home, "hello?")
    await stage.ann.say(stage.home, "/retry")
    assert "Today" in await say(stage, "/usage")
    assert len(stage.home.replies) == 4
    assert len(stage.model.requests) == 2


async def test_frequent_edits_update_turn_without_new_answer(stage: Stage, hurry: None) -> None:
    hold = HoldStream(2)
    stage.model.script(Say("red it is"), Say("blue it is"), Say("green it is", hold=hold), Say("pink it is"))
    await stage.start(MESSAGES_PER_MINUTE="3")
    message = await stage.ann.say(stage.home, "red")
    assert await stage.replies(1) == ["red it is"]
    await stage.ann.edit(message, "blue")
    await stage.home.wait(lambda chat: chat.replies[0].text == "blue it is", PATIENCE_S)
    await stage.ann.edit(message, "green")
    await hold.reached(PATIENCE_S)
    await stage.ann.edit(message, "pink")  # while the third answer is written
    await stage.fetched()
    hold.release()
    told = (await stage.replies(2))[1]
    assert "more than 3 messages in a minute" in told
    assert stage.home.replies[0].text == "green it is"
    assert len(stage.model.requests) == 3
    ((stored,),) = query(stage, "SELECT content FROM turns WHERE role = 'user'")
    assert "pink" in str(stored)


async def test_anonymous_admins_are_rate_limited_per_group(stage: Stage, hurry: None) -> None:
    """Anonymous administrators of all groups share one Telegram account."""
    stage.model.always(Say("yes"))
    await stage.start(MESSAGES_PER_MINUTE="1")
    one, _ = group(stage)
    other = stage.telegram.group("Others", [stage.ann])
    for chat in (one, other):
        anonymously(stage, chat, "Keepsake, hello")
        assert await stage.replies(1, chat) == ["yes"]
    anonymously(stage, other, "Keepsake, again")
    assert "more than 1 message in a minute" in (await stage.replies(2, other))[1]
