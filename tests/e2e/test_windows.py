"""A model that reads less than is believed: from its server's refusals, and from its silence, its window is learned."""

import asyncio

import pytest

from sandbox.model import Behaviour, ChatRequest, Fail, Say
from tests.e2e.conftest import PATIENCE_S, Stage
from tests.e2e.quick import hurry as hurry
from tests.e2e.test_compaction import is_compaction
from tests.e2e.test_memory import say
from tests.selection import first

pytestmark = pytest.mark.usefixtures("no_retries")

NOTES = Say("## People\n- Ann sails.")
WORDS = "the harbour and the ferry " * 120
"""About 780 tokens."""


def size(asked: ChatRequest) -> int:
    return sum(len(message.content) for message in asked.messages) // 4


class Strict:
    """A model that refuses what is longer than its window."""

    def __init__(self, window: int, words: str, status: int = 400) -> None:
        self.window, self.words, self.status = window, words, status
        self.refusals = 0

    def answer(self, asked: ChatRequest) -> Behaviour:
        if size(asked) > self.window:
            self.refusals += 1
            return Fail(self.status, self.words)
        return NOTES if is_compaction(asked) else Say("fine")


@pytest.mark.parametrize(
    ("words", "most"),
    first(
        [
            ("This model's maximum context length is 3000 tokens. However, you requested 99999 tokens.", 1),
            ("Prompt is too long.", 3),
            ("no", 4),
        ]
    ),
    ids=["with a number", "without", "unexplained"],
)
async def test_a_refusal_teaches_the_window(stage: Stage, hurry: None, words: str, most: int) -> None:
    model = Strict(3000, words)
    stage.model.answer_with(model.answer)
    await stage.start()
    for at in range(14):
        assert await say(stage, f"{at} {WORDS}") == "fine"
    assert 1 <= model.refusals <= most
    assert any(is_compaction(asked) for asked in stage.model.requests)


@pytest.mark.long
async def test_tenfold_smaller_window_is_found_at_once(stage: Stage, hurry: None) -> None:
    model = Strict(100_000, "Prompt is too long.")
    stage.model.answer_with(model.answer)
    await stage.start(COMPACT_AT="0.8")
    for at in range(12):
        await say(stage, f"{at} {WORDS}")
    model.window = 1500
    assert await say(stage, "and now?") == "fine"


@pytest.mark.long
async def test_trouble_of_the_server_teaches_nothing(stage: Stage, hurry: None) -> None:
    model = Strict(2500, "no", status=500)
    stage.model.answer_with(model.answer)
    await stage.start(COMPACT_AT="0.8")
    for at in range(6):
        assert await say(stage, f"{at} {WORDS}") == "fine"
    model.window = 100_000
    for at in range(5):
        assert await say(stage, f"{at} {WORDS}") == "fine"
    assert size(stage.model.requests[-1]) > 4000


@pytest.mark.long
@pytest.mark.parametrize("api", first(["chat", "responses", "dashscope"]))
async def test_a_window_cut_in_silence_is_adopted(stage: Stage, hurry: None, api: str) -> None:
    stage.model.truncates_at = 2500
    stage.model.answer_with(lambda asked: NOTES if is_compaction(asked) else Say("fine"))
    await stage.start(LLM_API=api, DASHSCOPE_BASE_URL=stage.model.dashscope_url)
    for at in range(12):
        await say(stage, f"{at} {WORDS}")
    talk = [asked for asked in stage.model.requests if WORDS.strip() in asked.last_words]
    assert sum(size(asked) > 2500 for asked in talk) <= 5
    assert size(talk[-1]) < 2500
    assert any(is_compaction(asked) for asked in stage.model.requests)


@pytest.mark.long
async def test_reports_that_only_seem_cut_are_no_window(stage: Stage, hurry: None) -> None:
    def answer(asked: ChatRequest) -> Behaviour:
        stage.model.truncates_at = 2500 if WORDS.strip() in asked.last_words else None
        return Say("fine")

    stage.model.answer_with(answer)
    await stage.start(COMPACT_AT="0.8")
    for at in range(12):
        await say(stage, f"{at} {WORDS}")
    assert size(stage.model.requests[-1]) > 8000


async def test_the_list_of_models_tells_the_window(stage: Stage, hurry: None) -> None:
    stage.model.model_details = {"max_model_len": 3000}
    stage.model.answer_with(lambda asked: NOTES if is_compaction(asked) else Say("fine"))
    await stage.start()
    for at in range(6):
        await say(stage, f"{at} {WORDS}")
    assert max(map(size, stage.model.requests)) < 3000
    assert any(is_compaction(asked) for asked in stage.model.requests)


async def test_a_silent_list_holds_up_nobody(stage: Stage, hurry: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.app.LISTS_S", 0.01)
    monkeypatch.setattr("bot.llm.server.READY_S", 0.01)
    stage.model.model_details = {"max_model_len": 3000}
    stage.model.models_available.clear()
    stage.model.answer_with(lambda asked: NOTES if is_compaction(asked) else Say("fine"))
    await stage.start()
    assert await say(stage, "hello") == "fine"
    assert "32,768" in await say(stage, "/memory")
    stage.model.models_available.set()
    async with asyncio.timeout(PATIENCE_S):
        while "3,000" not in await say(stage, "/memory"):  # noqa: ASYNC110 - no event tells
            await asyncio.sleep(0.02)
