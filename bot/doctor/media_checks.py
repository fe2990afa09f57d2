"""Checks whether models see pictures and understand voice messages: some servers accept both, but drop them.

The content is random, because a model that can't see or hear may guess.
"""

import asyncio
import re
import secrets
import struct
import zlib
from importlib import resources
from itertools import permutations

from bot import errors
from bot.doctor import advice
from bot.doctor.model_requests import Bill, ProbeAnswer, ask, patience
from bot.doctor.report import Finding, fine, note
from bot.llm.interface import ChatModel, Image, Message, Models, Sound, Transcriber
from bot.llm.stream_events import ExtraRequest
from bot.settings import Settings

LONG_TEXT = "\n".join(f"Line {number}: the quick brown fox jumps over the lazy dog." for number in range(1, 151))
"""Well over the 1,024 tokens that caches require, with any tokenizer."""
SIDE = 256
"""In pixels: Qwen refuses pictures of 10 pixels and less, and pads those below 32."""
COLOURS = {
    "red": b"\xe0\x10\x10",
    "green": b"\x10\xa0\x20",
    "blue": b"\x10\x20\xe0",
    "yellow": b"\xff\xe0\x00",
    "black": b"\x00\x00\x00",
    "white": b"\xff\xff\xff",
}
DIGITS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
"""Each was spoken by a text-to-speech program, and is in ``spoken`` as an MP3."""
_DIGIT = re.compile(rf"\b(?:{'|'.join(DIGITS)})\b|[1-9]")
_COLOUR = re.compile(rf"\b(?:{'|'.join(COLOURS)})\b")
COLOUR_QUESTION = "Which two colours has this picture, on its left and on its right? Answer with two English words."
DIGIT_QUESTION = "Which two digits does the voice say? Answer with two English words."
LEAST_TOKENS = 60
"""The question takes about thirty tokens, including a server's template; a picture takes at least sixty more."""
UNHEARD = "Until then, voice messages have to wait. "


def two_colours() -> tuple[str, str]:
    return secrets.choice(list(permutations(COLOURS, 2)))


def two_digits() -> tuple[str, str]:
    return secrets.choice(list(permutations(DIGITS, 2)))


def picture(left: str, right: str) -> Image:
    """A square PNG in two colours."""
    header = struct.pack(">IIBBBBB", SIDE, SIDE, 8, 2, 0, 0, 0)
    row = b"\x00" + COLOURS[left] * (SIDE // 2) + COLOURS[right] * (SIDE // 2)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(row * SIDE)), (b"IEND", b""))
    return Image("image/png", b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in chunks))


def speech(first: str, second: str) -> Sound:
    """A voice that says two digits, 1.5 seconds long."""
    spoken = resources.files(__package__) / "spoken"
    return Sound("mp3", b"".join((spoken / f"{digit}.mp3").read_bytes() for digit in (first, second)))


def colours_in(text: str) -> list[str]:
    """The colours that a text mentions, each once, in order."""
    return list(dict.fromkeys(_COLOUR.findall(text.lower())))


def digits_in(text: str) -> list[str]:
    """The digits that a text mentions, as words or numerals, in order."""
    found = _DIGIT.findall(text.lower())
    return [DIGITS[int(digit) - 1] if digit.isdecimal() else digit for digit in found]


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


async def pictures(settings: Settings, models: Models) -> Finding:
    """Show a picture to the model that would get the users' pictures."""
    main = models.of(settings.openai_model)
    name = settings.vision_model or (main.name if main.capabilities.sees else models.vision_model)
    model = models.of(name) if name else main
    if not model.capabilities.sees:
        return _blind(settings, model.name)
    left, right = two_colours()
    shown = Message("user", COLOUR_QUESTION, parts=(picture(left, right), COLOUR_QUESTION))
    answer = await ask(model, (shown,), patience(settings))
    if isinstance(answer.error, errors.CannotSee):
        return _blind(settings, model.name)
    if answer.error is not None:
        what_to_do = advice.what_to_do(answer.error, advice.main(settings))
        return note(
            "Pictures", f"{model.name} was shown a picture and failed: {advice.explain(answer.error)}", what_to_do
        )
    return _seen(model.name, left, right, answer)


def _seen(name: str, left: str, right: str, answer: ProbeAnswer) -> Finding:
    if colours_in(answer.text) == [left, right]:
        return fine("Pictures", f"{name} can see: it named both colours of a picture")
    if answer.usage is not None and answer.usage.input < LEAST_TOKENS and not answer.usage.image:
        what = (
            f"{name}'s server accepts pictures but drops them: it read only {answer.usage.input} tokens with a picture"
        )
        return note("Pictures", what, _hint())
    said = f"{name} was shown {left} next to {right}, and said: {answer.said}"
    if set(colours_in(answer.text)) == {left, right}:
        return note("Pictures", said, "It can see, but mixes up left and right.")
    return note("Pictures", said, "It may not be able to see, and its server may silently drop pictures. " + _hint())


def _blind(settings: Settings, name: str) -> Finding:
    if settings.vision_model:
        return note(
            "Pictures", f"{name} can't see pictures", "Set VISION_MODEL to a model on the same server that can."
        )
    return note("Pictures", f"{name} can't see pictures", _hint())


def _hint() -> str:
    return "Set VISION_MODEL to a model on the same server that answers while a picture is in view."


async def voice(
    settings: Settings, model: ChatModel, transcriber: Transcriber | None, bill: Bill | None = None
) -> Finding:
    """Play a voice message to the model that would get the users': the main model, or the transcriber."""
    if model.capabilities.hears:
        return await _heard(settings, model)
    if transcriber is None:
        return note(
            "Voice",
            f"{settings.openai_model} is not known to understand audio, and TRANSCRIPTION_MODEL is not set",
            "Set TRANSCRIPTION_MODEL to a model that transcribes voice messages.",
        )
    return await _transcribed(settings, transcriber, bill)


async def _heard(settings: Settings, model: ChatModel) -> Finding:
    said = two_digits()
    played = Message("user", DIGIT_QUESTION, parts=(speech(*said), DIGIT_QUESTION))
    answer = await ask(model, (played,), patience(settings))
    if isinstance(answer.error, errors.CannotHear):
        hint = "Set TRANSCRIPTION_MODEL to a model that transcribes voice messages."
        return note("Voice", f"{model.name} rejects audio: {answer.error}", hint)
    if answer.error is not None:
        what_to_do = advice.what_to_do(answer.error, advice.main(settings))
        return note(
            "Voice", f"{model.name} was played a voice message and failed: {advice.explain(answer.error)}", what_to_do
        )
    if any(digit in digits_in(answer.text) for digit in said):
        return fine("Voice", f"{model.name} can hear: it understood a voice message")
    what = f"{model.name} was played a voice that says {' '.join(said)}, and said: {answer.said}"
    hint = "It may not be able to hear, and its server may silently drop audio. Set hears = false for it in the "
    return note("Voice", what, f"{hint}MODEL_PROFILES file, and TRANSCRIPTION_MODEL to a model that transcribes.")


async def _transcribed(settings: Settings, transcriber: Transcriber, bill: Bill | None) -> Finding:
    limit, name, said = patience(settings), transcriber.name, two_digits()
    took = list[ExtraRequest]()
    try:
        async with asyncio.timeout(limit):
            words = await transcriber.transcribe(speech(*said), took)
    except TimeoutError:
        error = errors.NoAnswerInTime(f"no answer within {limit:.0f} s")
        return note("Voice", f"{name}: {advice.explain(error)}", UNHEARD + _of_transcriber(error))
    except errors.ModelError as exc:
        return note("Voice", f"{name}: {advice.explain(exc)}", UNHEARD + _of_transcriber(exc))
    finally:
        if bill is not None:
            bill.add_extra(name, took)
    if any(digit in digits_in(words) for digit in said):
        return fine("Voice", f"{name} transcribes voice messages")
    what = (
        f"{name} was played a voice that says {' '.join(said)}, and wrote: {' '.join(words.split())[:80] or 'nothing'}"
    )
    return note(
        "Voice", what, "It may not understand English, or its server may drop audio: try another TRANSCRIPTION_MODEL."
    )


def _of_transcriber(error: errors.ModelError) -> str:
    return advice.what_to_do(error, advice.TRANSCRIPTION)
