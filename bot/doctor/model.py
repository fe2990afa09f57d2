"""The model: does it answer, and stream; what does its server report; is its prompt cache at work; does it see."""

import asyncio
from urllib.parse import urlsplit

from bot import errors
from bot.doctor.asking import THRIFTY, Answer, advice, ask
from bot.doctor.report import Finding, cross, fine, note
from bot.doctor.samples import LONG_TEXT, red_picture
from bot.llm.interface import Message, Models
from bot.settings import Settings

PATIENCE_S = 60.0
"""The longest wait for a word, where MODEL_TIMEOUT is not shorter."""
CACHE_PAUSE_S = 1.0
"""Some servers write a prompt to their cache only after it was answered."""
QUESTION = (Message("user", "Say yes, in one word."),)
COLOUR = "Which colour is this picture? Answer with one English word."
PASSING = (errors.RateLimited, errors.ContentRefused)
"""Failures of one request, which say nothing about the next."""


async def check(settings: Settings, models: Models) -> list[Finding]:
    """The main model, its cache and whoever sees. Of a model that does not answer nothing more is asked."""
    limit = patience(settings)
    answer = await ask(models.of(settings.openai_model), QUESTION, limit)
    first = _answered(settings, answer)
    if answer.error is not None:
        return [first]
    usage = _usage(answer)
    cache, sight = await asyncio.gather(_cache(settings, models, limit), _sight(settings, models, limit))
    return [first, usage, *([cache] if answer.usage else []), sight]


def patience(settings: Settings) -> float:
    """How long an answer of the model's server is waited for, in seconds."""
    return min(PATIENCE_S, settings.model_timeout)


def _answered(settings: Settings, answer: Answer) -> Finding:
    name = f"{settings.openai_model} at {urlsplit(settings.model_url).hostname}"
    if answer.unstreamed:
        return cross("Model", f"{name} does not stream: {answer.error}", advice(answer))
    if isinstance(answer.error, PASSING):
        return note("Model", f"{name} gave no answer this time: {answer.error}", advice(answer))
    if answer.error is not None:
        return cross("Model", f"{name}: {_kind(answer.error)} ({answer.error})", advice(answer))
    if not answer.text.strip():
        return note("Model", f"{name} answers and streams, but said nothing", "Try again; then try another model.")
    return fine("Model", f"{name} answers and streams")


def _kind(error: errors.ModelError) -> str:
    """The failure in words for whoever runs the bot."""
    kinds: dict[type[errors.ModelError], str] = {
        errors.WrongKey: "the server refuses the key",
        errors.NoPermission: "there is no such model, or the key may not use it",
        errors.NoCredit: "the account is out of credit",
        errors.ServerTrouble: "the server can't be reached, or is in trouble",
        errors.NoAnswerInTime: "the server does not answer in time",
        errors.StreamCut: "the answer broke off",
    }
    return next((text for kind, text in kinds.items() if isinstance(error, kind)), "the server refuses the request")


def _usage(answer: Answer) -> Finding:
    if answer.usage is not None:
        return fine("Usage", "the server reports what answers cost")
    return note(
        "Usage",
        "the server does not report what answers cost",
        "The bot then estimates tokens. If the server has a switch for usage in streams (stream_options), turn it on.",
    )


async def _cache(settings: Settings, models: Models, limit: float) -> Finding:
    model = models.of(settings.openai_model)
    explicit = models.cache(settings.openai_model).explicit
    mark = settings.cache_markers == "on" or (settings.cache_markers == "auto" and explicit)
    head = Message("system", LONG_TEXT, mark=mark)
    first = await ask(model, (head, Message("user", "Say one, in one word.")), limit, THRIFTY)
    await asyncio.sleep(CACHE_PAUSE_S)
    second = await ask(model, (head, Message("user", "Say two, in one word.")), limit, THRIFTY)
    failed = next((answer for answer in (first, second) if answer.error), None)
    if failed is not None:
        return note("Prompt cache", f"could not be tried: {failed.error}", advice(failed))
    if second.usage is None or not second.usage.cached:
        return note(
            "Prompt cache",
            "the server reports no cached tokens where it saw the same beginning twice",
            "Answers are as good, but cost more. If it has no cache, say so with CACHED_PRICE=1; a server of your own "
            "may have a switch (vLLM: --enable-prompt-tokens-details).",
        )
    return fine("Prompt cache", f"{second.usage.cached} of {second.usage.input} tokens came from it the second time")


async def _sight(settings: Settings, models: Models, limit: float) -> Finding:
    """Show a picture to the model that the bot would show one to."""
    main = models.of(settings.openai_model)
    name = settings.vision_model or (main.name if main.senses.sees else models.vision_model)
    model = models.of(name) if name else main
    if not model.senses.sees:
        return _blind(settings, model.name)
    picture = Message("user", COLOUR, parts=(red_picture(), COLOUR))
    answer = await ask(model, (picture,), limit, THRIFTY)
    if isinstance(answer.error, errors.CannotSee):
        return _blind(settings, model.name)
    if answer.error is not None:
        return note("Pictures", f"{model.name} was shown one and failed: {answer.error}", advice(answer))
    if "red" not in answer.text.lower():
        said = answer.text.strip() or "nothing"
        return note("Pictures", f"{model.name} was shown a red one and said: {said:.80}", "It may not see: " + _hint())
    return fine("Pictures", f"{model.name} sees")


def _blind(settings: Settings, name: str) -> Finding:
    if settings.vision_model:
        return note("Pictures", f"{name} does not see", "VISION_MODEL has to name one that does, on the same server.")
    return note("Pictures", f"{name} does not see", _hint())


def _hint() -> str:
    return "VISION_MODEL names one on the same server that answers while there is a picture in view."
