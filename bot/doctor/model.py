"""The main model, one question after the other: a server of one's own answers no two at a time."""

import asyncio
from functools import partial

from bot.conversation.tokens import TokenCounter
from bot.doctor import answering, cache, senses, tools, window
from bot.doctor.guard import Check, guarded
from bot.doctor.report import Finding
from bot.llm.interface import Models
from bot.llm.profiles import Profiles
from bot.settings import Settings

REST_S = 180.0
"""For all that is asked after the first answer."""


async def check(
    settings: Settings, models: Models, count_tokens: TokenCounter, profiles: Profiles | None = None
) -> list[Finding]:
    """Does it answer; what does its server report; what can it do. Without an answer nothing more is asked."""
    first, answer = await answering.check(settings, models)
    if answer.error is not None:
        return [first]
    main = models.of(settings.openai_model)
    rest: dict[str, Check] = {
        "Usage": partial(window.check, settings, models, count_tokens, profiles),
        "Prompt cache": partial(cache.check, settings, models),
        "Tools": partial(tools.check, settings, models),
        "Pictures": partial(senses.pictures, settings, models),
        **({"Voice": partial(senses.voice, settings, main, None)} if main.senses.hears else {}),
    }
    found, clock = [first], asyncio.get_running_loop().time
    until = clock() + REST_S
    for what, ask in rest.items():
        found += await guarded(what, ask, max(until - clock(), 0.0))
    return found
