"""What is made here is what it says it is.

Who sees and who hears is told by what only they can know.
"""

import io

import av
import PIL.Image
import pytest

from bot.doctor import media_checks, model_requests
from bot.doctor.media_checks import (
    COLOURS,
    DIGITS,
    SIDE,
    colours_in,
    digits_in,
    picture,
    speech,
    two_colours,
    two_digits,
)
from bot.doctor.model_requests import Bill
from bot.doctor.report import Finding, Severity
from bot.llm.profiles import ModelProfile
from bot.wiring.servers import RequestQueues, _transcriber
from sandbox.model import ChatRequest, Fail, Hang, Say
from sandbox.model.behaviour import Behaviour
from tests.doctor.conftest import World, look

SAID = ("seven", "three")
EARS = ModelProfile(hears=True)


def test_the_picture_has_its_colours() -> None:
    left, right = two_colours()
    made = picture(left, right)
    assert left != right
    assert look(made.data) == f"{left} and {right}"
    with PIL.Image.open(io.BytesIO(made.data)) as image:
        assert (image.format, image.size, len(COLOURS)) == ("PNG", (SIDE, SIDE), 6)


@pytest.mark.parametrize("digit", DIGITS)
def test_the_voice_is_heard(digit: str) -> None:
    with av.open(io.BytesIO(speech(digit, two_digits()[0]).data), "r") as sound:
        frames = [frame.to_ndarray() for frame in sound.decode(audio=0)]
    assert sum(frame.shape[1] for frame in frames) > 14_000
    assert max(abs(float(frame.max())) for frame in frames) > 0.1


def test_colours_and_digits_are_found_in_words() -> None:
    assert colours_in("**Red** (left), and blue. A reddish red.") == ["red", "blue"]
    assert digits_in("Seven; 3, and someone") == ["seven", "three"]


async def _pictures(world: World, **variables: str) -> Finding:
    settings = world.settings(**variables)
    async with world.models(settings) as models:
        return await media_checks.pictures(settings, models)


async def _voice(world: World, known: ModelProfile | None = None, **variables: str) -> Finding:
    world.monkeypatch.setattr(media_checks, "two_digits", lambda: SAID)
    settings = world.settings(**variables)
    transcriber = _transcriber(settings, RequestQueues(None, 5.0))
    async with world.models(settings, known) as models:
        try:
            return await media_checks.voice(settings, models.of(settings.openai_model), transcriber, Bill(len))
        finally:
            if transcriber is not None:
                await transcriber.close()


def _blind(asked: ChatRequest) -> Behaviour:
    return Fail(400, "this model does not support image input") if asked.messages[-1].images else Say("Yes.")


async def test_model_refusing_a_picture_is_a_note(world: World) -> None:
    world.model.answer_with(_blind)
    found = await _pictures(world)
    assert (found.mark, found.found) == (Severity.NOTE, "stand-in can't see pictures")
    assert "VISION_MODEL" in found.advice


async def test_model_known_as_blind_gets_no_picture(world: World) -> None:
    found = await _pictures(world, OPENAI_MODEL="qwen-plus")
    assert found.mark is Severity.NOTE
    assert not any(asked.messages[-1].images for asked in world.model.requests)


async def test_picture_goes_to_the_vision_model(world: World) -> None:
    found = await _pictures(world, OPENAI_MODEL="qwen-plus", VISION_MODEL="eyes")
    assert (found.mark, found.found) == (Severity.FINE, "eyes can see: it named both colours of a picture")
    assert [asked.model for asked in world.model.requests if asked.messages[-1].images] == ["eyes"]


async def test_model_not_seeing_accepted_picture_is_note(world: World) -> None:
    world.model.always(Say("I see no picture."))
    found = await _pictures(world)
    assert found.mark is Severity.NOTE
    assert "I see no picture." in found.found


async def test_a_vision_model_that_fails_is_a_note(world: World) -> None:
    world.model.answer_with(lambda asked: Fail(404, "no such model") if asked.model == "eyes" else Say("Yes."))
    found = await _pictures(world, VISION_MODEL="eyes")
    assert found.mark is Severity.NOTE
    assert "eyes" in found.found


async def test_vision_model_known_as_blind_is_note(world: World) -> None:
    found = await _pictures(world, VISION_MODEL="qwen-plus")
    assert (found.mark, found.found) == (Severity.NOTE, "qwen-plus can't see pictures")
    assert "to a model on the same server that can" in found.advice


async def test_left_and_right_are_told_apart(world: World) -> None:
    world.model.answer_with(lambda asked: Say(" ".join(reversed(look(asked.messages[-1].images[0]).split()))))
    assert "mixes up left and right" in (await _pictures(world)).advice


async def test_who_names_all_colours_has_guessed(world: World) -> None:
    world.model.always(Say("red, green, blue, yellow, black, white"))
    assert (await _pictures(world)).mark is Severity.NOTE


async def test_a_picture_that_costs_nothing_was_dropped(world: World) -> None:
    world.model.truncates_at = 30
    world.model.always(Say("What a nice picture!"))
    assert "drops them" in (await _pictures(world)).found


async def test_without_ears_there_is_a_note(world: World) -> None:
    assert (await _voice(world)).mark is Severity.NOTE


@pytest.mark.parametrize(
    ("behaviour", "mark", "told"),
    [
        (Say("Seven, three."), Severity.FINE, "can hear"),
        (Say("73"), Severity.FINE, "can hear"),
        (Say("I can't listen to recordings."), Severity.NOTE, "says seven three, and said: I can't"),
        (Fail(400, "this model does not support audio input"), Severity.NOTE, "rejects audio"),
        (Fail(500), Severity.NOTE, "has a problem"),
    ],
)
async def test_a_model_that_hears_is_played_a_voice(
    world: World, behaviour: Behaviour, mark: Severity, told: str
) -> None:
    world.model.always(behaviour)
    found = await _voice(world, EARS)
    assert (found.mark, told in found.found) == (mark, True), found
    assert all(asked.messages[-1].sounds for asked in world.model.requests)


@pytest.mark.parametrize(
    ("heard", "mark"), [("Seven. Three.", Severity.FINE), ("", Severity.NOTE), ("Thank you.", Severity.NOTE)]
)
async def test_a_transcription_model_is_played_a_voice(world: World, heard: str, mark: Severity) -> None:
    world.model.transcriptions.script(heard)
    assert (await _voice(world, TRANSCRIPTION_MODEL="ears")).mark is mark
    (asked,) = world.model.transcriptions.requests
    assert asked.name == "voice.mp3"


@pytest.mark.parametrize("behaviour", [Fail(404, "no such model"), Hang()])
async def test_a_transcription_model_that_fails_is_a_note(
    world: World, behaviour: Fail | Hang, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model_requests, "PATIENCE_S", 0.5)
    world.model.transcriptions.script(behaviour)
    found = await _voice(world, TRANSCRIPTION_MODEL="ears")
    assert (found.mark, "TRANSCRIPTION_" in found.advice) == (Severity.NOTE, True)
