"""The main model's first word: without it there is nothing else to ask."""

from urllib.parse import urlsplit

from bot import errors
from bot.doctor import advice
from bot.doctor.asking import QUESTION, Answer, ask, patience
from bot.doctor.report import Finding, cross, fine, note
from bot.llm.interface import DEFAULT, Models
from bot.settings import Settings

PASSING = (errors.RateLimited, errors.ContentRefused)
"""Failures of one request, which say nothing about the next."""


async def check(settings: Settings, models: Models) -> tuple[Finding, Answer]:
    """Asked as the bot asks by itself: with thoughts, where the model has them."""
    answer = await ask(models.of(settings.openai_model), QUESTION, patience(settings), DEFAULT)
    return _judged(settings, answer), answer


def _judged(settings: Settings, answer: Answer) -> Finding:
    name, variables = f"{settings.openai_model} at {urlsplit(settings.model_url).hostname}", advice.main(settings)
    if answer.error is None:
        if answer.text.strip():
            return fine("Model", f"{name} answers and streams")
        return note("Model", f"{name} answers and streams, but said nothing", "Try again, or try another model.")
    if answer.unstreamed:
        what = f"{name} does not stream: {answer.error}"
        return cross("Model", what, advice.filled(advice.NO_STREAM, variables))
    what_to_do = advice.what_to_do(answer.error, variables)
    if isinstance(answer.error, PASSING):
        return note("Model", f"{name} gave no answer this time: {advice.told(answer.error)}", what_to_do)
    return cross("Model", f"{name}: {advice.told(answer.error)}", what_to_do)
