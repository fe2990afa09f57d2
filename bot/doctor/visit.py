"""All checks side by side; each finding is written when it and those before it are there."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack

from bot import engine, purse
from bot.conversation.tokens import TokenCounter, counter
from bot.doctor import access, clock, database, extras, model, telegram, window
from bot.doctor.report import Finding, Mark, summary
from bot.llm.fallback import WithFallback
from bot.llm.interface import Models
from bot.logs import Hider
from bot.services import Services, ask_services
from bot.settings import Settings

FAILED = 1


async def visit(settings: Settings, write: Callable[[str], object]) -> int:
    """Check everything; returns the exit code: 1 when something stops answers. Raises SettingError."""
    hide = Hider(settings.secrets).hide
    found: list[Finding] = []
    async with AsyncExitStack() as stack:
        services = await ask_services(_patient(settings), stack)
        count_tokens = await asyncio.to_thread(counter, settings.openai_model)
        engine.check(settings, services.models, count_tokens)
        purse.amounts(settings, purse.prices(settings, services.profiles, services.models))
        tasks = [asyncio.create_task(_listed(one)) for one in _checks(settings, services, count_tokens)]
        stack.push_async_callback(_end, tasks)
        for task in tasks:
            found += (findings := await task)
            for finding in findings:
                write(finding.text(hide) + "\n")
    write(f"\n{summary(found)}\n")
    return FAILED if any(finding.mark is Mark.CROSS for finding in found) else 0


def _patient(settings: Settings) -> Settings:
    return settings.model_copy(update={"model_timeout": model.patience(settings)})


def _checks(
    settings: Settings, services: Services, count_tokens: TokenCounter
) -> list[Awaitable[Finding | list[Finding]]]:
    urls = (settings.telegram_api_url, settings.model_url)
    both = services.models
    models = both.first if isinstance(both, WithFallback) else both  # the main server must answer for itself
    fallbacks = both.fallbacks if isinstance(both, WithFallback) else []
    return [
        telegram.check(settings),
        _model(settings, models, count_tokens),
        *(extras.instead(settings, fallback) for fallback in fallbacks),
        extras.meaning(settings, services.embedder),
        extras.voice(settings, models.of(settings.openai_model), services.transcriber),
        database.check(settings),
        access.check(settings),
        clock.check(urls, time.time),
    ]


async def _model(settings: Settings, models: Models, count_tokens: TokenCounter) -> list[Finding]:
    found = await model.check(settings, models)
    if found[0].mark is Mark.CROSS:
        return found
    return [*found, *await window.check(settings, models, count_tokens)]


async def _end(tasks: Sequence[asyncio.Task[list[Finding]]]) -> None:
    """Before what they work with is closed: whoever reads the findings may have gone before the last of them."""
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)


async def _listed(check: Awaitable[Finding | list[Finding]]) -> list[Finding]:
    found = await check
    return found if isinstance(found, list) else [found]
