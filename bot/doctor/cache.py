"""The server's prompt cache, which most of what a conversation costs depends on."""

import asyncio

from bot.doctor import advice
from bot.doctor.asking import ask, patience
from bot.doctor.report import Finding, fine, note
from bot.doctor.samples import LONG_TEXT
from bot.llm.interface import Message, Models
from bot.settings import Settings

PAUSE_S = 1.0
"""Some servers write a prompt to their cache only after it was answered."""
WHAT = "Prompt cache"


async def check(settings: Settings, models: Models) -> Finding:
    """Send the same long beginning twice, marked as the bot would mark it."""
    model, limit = models.of(settings.openai_model), patience(settings)
    mark = settings.cache_markers == "on" or (
        settings.cache_markers == "auto" and models.cache(settings.openai_model).explicit
    )
    head = Message("system", LONG_TEXT, mark=mark)
    for number in ("one", "two"):
        answer = await ask(model, (head, Message("user", f"Say {number}, in one word.")), limit)
        if answer.error is not None:
            what_to_do = advice.what_to_do(answer.error, advice.main(settings))
            return note(WHAT, f"could not be tested: {advice.told(answer.error)}", what_to_do)
        if number == "one":
            await asyncio.sleep(PAUSE_S)
    if answer.usage is None:
        return note(WHAT, "the server reports no tokens, so there is no telling whether it has one")
    if not answer.usage.cached:
        return note(
            WHAT,
            "the server reports no cached tokens for a prompt it saw twice",
            "Answers are just as good, but cost more. If it has no cache, set CACHED_PRICE=1. Your own server may have "
            "a switch for it (vLLM: --enable-prompt-tokens-details).",
        )
    return fine(WHAT, f"{answer.usage.cached:,} of {answer.usage.input:,} tokens came from it on the second request")
