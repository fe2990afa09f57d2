"""The bot talks to a real engine, llama.cpp, whose bytes and refusals nobody has to write by hand."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sandbox.local_model import local_model, missing
from tests.e2e.conftest import PATIENCE_S, Stage
from tests.e2e.quick import hurry as hurry
from tests.media.files import picture

WINDOW = 2048
SOON = {"MAX_ANSWER_TOKENS": "16", "OPENAI_MODEL": "SmolLM2", "MODEL_TIMEOUT": "60"}
"""So small a model would go on and on."""

pytestmark = [
    pytest.mark.long,
    pytest.mark.timeout(300),
    pytest.mark.skipif(bool(missing()), reason=missing()),
]


@pytest.fixture
async def real(stage: Stage, tmp_path: Path) -> AsyncIterator[Stage]:
    """A stage with the engine in place of the model server."""
    async with local_model(tmp_path / "local-model.log", window=WINDOW) as model:
        url = f"{model.process.address}/v1"
        stage.environment |= SOON | {"OPENAI_BASE_URL": url, "LLM_EXTRA_BODY": '{"temperature": 0}'}
        stage.environment["OPENAI_API_KEY"] = model.key
        yield stage


async def _told(stage: Stage) -> list[str]:
    """What the bot has said when it has nothing more to say."""
    seen = -1
    async with asyncio.timeout(3 * PATIENCE_S):
        while not stage.home.replies or seen != len(stage.home.replies):
            seen = len(stage.home.replies)
            await asyncio.sleep(3)
    return [message.text for message in stage.home.replies]


@pytest.mark.parametrize("api", ["chat", "responses"])
async def test_it_talks_and_its_cache_is_counted(real: Stage, hurry: None, api: str) -> None:
    await real.start(LLM_API=api, TOOLS="on")
    await real.ann.say(real.home, "Hello there!")
    await _told(real)
    await real.ann.say(real.home, "And what is your name?")
    before = await _told(real)
    assert not [text for text in before if "went wrong" in text or "server" in text], before
    await real.ann.say(real.home, "/usage")
    assert any("cache" in text for text in await _told(real)), real.home.replies


async def test_a_picture_that_it_cannot_see_costs_itself(real: Stage, hurry: None, tmp_path: Path) -> None:
    profiles = tmp_path / "profiles.toml"
    profiles.write_text('[models."smollm2"]\nsees = true\n')
    await real.start(MODEL_PROFILES=str(profiles))
    await real.ann.photo(real.home, picture(64, 64), "look at this")
    told = await _told(real)
    assert any("picture" in text or "image" in text or "see" in text for text in told), told
    await real.ann.say(real.home, "hello?")
    after = await _told(real)
    assert len(after) > len(told)
    assert not any("server" in text for text in after), after


async def test_what_is_too_long_is_left_out(real: Stage, hurry: None) -> None:
    await real.start(CONTEXT_WINDOW="16000")
    for _ in range(3):
        await real.ann.say(real.home, "hey ho " * 580)
    told = await _told(real)
    assert any("longer than the model can read" in text for text in told), told
    await real.ann.say(real.home, "hello?")
    assert "longer" not in (await _told(real))[-1]


async def test_the_doctor_finds_its_window(real: Stage) -> None:
    ran = await real.shell("doctor", CONTEXT_WINDOW="8000")
    text = ran.written + ran.complained
    assert "Traceback" not in text
    assert f"{WINDOW} tokens" in text, text
    assert ran.code == 0, text
