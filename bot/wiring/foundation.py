"""Wiring of what both the conversation and the Telegram side need."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass

from bot.access.policy import AccessPolicy, AccessRules, Owners
from bot.conversation.budget import Budget
from bot.conversation.tokens import TokenCounter, make_counter
from bot.language import load
from bot.llm.learned_facts import LearnedFacts
from bot.settings import Settings
from bot.wiring.limits import Prices, open_budget, prices
from bot.wiring.persistence import access_rules
from bot.wiring.servers import Servers, connect_servers
from storage import Storage


class Caches:
    """What is kept in memory although another process may change it. SQLite has only one process.

    The others announce a change in the transaction that makes it (`Transaction.announce_change`).
    """

    def __init__(self, *reloads: Callable[[], Awaitable[None]]) -> None:
        self._reloads = reloads
        self._working = asyncio.Lock()

    async def reload_all(self) -> None:
        """Read all of it again: after a change was announced, and when announcements may have been missed.

        Raises StorageError.
        """
        async with self._working:  # an earlier one may have read before the change
            for reload in self._reloads:
                await reload()


@dataclass(frozen=True, slots=True)
class Foundation:
    """Settings, database and model servers, and what is built from these alone."""

    settings: Settings
    storage: Storage
    servers: Servers
    rules: AccessRules
    owners: Owners
    access: AccessPolicy
    prices: Prices
    budget: Budget
    count_tokens: TokenCounter
    caches: Caches


async def build_foundation(
    settings: Settings, storage: Storage, stack: AsyncExitStack, patience: float | None
) -> Foundation:
    """Build it, to be closed with the stack; for `patience` see `connect_servers`. Raises SettingError."""
    await asyncio.to_thread(load)  # OpenCC's dictionaries would block the event loop
    learned = await LearnedFacts.open(storage.database, storage.servers, time.time)
    stack.push_async_callback(learned.close)
    servers = await connect_servers(settings, stack, patience, learned)
    rules = access_rules(settings)
    owners, access = Owners(storage.access, rules), AccessPolicy(storage.access, rules)
    priced = prices(settings, servers.profiles, servers.models)
    budget = await open_budget(settings, storage, priced, owners.has)
    count_tokens = await asyncio.to_thread(make_counter, settings.openai_model)
    await access.load()
    caches = Caches(budget.load, access.load)
    return Foundation(settings, storage, servers, rules, owners, access, priced, budget, count_tokens, caches)
