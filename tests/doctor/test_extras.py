"""What the bot can do without is never a cross."""

from contextlib import AsyncExitStack

import pytest

from bot.doctor import extras, model_requests
from bot.doctor.report import Finding, Severity
from bot.llm import local
from bot.wiring.servers import open_servers
from sandbox.model import Fail, Hang
from tests.doctor.conftest import World
from tests.llm.local_library import needs_library


async def _meaning(world: World, **variables: str) -> Finding:
    async with AsyncExitStack() as stack:
        settings = world.settings(**variables)
        return await extras.check_embeddings(settings, open_servers(settings, stack).embedder)


async def test_without_an_embedding_model_there_is_a_note(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    off = await _meaning(world, EMBEDDING_MODEL="off")
    assert (off.mark, off.found) == (Severity.NOTE, "EMBEDDING_MODEL is off: messages are found by their words only")
    monkeypatch.setattr(local, "is_installed", lambda: False)
    missing = await _meaning(world, EMBEDDING_MODEL="")
    assert missing.mark is Severity.NOTE
    assert "the extra 'embeddings' is not installed" in missing.found


@needs_library
async def test_the_local_model_is_seen_to_work(world: World) -> None:
    found = await _meaning(world, EMBEDDING_MODEL="")
    assert (found.mark, found.found) == (
        Severity.FINE,
        "on this machine, multilingual-e5-small gives vectors of 384 numbers",
    )


async def test_an_embedding_model_that_answers_is_fine(world: World) -> None:
    found = await _meaning(world, EMBEDDING_MODEL="near")
    assert (found.mark, found.found) == (Severity.FINE, "near gives vectors of 384 numbers")


@pytest.mark.parametrize("behaviour", [Fail(404, "no such model"), Hang()])
async def test_an_embedding_model_that_fails_is_a_note(
    world: World, behaviour: Fail | Hang, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model_requests, "PATIENCE_S", 0.5)
    world.model.embeddings.script(behaviour)
    found = await _meaning(world, EMBEDDING_MODEL="near")
    assert found.mark is Severity.NOTE
    assert found.advice


async def test_vectors_that_mean_nothing_are_a_note(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extras, "SENTENCES", ("the cat", "a dog", "the cat"))
    found = await _meaning(world, EMBEDDING_MODEL="near")
    assert (found.mark, "not close to each other" in found.found) == (Severity.NOTE, True)


async def test_failing_fallback_is_only_a_note(world: World) -> None:
    settings = world.settings()
    async with world.models(settings) as models:
        found = await extras.check_fallback(settings, models.of("other"))
        assert (found.mark, found.found) == (Severity.FINE, "other answers too")
        world.model.script(Fail(404, "no such model"))
        found = await extras.check_fallback(settings, models.of("other"))
    assert found.mark is Severity.NOTE
    assert "FALLBACK_MODEL" in found.advice
