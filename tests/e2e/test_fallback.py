"""When the model server fails: another model, one message to the owner, and no waiting for what is known to be down."""

import asyncio
from pathlib import Path

import pytest

from bot.llm import breaker
from sandbox.model import Behaviour, ChatRequest, Fail, ModelServer, Say
from tests.e2e.conftest import KEY, PATIENCE_S, Stage
from tests.e2e.quick import hurry as hurry
from tests.e2e.test_memory import say
from tests.media.files import picture
from tests.selection import first

pytestmark = pytest.mark.usefixtures("no_retries")

DOWN = Fail(503, "overloaded")


async def test_fallback_answers_visibly_and_its_usage_is_booked(stage: Stage, hurry: None) -> None:
    """The answer says which model gave it, and the usage is booked under that model."""
    stage.model.script(DOWN, Say("from the other"), Say("as usual"))
    await stage.start(OPENAI_MODEL="first", FALLBACK_MODEL="other")
    await say(stage, "hello")
    answer, told = await stage.replies(2)
    assert answer == "from the other"
    assert "by other" in told
    assert await say(stage, "and now?") == "as usual"
    assert [request.model for request in stage.model.requests] == ["first", "other", "first"]
    assert "Answered by" not in stage.model.requests[2].messages[-2].text


async def test_the_fallback_may_be_on_another_server(stage: Stage, hurry: None) -> None:
    other = ModelServer(key="another-key")
    async with other.run() as url:
        stage.model.always(Fail(401, "Incorrect API key provided."))
        await stage.start(FALLBACK_MODEL="other", FALLBACK_BASE_URL=url, FALLBACK_API_KEY="another-key")
        await say(stage, "hello")
        await stage.replies(2)
        assert len(other.requests) == 1
        assert KEY not in str(other.requests[0].headers)


@pytest.mark.parametrize(
    ("failure", "words"),
    first(
        [
            (Fail(401, "Incorrect API key provided."), "rejects your bot's key"),
            (Fail(403, "Arrearage"), "out of credit"),
            (
                Fail(400, body=b'[{"error": {"message": "API key not valid. Please pass one."}}]'),
                "rejects your bot's key",
            ),
            (Fail(400, body=b'{"error": "Your credit balance is too low to access the API."}'), "out of credit"),
        ]
    ),
)
async def test_owner_is_alerted_once_per_outage(stage: Stage, hurry: None, failure: Fail, words: str) -> None:
    owner = stage.telegram.user("Olga")
    home = stage.telegram.private(owner)
    stage.model.script(failure, failure, Say("fine"), failure)
    await stage.start(OWNER_IDS=str(owner.id))
    for at in range(4):
        await stage.ann.say(stage.home, f"question {at}")
        await stage.replies(at + 1)
    told = [message.text for message in await home.wait(2, PATIENCE_S)]
    assert len(told) == 2
    assert all(words in text for text in told)


async def test_too_many_tokens_a_minute_alarm_nobody(stage: Stage, hurry: None) -> None:
    owner = stage.telegram.user("Olga")
    home = stage.telegram.private(owner)
    stage.model.script(
        Fail(429, "Allocated quota exceeded, please increase your quota limit.", code="insufficient_quota"),
        Fail(401, "Incorrect API key provided."),
    )
    await stage.start(OWNER_IDS=str(owner.id))
    told = [await say(stage, f"question {at}") for at in range(2)]
    assert ["slow down" in one for one in told] == [True, False]
    [alarm] = [message.text for message in await home.wait(1, PATIENCE_S)]
    assert "rejects your bot's key" in alarm


async def test_dead_server_is_skipped_until_it_recovers(
    stage: Stage, hurry: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(breaker, "PROBE_EVERY_S", 2.0)
    stage.model.script(DOWN, DOWN, DOWN, Say("back again"))
    await stage.start()
    for at in range(4):
        assert "having problems right now" in await say(stage, f"question {at}")
    assert len(stage.model.requests) == 3
    async with asyncio.timeout(PATIENCE_S):
        while "having problems right now" in (answer := await say(stage, "and now?")):  # noqa: ASYNC110 - no event tells
            await asyncio.sleep(0.2)
    assert answer == "back again"


async def test_several_fallbacks_are_asked_in_their_order(stage: Stage, hurry: None, tmp_path: Path) -> None:
    other = ModelServer(key="another-key")
    other.always(Say("from the third"))
    async with other.run() as url:
        profiles = tmp_path / "profiles.toml"
        profiles.write_text(f'[fallbacks."third"]\nbase_url = "{url}"\napi_key = "another-key"\n')
        stage.model.answer_with(lambda asked: Fail(429, "rate limit") if asked.model == "second" else DOWN)
        await stage.start(OPENAI_MODEL="first", FALLBACK_MODELS="second, third", MODEL_PROFILES=str(profiles))
        await say(stage, "hello")
        answer, told = await stage.replies(2)
        assert (answer, "by third" in told) == ("from the third", True)
        assert [asked.model for asked in stage.model.requests] == ["first", "second"]
        assert KEY not in str(other.requests[0].headers)
        stage.model.answer_with(lambda asked: Say("from the second") if asked.model == "second" else DOWN)
        await stage.ann.say(stage.home, "and now?")
        assert (await stage.replies(4))[2] == "from the second"


async def test_spare_model_on_same_server_survives_first(stage: Stage, hurry: None) -> None:
    stage.model.answer_with(lambda asked: Say("fine") if asked.model == "other" else Fail(500, "broken"))
    await stage.start(OPENAI_MODEL="first", FALLBACK_MODELS="other")
    for at in range(8):
        await stage.ann.say(stage.home, f"question {at}")
        assert (await stage.replies(2 * at + 2))[2 * at] == "fine"


async def test_a_spare_disturbs_no_prefix_of_the_first(stage: Stage, hurry: None) -> None:
    stage.model.script(Say("one"), DOWN, Say("from the spare"), Say("three"))
    await stage.start(OPENAI_MODEL="first", FALLBACK_MODELS="other")
    for words, replies in (("hello", 1), ("and?", 3), ("thanks", 4)):
        await stage.ann.say(stage.home, words)
        await stage.replies(replies)
    _, refused, _, later = stage.model.requests
    assert [one.raw for one in later.messages[: len(refused.messages)]] == [one.raw for one in refused.messages]


@pytest.mark.long
async def test_a_blind_spare_answers_the_words(stage: Stage, hurry: None) -> None:
    blind = Fail(400, "this model does not support image input")
    stage.model.answer_with(
        lambda asked: (
            DOWN if asked.model != "other" else blind if any(one.media for one in asked.messages) else Say("fine")
        )
    )
    await stage.start(OPENAI_MODEL="qwen-vl-plus", FALLBACK_MODELS="other")
    await stage.ann.photo(stage.home, picture(), "look")
    assert "fine" in await stage.replies(2)


@pytest.mark.parametrize("refusal", first(["This model's maximum context length is 2048 tokens.", "no"]))
async def test_a_spare_that_reads_less_costs_no_memory(stage: Stage, hurry: None, refusal: str) -> None:
    words, is_down = "the harbour and the ferry " * 120, [False]

    def answer(asked: ChatRequest) -> Behaviour:
        if asked.model == "first":
            return DOWN if is_down[0] else Say("fine")
        long = sum(len(message.text) for message in asked.messages) > 12_000
        return Fail(400, refusal) if long else Say("from the spare")

    stage.model.answer_with(answer)
    await stage.start(OPENAI_MODEL="first", FALLBACK_MODELS="other")
    for at in range(6):
        assert await say(stage, f"{at} {words}") == "fine"
    is_down[0] = True
    await stage.ann.say(stage.home, "and now?")
    assert (await stage.replies(8))[6] == "from the spare"
    is_down[0] = False
    assert await say(stage, "thanks") == "fine"
    assert f"0 {words}" in stage.model.requests[-1].messages[1].text
