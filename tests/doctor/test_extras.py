"""What the bot can do without is never a cross."""

from contextlib import AsyncExitStack

import pytest

from bot.doctor import extras, model
from bot.doctor.report import Finding, Mark
from bot.llm import local
from bot.llm.fallback import WithFallback
from bot.services import open_services
from sandbox.model import Fail, Hang
from tests.doctor.conftest import World
from tests.llm.local_library import needs_library


async def _meaning(world: World, **variables: str) -> Finding:
    async with AsyncExitStack() as stack:
        settings = world.settings(**variables)
        return await extras.meaning(settings, open_services(settings, stack).embedder)


async def _voice(world: World, **variables: str) -> Finding:
    async with AsyncExitStack() as stack:
        settings = world.settings(**variables)
        services = open_services(settings, stack)
        model = services.models.of(settings.openai_model)
        return await extras.voice(settings, model, services.transcriber)


async def test_without_an_embedding_model_there_is_a_note(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    off = await _meaning(world, EMBEDDING_MODEL="off")
    assert (off.mark, off.found) == (Mark.NOTE, "EMBEDDING_MODEL is off: turns are found by their words alone")
    monkeypatch.setattr(local, "is_installed", lambda: False)
    missing = await _meaning(world, EMBEDDING_MODEL="")
    assert missing.mark is Mark.NOTE
    assert "the extra 'embeddings' is not installed" in missing.found


@needs_library
async def test_the_local_model_is_seen_to_work(world: World) -> None:
    found = await _meaning(world, EMBEDDING_MODEL="")
    assert (found.mark, found.found) == (
        Mark.FINE,
        "on this machine, multilingual-e5-small gives vectors of 384 numbers",
    )


async def test_an_embedding_model_that_answers_is_fine(world: World) -> None:
    found = await _meaning(world, EMBEDDING_MODEL="near")
    assert (found.mark, found.found) == (Mark.FINE, "near gives vectors of 384 numbers")


@pytest.mark.parametrize("behaviour", [Fail(404, "no such model"), Hang()])
async def test_an_embedding_model_that_fails_is_a_note(
    world: World, behaviour: Fail | Hang, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model, "PATIENCE_S", 0.5)
    world.model.embeddings.script(behaviour)
    found = await _meaning(world, EMBEDDING_MODEL="near")
    assert found.mark is Mark.NOTE
    assert found.advice


async def test_without_ears_there_is_a_note(world: World) -> None:
    assert (await _voice(world)).mark is Mark.NOTE


async def test_a_model_that_hears_needs_no_other(world: World) -> None:
    assert (await _voice(world, OPENAI_MODEL="qwen3-omni-flash")).mark is Mark.FINE


async def test_a_transcription_model_is_played_a_tone(world: World) -> None:
    world.model.transcriptions.script("")
    found = await _voice(world, TRANSCRIPTION_MODEL="ears")
    assert (found.mark, found.found) == (Mark.FINE, "ears writes it down")
    (asked,) = world.model.transcriptions.requests
    assert asked.sound.startswith(b"RIFF")


@pytest.mark.parametrize("behaviour", [Fail(404, "no such model"), Hang()])
async def test_a_transcription_model_that_fails_is_a_note(
    world: World, behaviour: Fail | Hang, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model, "PATIENCE_S", 0.5)
    world.model.transcriptions.script(behaviour)
    assert (await _voice(world, TRANSCRIPTION_MODEL="ears")).mark is Mark.NOTE


async def _instead(world: World, **variables: str) -> list[Finding]:
    async with AsyncExitStack() as stack:
        settings = world.settings(**variables)
        models = open_services(settings, stack).models
        return await extras.instead(settings, models.fallback if isinstance(models, WithFallback) else None)


async def test_a_fallback_is_asked_too_and_only_noted_when_it_fails(world: World) -> None:
    assert await _instead(world) == []
    [found] = await _instead(world, FALLBACK_MODEL="other")
    assert (found.mark, found.found) == (Mark.FINE, "other answers too")
    world.model.script(Fail(404, "no such model"))
    [found] = await _instead(world, FALLBACK_MODEL="other")
    assert found.mark is Mark.NOTE
    assert "FALLBACK_MODEL" in found.advice
