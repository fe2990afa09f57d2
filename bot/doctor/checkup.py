"""Runs all checks concurrently, and writes their findings in a fixed order as soon as possible."""

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from functools import partial
from urllib.parse import urlsplit

from bot.conversation.tokens import TokenCounter, make_counter
from bot.doctor import environment, extras, main_model, media_checks, telegram_checks
from bot.doctor.model_requests import Bill, BilledModel, BilledModels, announcement, patience
from bot.doctor.report import Check, Finding, Severity, guarded, note, summary
from bot.llm.fallback import WithFallback
from bot.logs import SecretFilter
from bot.settings import Settings, setting_mistakes
from bot.wiring.conversation import check_prompt
from bot.wiring.limits import amounts, prices
from bot.wiring.servers import Servers, connect_servers

FAILED = 1
BOUND_S = 300.0
"""The time limit for each check; each request has its own, shorter limit."""


async def check_up(settings: Settings, write: Callable[[str], object]) -> int:
    """Check everything; returns the exit code, which is 1 if something stops answers. Raises SettingError."""
    hide = SecretFilter(settings.secrets).hide
    found: list[Finding] = []

    def tell(finding: Finding) -> None:
        found.append(finding)
        write(finding.text(hide) + "\n")

    async with AsyncExitStack() as stack:
        servers = await connect_servers(_patient(settings), stack)
        count_tokens = await asyncio.to_thread(make_counter, settings.openai_model)
        check_prompt(settings, servers.models, count_tokens)
        priced = prices(settings, servers.profiles, servers.models)
        amounts(settings, priced)
        host = urlsplit(settings.model_url).hostname
        for mistake in setting_mistakes():
            tell(note("Settings", mistake.text))
        write(announcement(f"{settings.openai_model} at {host}", priced.of(settings.openai_model)))
        bill = Bill(count_tokens, priced.of)
        checks = _checks(settings, servers, count_tokens, bill)
        tasks = [asyncio.create_task(guarded(what, check, BOUND_S)) for what, check in checks]
        stack.push_async_callback(_end, tasks)
        for task in tasks:
            for finding in await task:
                tell(finding)
        if bill.used or bill.refused:
            tell(bill.filter())
        if bill.requests:
            tell(bill.finding())
    write(f"\n{summary(found)}\n")
    return FAILED if any(finding.mark is Severity.CROSS for finding in found) else 0


async def _end(tasks: Sequence[asyncio.Task[list[Finding]]]) -> None:
    """Cancel the checks before their connections are closed: the reader of the findings may have left early."""
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)


def _patient(settings: Settings) -> Settings:
    return settings.model_copy(update={"model_timeout": patience(settings)})


def _checks(settings: Settings, servers: Servers, count_tokens: TokenCounter, bill: Bill) -> list[tuple[str, Check]]:
    urls = (settings.telegram_api_url, settings.model_url)
    both = servers.models
    models = BilledModels(both.first if isinstance(both, WithFallback) else both, bill)  # without its fallback
    fallbacks = [BilledModel(model, bill) for model in both.fallbacks] if isinstance(both, WithFallback) else []
    main = models.of(settings.openai_model)
    voice = partial(media_checks.voice, settings, main, servers.transcriber, bill)
    return [
        ("Telegram", partial(telegram_checks.check_telegram, settings)),
        ("Model", partial(main_model.check_main_model, settings, models, count_tokens, servers.profiles)),
        *([] if main.capabilities.hears else [("Voice", voice)]),
        *(("Fallback", partial(extras.check_fallback, settings, model)) for model in fallbacks),
        ("Embeddings", partial(extras.check_embeddings, settings, servers.embedder, bill)),
        ("Database", partial(environment.check_database, settings)),
        *([("Backups", partial(environment.check_backups, settings))] if settings.backup_dir else []),
        ("Access", partial(environment.check_access, settings)),
        ("Clock", partial(environment.check_clock, urls, time.time)),
    ]
