"""A content filter refuses what it refuses, and not the chat from then on."""

import asyncio
from typing import Any

import pytest

from bot.conversation.compaction import Compactor
from bot.conversation.content_filter import ContentFilterRecovery as FilteredAnswers
from sandbox.model import Behaviour, ChatRequest, Fail, Say
from tests.e2e.conftest import PATIENCE_S, Stage
from tests.e2e.quick import hurry as hurry
from tests.e2e.test_compaction import SMALL, is_compaction, talk
from tests.e2e.test_memory import compact, say
from tests.e2e.test_tools import ON as TOOLS_ON
from tests.e2e.test_tools import call
from tests.selection import first, some

WORD = "mushroomcloud"
REFUSAL = Fail(400, "Input data may contain inappropriate content.", code="data_inspection_failed")
LEFT_OUT = "refused that message"


def _holds(asked: ChatRequest) -> bool:
    return any(WORD in message.text for message in asked.messages)


class Filter:
    """A model behind a filter, which may be off at first; `says`: what it answers instead of "fine"."""

    def __init__(self, stage: Stage, *, on: bool = True) -> None:
        self.on = on
        self.says = "fine"
        stage.model.answer_with(lambda asked: REFUSAL if self.on and _holds(asked) else Say(self.says))


def _asked(stage: Stage) -> str:
    return " / ".join(message.text for message in stage.model.requests[-1].messages)


async def test_a_refused_message_is_left_out_and_found(stage: Stage, hurry: None) -> None:
    Filter(stage)
    await stage.start()
    await say(stage, "My slate is called Ben.")
    assert LEFT_OUT in await say(stage, f"how does a {WORD} form?")
    before = len(stage.model.requests)
    assert await say(stage, "and the weather?") == "fine"
    assert len(stage.model.requests) == before + 1
    assert "Ben" in _asked(stage)
    assert WORD in await say(stage, f"/search {WORD}")


@pytest.mark.long
async def test_who_tries_again_poisons_nothing(stage: Stage, hurry: None) -> None:
    filtered = Filter(stage)
    await stage.start()
    assert LEFT_OUT in await say(stage, f"a {WORD}")
    assert LEFT_OUT in await say(stage, "/retry")
    assert await say(stage, "hello?") == "fine"
    assert LEFT_OUT in await say(stage, f"another {WORD}")
    filtered.on = False
    assert await say(stage, "/retry") == "fine"
    assert f"another {WORD}" in _asked(stage)
    await say(stage, "thanks")
    assert f"another {WORD}" in _asked(stage)


async def test_a_refused_message_that_is_edited_is_new(stage: Stage, hurry: None) -> None:
    Filter(stage)
    await stage.start()
    message = await stage.ann.say(stage.home, f"a {WORD}")
    assert LEFT_OUT in (await stage.replies(1))[0]
    await stage.ann.edit(message, "a mushroom")
    assert (await stage.replies(2))[-1] == "fine"
    assert await say(stage, "thanks") == "fine"
    assert "a mushroom" in _asked(stage)


@pytest.mark.long
async def test_a_reply_to_a_refused_message_quotes_nothing(stage: Stage, hurry: None) -> None:
    Filter(stage)
    await stage.start()
    message = await stage.ann.say(stage.home, f"a {WORD}")
    await stage.replies(1)
    await stage.ann.say(stage.home, "what is wrong with it?", reply_to=message)
    assert (await stage.replies(2))[-1] == "fine"


@pytest.mark.parametrize("whose", first(["user", "assistant"]))
async def test_words_refused_later_are_found_and_dropped(stage: Stage, hurry: None, whose: str) -> None:
    filtered = Filter(stage, on=False)
    await stage.start()
    await say(stage, "My slate is called Ben.")
    filtered.says = f"a {WORD} it is" if whose == "assistant" else "fine"
    await say(stage, f"a {WORD}" if whose == "user" else "a mushroom")
    filtered.on, filtered.says = True, "all is well"
    await stage.ann.say(stage.home, "and the weather?")
    answer, told = (await stage.replies(4))[2:]
    assert answer == "all is well"
    assert "said here earlier" in told
    before = len(stage.model.requests)
    assert await say(stage, "thanks") == "all is well"
    assert len(stage.model.requests) == before + 1
    assert "Ben" in _asked(stage)


async def test_in_a_group_only_that_message_is_affected(stage: Stage, hurry: None) -> None:
    Filter(stage)
    bob = stage.telegram.user("Bob")
    group = stage.telegram.group("Club", [stage.ann, bob])
    await stage.start()
    await stage.ann.say(group, "we meet at noon")
    await bob.say(group, f"a {WORD}")
    await stage.ann.say(group, "bring cake")
    await stage.ann.say(group, "@keepsake_sandbox_bot when do we meet?")
    assert (await stage.replies(2, group))[0] == "fine"
    await bob.say(group, f"@keepsake_sandbox_bot a {WORD}")
    assert LEFT_OUT in (await stage.replies(3, group))[-1]
    await stage.ann.say(group, "@keepsake_sandbox_bot thanks")
    assert (await stage.replies(4, group))[-1] == "fine"
    assert "noon" in _asked(stage)
    assert "cake" in _asked(stage)


async def test_of_what_is_recalled_the_refused_is_found(stage: Stage, hurry: None) -> None:
    filtered = Filter(stage, on=False)
    await stage.start(MEMORY="truncate", KEEP_ROUNDS="2", EMBEDDING_MODEL="off")
    await say(stage, f"The zebra saw a {WORD}.")
    await say(stage, "The zebra is called Marty.")
    for at in range(4):
        await say(stage, f"number {at}")
    filtered.on, count = True, len(stage.home.replies)
    await stage.ann.say(stage.home, "What did the zebra see?")
    answer, told = (await stage.replies(count + 2))[count:]
    assert (answer, "said here earlier" in told) == ("fine", True)
    before = len(stage.model.requests)
    assert await say(stage, "What is the zebra called?") == "fine"
    assert len(stage.model.requests) == before + 1
    assert "Marty" in _asked(stage)


@pytest.mark.parametrize("method", ["answer", "_passes_cleaned"])
async def test_a_window_compacted_meanwhile_is_not_lost(
    stage: Stage, hurry: None, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    compact, refused, compacted = Compactor.compact, asyncio.Event(), asyncio.Event()
    original = getattr(FilteredAnswers, method)

    async def late(*args: Any, **options: Any) -> Any:
        await refused.wait()
        outcome = await compact(*args, **options)
        compacted.set()
        return outcome

    async def after_compaction(*args: Any) -> Any:
        refused.set()
        await asyncio.wait_for(compacted.wait(), PATIENCE_S)
        return await original(*args)

    filtered = Filter(stage, on=False)
    await stage.start(MEMORY="truncate", KEEP_ROUNDS="2", EMBEDDING_MODEL="off", RECALL_TOKENS="0")
    for at in range(5):
        await say(stage, f"a {WORD} at {at}" if at < 2 else f"number {at}")
    monkeypatch.setattr(Compactor, "compact", late)
    monkeypatch.setattr(FilteredAnswers, method, after_compaction)
    await say(stage, "number 5")
    filtered.on = True
    assert await say(stage, "What comes next?") == "fine"
    assert "number 5" in _asked(stage)


@pytest.mark.long
async def test_what_is_looked_up_may_be_refused(stage: Stage, hurry: None) -> None:
    on = False

    def reply(asked: ChatRequest) -> Behaviour:
        if on and _holds(asked):
            return REFUSAL
        return Say("Well.", calls=call("recall", query="zebra")) if "look" in asked.last_words else Say("fine")

    stage.model.answer_with(reply)
    await stage.start(**TOOLS_ON, MEMORY="truncate", KEEP_ROUNDS="2", EMBEDDING_MODEL="off")
    await say(stage, f"The zebra saw a {WORD}.")
    for at in range(6):
        await say(stage, f"number {at}")
    on, count = True, len(stage.home.replies)
    await stage.ann.say(stage.home, "please look it up")
    answer, told = (await stage.replies(count + 2))[count:]
    assert (answer, "said here earlier" in told) == ("Well.", True)


@pytest.mark.parametrize("probe", some([Fail(429, "rate limit"), Say("", finish_reason="length"), Fail(402)], 2))
async def test_an_answer_outlives_a_search_that_fails(
    stage: Stage, hurry: None, no_retries: None, probe: Behaviour
) -> None:
    on = False

    def reply(asked: ChatRequest) -> Behaviour:
        if "one word OK" in asked.messages[0].text:
            return probe
        return REFUSAL if on and _holds(asked) else Say("fine")

    stage.model.answer_with(reply)
    await stage.start()
    await say(stage, f"a {WORD}")
    on, count = True, len(stage.home.replies)
    await stage.ann.say(stage.home, "and the weather?")
    assert (await stage.replies(count + 1))[count] == "fine"


async def test_refused_instructions_cost_no_message(stage: Stage, hurry: None) -> None:
    filtered = Filter(stage, on=False)
    await stage.start(SYSTEM_PROMPT=f"You are a {WORD}.")
    await say(stage, "My slate is called Ben.")
    filtered.on = True
    for words in ("how are you?", "and the weather?"):
        assert "my instructions" in await say(stage, words)
    filtered.on = False
    assert await say(stage, "thanks") == "fine"
    assert all(words in _asked(stage) for words in ("Ben", "how are you?", "and the weather?"))


async def test_a_summary_goes_without_what_is_refused(stage: Stage, hurry: None) -> None:
    filtered = Filter(stage, on=False)
    await stage.start()
    await say(stage, "My slate is called Ben.")
    await say(stage, f"a {WORD}")
    filtered.on, count = True, len(stage.home.replies)
    await stage.ann.say(stage.home, "/summary")
    assert "fine" in (await stage.replies(count + 2))[count:]
    assert "Ben" in _asked(stage)


@pytest.mark.long
async def test_a_compaction_goes_without_what_is_refused(stage: Stage, hurry: None) -> None:
    on = False

    def reply(asked: ChatRequest) -> Behaviour:
        if on and _holds(asked):
            return REFUSAL
        return Say("## People\n- Ann sails." if is_compaction(asked) else "fine")

    stage.model.answer_with(reply)
    await stage.start(CONTEXT_WINDOW="8192", COMPACT_AT="0.85")
    await say(stage, f"a {WORD}")
    await talk(stage, 12)
    on = True
    await compact(stage)
    assert "Ann sails" in "".join(one.text for one in stage.home.replies)
    before = len(stage.model.requests)
    assert await say(stage, "thanks") == "fine"
    assert len(stage.model.requests) == before + 1


async def test_many_refused_among_many_are_told_apart(stage: Stage, hurry: None) -> None:
    Filter(stage)
    bob = stage.telegram.user("Bob")
    group = stage.telegram.group("Club", [stage.ann, bob])
    await stage.start()
    bad = {7, 8, 31}
    for at in range(40):
        await bob.say(group, f"number {at}: {WORD if at in bad else 'cake'}")
    await stage.ann.say(group, "@keepsake_sandbox_bot when?")
    assert (await stage.replies(2, group))[0] == "fine"
    kept = {at for at in range(40) if f"number {at}:" in _asked(stage)}
    assert kept == set(range(40)) - bad


@pytest.mark.long
async def test_notes_lose_the_line_that_is_refused(stage: Stage, hurry: None) -> None:
    on = False

    def reply(asked: ChatRequest) -> Behaviour:
        if on and _holds(asked):
            return REFUSAL
        return Say(f"## People\n- Ann saw a {WORD}.\n- Her slate is called Ben." if is_compaction(asked) else "OK")

    stage.model.answer_with(reply)
    await stage.start(**SMALL)
    await talk(stage, 16)
    while WORD not in _asked(stage):
        await say(stage, "hello?")
    on, count = True, len(stage.home.replies)
    await stage.ann.say(stage.home, "thanks")
    answer, told = (await stage.replies(count + 2))[-2:]
    assert answer == "OK"
    assert "said here earlier" in told
    before = len(stage.model.requests)
    assert await say(stage, "thanks again") == "OK"
    assert len(stage.model.requests) == before + 1
    assert "Ben" in _asked(stage)
