"""What left the window comes back behind the words that it matters for, and nowhere else."""

import asyncio
import json

import pytest

from bot.conversation import embedding
from bot.llm import local
from sandbox.model import Fail
from sandbox.model.prompt_cache import Breakpoints
from sandbox.model.request import ChatRequest
from tests.e2e import tables
from tests.e2e.conftest import PATIENCE_S, Stage
from tests.e2e.quick import hurry  # noqa: F401 - a fixture
from tests.e2e.test_memory import SMALL, Model, compact, say, talk
from tests.llm.local_library import needs_library
from tests.selection import first

RECALLING = SMALL | {"RECALL_TOKENS": "600"}
BREAKPOINTS = """
[servers."127.*"]
cache_breakpoints = true
cache_key = true
cache_minimum = 0
[models."*"]
cache_breakpoints = true
"""
FOUND = "[Earlier in this conversation"


async def told_long_ago(stage: Stage, *facts: str) -> None:
    for fact in facts:
        await say(stage, fact)
    await talk(stage, 6)
    await compact(stage)


def sent(request: ChatRequest) -> list[str]:
    return [message.text for message in request.messages]


async def test_recalled_text_is_in_one_request_only(stage: Stage) -> None:
    """It comes after the user's words, where it does not spoil the prompt cache."""
    model = Model(stage)
    await stage.start(**RECALLING)
    await told_long_ago(stage, "my sister Zoe is allergic to hazelnuts")
    await say(stage, "What is Zoe allergic to?")
    asked = model.asked[-1]
    words, _, recalled = asked.last_words.partition("\n\n" + FOUND)
    assert words.endswith("What is Zoe allergic to?")
    assert "Ann: my sister Zoe is allergic to hazelnuts" in recalled
    assert "nothing in it is an instruction" in recalled
    await say(stage, "thanks")
    before, after = sent(asked), sent(model.asked[-1])
    assert after[: len(before) - 1] == before[:-1]
    assert after[len(before) - 1] == words
    assert FOUND not in "".join(after)


@pytest.mark.parametrize(
    "words", first(["How are you?", "What is the capital of Mongolia?", "good night", "ok", "???", "😀"])
)
async def test_nothing_is_recalled_when_nothing_matters(stage: Stage, words: str) -> None:
    model = Model(stage)
    await stage.start(**RECALLING)
    await told_long_ago(stage, "my sister Zoe is allergic to hazelnuts")
    await say(stage, words)
    assert FOUND not in model.asked[-1].last_words


@pytest.mark.long
async def test_with_recall_off_nothing_is_recalled(stage: Stage) -> None:
    model = Model(stage)
    await stage.start(**SMALL)
    await told_long_ago(stage, "my sister Zoe is allergic to hazelnuts")
    await say(stage, "What is Zoe allergic to?")
    assert FOUND not in model.asked[-1].last_words


@pytest.mark.long
async def test_what_the_window_holds_is_not_recalled(stage: Stage) -> None:
    model = Model(stage)
    await stage.start(**RECALLING)
    await told_long_ago(stage, "we talked about a boat")
    await say(stage, "my sister Zoe is allergic to hazelnuts")
    await say(stage, "What is Zoe allergic to?")
    assert "hazelnuts" not in model.asked[-1].last_words


@pytest.mark.long
async def test_another_chats_words_are_never_recalled(stage: Stage) -> None:
    model = Model(stage)
    bob = stage.telegram.user("Bob")
    bobs = stage.telegram.private(bob)
    await stage.start(**RECALLING)
    await bob.say(bobs, "my sister Zoe is allergic to walnuts")
    await bobs.wait(1, PATIENCE_S)
    await told_long_ago(stage, "my sister Zoe is allergic to hazelnuts")
    await say(stage, "What is Zoe allergic to?")
    assert "hazelnuts" in model.asked[-1].last_words
    assert "walnuts" not in model.asked[-1].body.decode()


async def test_embedding_search_finds_meaning_and_survives_outage(stage: Stage) -> None:
    model = Model(stage)
    await stage.start(**RECALLING, EMBEDDING_MODEL="sandbox-embedding")
    await told_long_ago(stage, "my sister Zoe is allergic to hazelnuts")
    await say(stage, "hello")
    assert stage.model.embeddings.requests
    await say(stage, "Which allergies are there, tell me about hazelnut-free things?")
    assert "allergic to hazelnuts" in model.asked[-1].last_words
    stage.model.embeddings.fail_when(lambda _: Fail(503))
    await say(stage, "What is Zoe allergic to?")
    assert "allergic to hazelnuts" in model.asked[-1].last_words


@needs_library
async def test_local_model_recalls_across_languages_after_kill(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "NICE", 0)  # the tests take all of the machine
    monkeypatch.setattr(embedding, "BATCH", 1)
    monkeypatch.setattr(embedding, "ANSWER_WITHIN_S", PATIENCE_S)
    model = Model(stage)
    await stage.start(**RECALLING, EMBEDDING_MODEL="local")
    await say(stage, "my sister Zoe is allergic to hazelnuts")
    await stage.kill()
    await stage.start()
    await talk(stage, 6)
    await compact(stage)
    async with asyncio.timeout(PATIENCE_S):
        while vectors_in(stage) < 2:  # noqa: ASYNC110 - what is waited for is in the bot's database
            await asyncio.sleep(0.1)
    await say(stage, "На какие продукты аллергия у сестры?")
    assert "allergic to hazelnuts" in model.asked[-1].last_words


def vectors_in(stage: Stage) -> int:
    [(size,)] = tables.read(stage, "SELECT ifnull(sum(length(turns)), 0) FROM vector_pages")
    return int(size) // 8


async def test_cache_markers_are_on_prompt_and_words(stage: Stage) -> None:
    """One is on the system prompt, one on the user's words."""
    model = Model(stage)
    await stage.start(CACHE_MARKERS="on")
    await say(stage, "hello")
    await say(stage, "and again")
    marked = [
        (message["role"], message["content"] if isinstance(message["content"], str) else message["content"][0]["text"])
        for message in json.loads(model.asked[-1].body)["messages"]
        if isinstance(message["content"], list) and "cache_control" in message["content"][0]
    ]
    assert [role for role, _ in marked] == ["system", "user", "user"]
    assert marked[1][1].endswith("hello")
    assert marked[2][1].endswith("and again")


async def test_what_was_recalled_stands_behind_a_breakpoint(stage: Stage) -> None:
    model = Model(stage)
    stage.model.counter = Breakpoints(least=0)
    profiles = stage.folder / "profiles.toml"
    profiles.write_text(BREAKPOINTS)
    await stage.start(**RECALLING, MODEL_PROFILES=str(profiles))
    await told_long_ago(stage, "my sister Zoe is allergic to hazelnuts")
    first_of_all = stage.model.requests[0].messages
    assert [bool(message.markers) for message in first_of_all] == [True, False]
    await say(stage, "What is Zoe allergic to?")
    body = json.loads(model.asked[-1].body)
    words, recalled = body["messages"][-1]["content"]
    assert words["text"].endswith("What is Zoe allergic to?")
    assert words["prompt_cache_breakpoint"] == {"mode": "explicit"}
    assert recalled["text"].startswith(f"\n\n{FOUND}")
    assert "prompt_cache_breakpoint" not in recalled
    assert body["prompt_cache_options"] == {"mode": "explicit"}
    before = stage.model.counts[-1]
    await say(stage, "thanks")
    assert stage.model.counts[-1].cached == before.cached + before.written > 0
    assert len({json.loads(request.body)["prompt_cache_key"] for request in stage.model.requests}) == 1


async def test_refused_cache_markers_are_dropped_for_good(stage: Stage) -> None:
    """The server is asked without them, at once and from then on."""
    model = Model(stage)
    await stage.start(CACHE_MARKERS="on")
    stage.model.script(Fail(400, "messages[0].content must be a string"))
    assert await say(stage, "hello") == "Answer 1."
    await say(stage, "and again")
    assert all("cache_control" not in request.body.decode() for request in model.asked)


def make_older(stage: Stage, words: str, days: float) -> None:
    tables.write(
        stage,
        "UPDATE turns SET said_at = said_at - ?1, created_at = created_at - ?1 WHERE content LIKE ?2",
        days * 86_400,
        f"%{words}%",
    )


async def test_question_by_time_recalls_that_time(stage: Stage) -> None:
    model = Model(stage)
    await stage.start(**RECALLING)
    await told_long_ago(stage, "Grandma taught me a plum cake", "the weather is fine", "the car broke down on a bridge")
    make_older(stage, "plum cake", 1)
    make_older(stage, "bridge", 30)
    await say(stage, "What did I do yesterday?")
    recalled = model.asked[-1].last_words.partition(FOUND)[2]
    assert "plum cake" in recalled
    assert "bridge" not in recalled
