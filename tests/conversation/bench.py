"""A bench for compactions: a chat in a real database, a scripted model, and a clock that only moves by hand."""

import asyncio
import itertools
from zoneinfo import ZoneInfo

from bot.conversation.budget import Budget
from bot.conversation.cache_markers import CacheMarkerPolicy
from bot.conversation.compaction import Compactor
from bot.conversation.indexing import Indexer
from bot.conversation.maintenance import Maintenance
from bot.conversation.model_selector import ModelSelector
from bot.conversation.refusal_search import RefusalSearch
from bot.conversation.side_requests import SideRequests
from bot.conversation.thresholds import MemoryMode, WindowPolicy
from bot.conversation.tokens import estimate
from bot.conversation.usage_recorder import UsageRecorder
from bot.conversation.window import PromptWindow, WindowReader
from bot.conversation.window_fitter import WindowFitter
from bot.llm.interface import CacheProfile
from storage import Storage
from storage.records import Chat, ChatKey, NewReply, NewTurn
from tests.conversation.test_budget import never, no_price
from tests.scripted import OneModel, Script, ScriptedModel, says

ZONE = ZoneInfo("UTC")
NOTES = says("- Ann sails.")


class Clock:
    """A clock that only moves by hand."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


class Bench:
    """The maintenance of a chat in a real database, with a scripted model."""

    def __init__(self, storage: Storage, scripts: list[Script], schedule: str = "idle", **policy: object) -> None:
        self.storage = storage
        self.clock = Clock()
        self._messages = itertools.count()
        self.model = ScriptedModel(scripts)
        settings: dict[str, object] = {
            "context_window": 32768,
            "mode": MemoryMode.SUMMARY,
            "compact_at": None,
            "keep_rounds": 20,
            "memory_tokens": 800,
            "cached_price": 0.2,
            "output_price": 3.0,
        }
        choice = ModelSelector(OneModel(self.model), "m")
        self.windows = WindowReader(storage, WindowPolicy(**settings | policy), choice, "Be kind.", estimate)  # type: ignore[arg-type]
        usage_recorder = UsageRecorder(storage.usage, ZONE, self.clock)
        self.budget = Budget(storage.database, storage.usage, {}, no_price, never, ZONE, self.clock)
        self.calls = SideRequests(storage.database, usage_recorder, self.budget, estimate, 5.0)
        marking = CacheMarkerPolicy(
            storage.usage, "off", lambda _: CacheProfile(explicit=False, minimum=1024, lifetime_s=300), self.clock
        )
        refusals = RefusalSearch(storage, self.windows, self.calls)
        self.compactor = Compactor(
            storage.database, storage.memories, self.windows, self.calls, marking, refusals, self.clock
        )
        self.indexer = Indexer(storage.chats, storage.history, storage.search, ZONE)
        self.upkeep = Maintenance(
            storage.database,
            storage.chats,
            storage.memories,
            self.windows,
            self.compactor,
            self.indexer,
            None,
            schedule,
            self.clock,
        )
        self.fitter = WindowFitter(self.windows, self.upkeep, self.compactor)

    async def chat(self) -> Chat:
        async with self.storage.transaction() as tx:
            return await self.storage.chats.ensure(tx, ChatKey(1), private=True, now=0.0)

    async def talk(self, rounds: int, tokens: int = 75, content: str = "words") -> None:
        chat = await self.chat()
        for number in itertools.islice(self._messages, rounds):
            async with self.storage.transaction() as tx:
                said = NewTurn(content, "\n", tokens - tokens // 2, number, 5)
                await self.storage.transcript.append(tx, chat.id, [said], self.clock())
                reply = await self.storage.transcript.begin_reply(tx, chat.id, self.clock(), reply_to=number)
                await self.storage.transcript.finish_reply(tx, chat.id, reply, NewReply("yes", tokens // 2), None)

    async def look(self) -> int:
        """Look after the chat until nothing is under way; returns how many compactions were asked for."""
        before = len(self.model.requests)
        await self.upkeep.look_after((await self.chat()).id)
        await asyncio.gather(*self.upkeep._running.values(), return_exceptions=True)
        await asyncio.sleep(0)
        return len(self.model.requests) - before

    async def view(self) -> PromptWindow:
        return await self.windows.view((await self.chat()).id)

    async def rounds(self) -> int:
        return len((await self.view()).starts)

    async def ask(self, tokens: int = 75, content: str = "words") -> None:
        """A message that waits for its answer."""
        chat = await self.chat()
        async with self.storage.transaction() as tx:
            said = NewTurn(content, "\n", tokens, next(self._messages), 5)
            await self.storage.transcript.append(tx, chat.id, [said], self.clock())
