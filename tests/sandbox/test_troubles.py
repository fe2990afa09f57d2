"""Each trouble can be switched on, is noticed by a bot, and goes away."""

import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from sandbox.troubles import MODEL_FAULTS, SLOW_S, Troubles
from sandbox.world import World


@pytest_asyncio.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with World(tmp_path) as running:
        yield running


@pytest.fixture
def troubles(world: World) -> Troubles:
    return Troubles(world)


async def _call(world: World, method: str, **fields: object) -> httpx.Response:
    """A call of the bot."""
    async with httpx.AsyncClient() as bot:
        return await bot.post(f"{world.telegram_url}/bot{world.telegram.token}/{method}", json=fields)


async def _ask(world: World) -> httpx.Response:
    """A request of the bot to its model."""
    key, url = world.environment["OPENAI_API_KEY"], world.environment["OPENAI_BASE_URL"]
    body = {"model": "stand-in", "messages": [{"role": "user", "content": "Hello"}]}
    async with httpx.AsyncClient() as bot:
        headers = {"Authorization": f"Bearer {key}"}
        return await bot.post(f"{url}/chat/completions", json=body, headers=headers, timeout=0.5)


async def test_slow_network_delays_each_call(world: World, troubles: Troubles) -> None:
    troubles.slow = True
    started = time.monotonic()
    await _call(world, "getMe")
    assert time.monotonic() - started >= SLOW_S
    troubles.slow = False
    assert (troubles.slow, world.telegram.faults.latency) == (False, 0.0)


async def test_flood_limits_refuse_the_second_message(world: World, troubles: Troubles) -> None:
    chat = world.telegram.private(world.telegram.user("You")).id
    troubles.floods = True
    answers = [await _call(world, "sendMessage", chat_id=chat, text="Hello") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 429]
    troubles.floods = False
    assert (await _call(world, "sendMessage", chat_id=chat, text="Hello")).status_code == 200


async def test_old_version_has_no_new_methods(world: World, troubles: Troubles) -> None:
    troubles.version = "9.2"
    assert (await _call(world, "sendRichMessage")).status_code == 404
    troubles.version = "10.3"
    assert (await _call(world, "sendRichMessage")).status_code == 400
    with pytest.raises(LookupError, match=r"10\.3"):
        troubles.version = "1.0"


@pytest.mark.parametrize("name", MODEL_FAULTS)
async def test_fault_of_the_model_comes_and_goes(world: World, troubles: Troubles, name: str) -> None:
    troubles.model_fault = name
    try:
        faulty = await _ask(world)
        assert "I am a stand-in" not in faulty.text
    except httpx.HTTPError:
        pass  # it never answers, or breaks off
    troubles.model_fault = ""
    assert "I am a stand-in" in (await _ask(world)).text


async def test_unknown_fault_changes_nothing(world: World, troubles: Troubles) -> None:
    with pytest.raises(LookupError, match="hang"):
        troubles.model_fault = "unknown"
    assert troubles.model_fault == ""
    assert (await _ask(world)).status_code == 200


async def test_bot_elsewhere_is_left_alone(troubles: Troubles) -> None:
    assert troubles.bot_state == "elsewhere"
    for act in (troubles.kill, troubles.stop, troubles.start):
        with pytest.raises(LookupError, match="not started here"):
            await act()


async def test_bot_is_killed_and_started(tmp_path: Path) -> None:
    async with World(tmp_path, bot=[sys.executable, "-c", "import time; time.sleep(60)"]) as world:
        troubles = Troubles(world)
        seen = [troubles.bot_state]
        for act in (troubles.kill, troubles.start, troubles.kill, troubles.start, troubles.stop):
            await act()
            seen.append(troubles.bot_state)
    assert seen == ["stopped", "stopped", "running", "stopped", "running", "stopped"]
