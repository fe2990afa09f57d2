"""Wiring of the conversation engine, the part that knows neither Telegram nor openai."""

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass

from bot.conversation.attempts import AnswerAttempts
from bot.conversation.cache_markers import CacheMarkerPolicy
from bot.conversation.compaction import Compactor, WindowCompactor
from bot.conversation.content_filter import ContentFilterRecovery
from bot.conversation.embedding import EmbeddingIndex
from bot.conversation.eraser import Eraser
from bot.conversation.forgetting import Forgetting
from bot.conversation.index_keys import HistoryReader
from bot.conversation.indexing import Indexer, IndexRepair
from bot.conversation.maintenance import Maintenance
from bot.conversation.media_attempts import MediaAttempts
from bot.conversation.memory import MemoryEditor
from bot.conversation.model_selector import ModelSelector
from bot.conversation.prompt import RECALL, REMEMBER
from bot.conversation.prompt_builder import PromptBuilder
from bot.conversation.recall import Recall
from bot.conversation.recorder import TurnEditor, TurnRecorder
from bot.conversation.refusal_search import RefusalSearch
from bot.conversation.retention import Retention
from bot.conversation.side_requests import SideRequests, TitleWriter
from bot.conversation.speaker_prefix import SpeakerPrefix
from bot.conversation.summaries import Summaries
from bot.conversation.thresholds import MemoryMode, WindowPolicy
from bot.conversation.tokens import TokenCounter
from bot.conversation.tools import Toolbox
from bot.conversation.turn import Conversation
from bot.conversation.usage_recorder import PromptGrowthMonitor, UsageRecorder
from bot.conversation.window import WindowReader
from bot.conversation.window_fitter import WindowFitter
from bot.conversation.window_probe import WindowProbe
from bot.errors import SettingError
from bot.llm.interface import Models, Tool
from bot.settings import Settings
from bot.wiring.foundation import Foundation

MOST_SYSTEM_SHARE = 0.25
"""The share of the model's window that a system prompt may take; more would leave too little for a conversation."""

DOCUMENT_SHARE, DOCUMENT_TOKENS = 0.25, 20_000
"""The limits on the documents of a turn: as a share of the model's window, and in tokens; the lower one applies."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The most tokens that some parts of a prompt may take."""

    persona_tokens: int
    """For a chat's own system prompt."""
    document_tokens: int
    """For the documents of a turn."""


@dataclass(frozen=True, slots=True)
class Engine:
    """The services that the handlers and the scheduler use."""

    conversation: Conversation
    recorder: TurnRecorder
    editor: TurnEditor
    selector: ModelSelector
    maintenance: Maintenance
    memory: MemoryEditor
    summaries: Summaries
    titles: TitleWriter
    forgetting: Forgetting
    eraser: Eraser
    retention: Retention
    recall: Recall
    indexer: Indexer
    usage: UsageRecorder
    limits: Limits


@dataclass(frozen=True, slots=True)
class WorkGuards:
    """They record work, to find out afterwards which killed the process."""

    compactor: Callable[[Compactor], WindowCompactor]
    reader: HistoryReader


def build_engine(base: Foundation, names: Collection[str], guards: WorkGuards | None = None) -> Engine:
    """Build it after `check_system_prompt` has passed; `names` are the bot's names in Telegram."""
    settings, storage, count_tokens, zone = base.settings, base.storage, base.count_tokens, base.settings.zone
    models, timeout = base.servers.models, settings.model_timeout
    selector = _selector(settings, models)
    policy = _policy(settings, selector)
    growth = PromptGrowthMonitor()
    usage = UsageRecorder(storage.usage, zone, time.time, growth, base.budget.money)
    windows = _windows(base, selector, policy)
    side_requests = SideRequests(storage.database, usage, base.budget, count_tokens, timeout)
    markers = CacheMarkerPolicy(storage.usage, settings.cache_markers, models.cache, time.time)
    refusals = RefusalSearch(storage, windows, side_requests)
    compactor = Compactor(storage.database, storage.memories, windows, side_requests, markers, refusals, time.time)
    indexer = Indexer(storage.chats, storage.history, storage.search, zone, guards.reader if guards else None)
    embedding = _embedding(base, usage, guards.reader if guards else None)
    probe = WindowProbe(storage.database, storage.usage, selector, usage, growth, count_tokens, timeout)
    maintenance = _maintenance(
        base, windows, guards.compactor(compactor) if guards else compactor, indexer, embedding, probe
    )
    recall = _recall(base, indexer, embedding, names)
    toolbox = Toolbox(
        storage.database, storage.chats, storage.memories, storage.history, windows, recall, count_tokens, time.time
    )
    prompts = PromptBuilder(storage.database, storage.media, windows, recall, markers, toolbox)
    attempts = MediaAttempts(prompts, windows, storage.database, storage.requests)
    fitter = WindowFitter(windows, maintenance, compactor)
    recovery = ContentFilterRecovery(storage, windows, prompts, attempts, refusals, fitter)
    answers = AnswerAttempts(storage.database, storage.transcript, windows, attempts, recovery, refusals, fitter)
    recorder = TurnRecorder(storage, zone, count_tokens, names, time.time)
    return Engine(
        conversation=Conversation(
            storage,
            attempts=answers,
            usage=usage,
            budget=base.budget,
            prefix=SpeakerPrefix(names),
            count_tokens=count_tokens,
            bound=timeout,
            voice_note=base.servers.converter.voice_note,
            clock=time.time,
        ),
        recorder=recorder,
        editor=TurnEditor(storage, recorder, indexer, time.time),
        selector=selector,
        maintenance=maintenance,
        memory=MemoryEditor(storage, windows, compactor, side_requests, zone, time.time),
        summaries=Summaries(storage.history, windows, side_requests, markers, refusals, zone),
        titles=TitleWriter(storage.chats, storage.history, side_requests, selector),
        forgetting=Forgetting(storage, windows, indexer, time.time),
        eraser=Eraser(storage.database, storage.chats, storage.deletions, indexer),
        retention=Retention(storage, indexer, windows.memory_tokens),
        recall=recall,
        indexer=indexer,
        usage=usage,
        limits=_limits(policy),
    )


def _windows(base: Foundation, selector: ModelSelector, policy: WindowPolicy) -> WindowReader:
    return WindowReader(
        storage=base.storage,
        policy=policy,
        selector=selector,
        system_prompt=base.settings.system_prompt,
        count_tokens=base.count_tokens,
        tools=_tools(base.settings),
        follows=base.settings.context_window is None,
        zone=base.settings.zone,
        hit=_hit(base.settings, base.servers.models),
    )


def _embedding(base: Foundation, usage: UsageRecorder, reader: HistoryReader | None) -> EmbeddingIndex | None:
    storage, embedder = base.storage, base.servers.embedder
    if embedder is None:
        return None
    tables = (storage.database, storage.history, storage.vectors)
    return EmbeddingIndex(*tables, embedder, base.settings.zone, time.monotonic, usage, reader)


def _maintenance(
    base: Foundation,
    windows: WindowReader,
    compactor: WindowCompactor,
    indexer: Indexer,
    embedding: EmbeddingIndex | None,
    probe: WindowProbe,
) -> Maintenance:
    storage = base.storage
    return Maintenance(
        database=storage.database,
        chats=storage.chats,
        memories=storage.memories,
        windows=windows,
        compactor=compactor,
        indexer=indexer,
        embedding=embedding,
        schedule=base.settings.compact_schedule,
        clock=time.time,
        index_repair=IndexRepair(indexer, time.monotonic),
        window_probe=probe,
    )


def _recall(base: Foundation, indexer: Indexer, embedding: EmbeddingIndex | None, names: Collection[str]) -> Recall:
    return Recall(
        chats=base.storage.chats,
        history=base.storage.history,
        search=base.storage.search,
        indexer=indexer,
        count_tokens=base.count_tokens,
        budget=base.settings.recall_tokens,
        zone=base.settings.zone,
        semantic=embedding,
        names=tuple(names),
    )


def _tools(settings: Settings) -> tuple[Tool, ...]:
    if settings.tools == "off":
        return ()
    return (RECALL, REMEMBER) if settings.recall_tokens else (REMEMBER,)


def _selector(settings: Settings, models: Models) -> ModelSelector:
    return ModelSelector(
        models,
        main=settings.openai_model,
        offered=frozenset(settings.models) | {settings.openai_model},
        vision=settings.vision_model,
        default_vision=models.vision_model,
    )


def _policy(settings: Settings, selector: ModelSelector) -> WindowPolicy:
    return WindowPolicy(
        context_window=settings.context_window or selector.smallest_window,
        mode=MemoryMode(settings.memory),
        compact_at=None if settings.compact_at == "auto" else float(settings.compact_at),
        keep_rounds=settings.keep_rounds,
        memory_tokens=settings.memory_tokens,
        cached_price=settings.cached_price,
        output_price=settings.output_price,
    )


def _hit(settings: Settings, models: Models) -> Callable[[str], float | None]:
    if "cached_price" in settings.model_fields_set:
        return lambda _: None
    return lambda name: models.cache(name).hit


def _limits(policy: WindowPolicy) -> Limits:
    document = min(DOCUMENT_SHARE * policy.context_window, DOCUMENT_TOKENS)
    return Limits(int(MOST_SYSTEM_SHARE * policy.context_window), int(document))


async def check_system_prompt(base: Foundation) -> None:
    """Raises SettingError if the system prompt is too long, even after the model servers were asked for the window."""
    try:
        check_prompt(base.settings, base.servers.models, base.count_tokens)
    except SettingError:
        await base.servers.models.ready()
        check_prompt(base.settings, base.servers.models, base.count_tokens)


def check_prompt(settings: Settings, models: Models, count_tokens: TokenCounter) -> None:
    """Raises SettingError if the system prompt is too long for the model's window, as far as that is known by now."""
    policy = _policy(settings, _selector(settings, models))
    tokens, window = count_tokens(settings.system_prompt), policy.context_window
    if tokens > MOST_SYSTEM_SHARE * window:
        raise SettingError(f"SYSTEM_PROMPT: about {tokens} tokens are more than a quarter of CONTEXT_WINDOW ({window})")
