"""The conversation engine, put together: the part of the composition root that knows neither Telegram nor openai."""

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass

from bot.conversation.answer import MediaAttempts
from bot.conversation.attempts import AnswerAttempts
from bot.conversation.budget import Budget
from bot.conversation.cache_markers import CacheMarkerPolicy
from bot.conversation.compaction import Compactor
from bot.conversation.content_filter import ContentFilterRecovery
from bot.conversation.embedding import EmbeddingIndex
from bot.conversation.forgetting import Eraser, Forgetting
from bot.conversation.generation import SpeakerPrefix
from bot.conversation.indexing import Indexer, IndexRepair
from bot.conversation.maintenance import Maintenance, Retention
from bot.conversation.memory import MemoryEditor
from bot.conversation.model_selector import ModelSelector
from bot.conversation.prompt import RECALL, REMEMBER
from bot.conversation.prompt_builder import PromptBuilder
from bot.conversation.recall import Recall
from bot.conversation.recorder import TurnEditor, TurnRecorder
from bot.conversation.refusal_search import RefusalSearch
from bot.conversation.side_requests import SideRequests, TitleWriter
from bot.conversation.summaries import Summaries
from bot.conversation.thresholds import MemoryMode, WindowPolicy
from bot.conversation.tokens import TokenCounter
from bot.conversation.tools import Toolbox
from bot.conversation.turn import Conversation, VoiceNote
from bot.conversation.usage_recorder import UsageRecorder
from bot.conversation.window import WindowReader
from bot.conversation.window_fitter import WindowFitter
from bot.conversation.window_probe import WindowProbe
from bot.errors import SettingError
from bot.llm.interface import Embedder, Models, Tool
from bot.settings import Settings
from storage import Storage

MOST_SYSTEM_SHARE = 0.25
"""A system prompt that takes more than this share of the model's window leaves too little for a conversation."""

DOCUMENT_SHARE, DOCUMENT_TOKENS = 0.25, 20_000
"""The documents of a turn may take this share of the model's window, and this many tokens at most."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of one thing there may be in a prompt."""

    persona_tokens: int
    """Of a chat's own system prompt."""
    document_tokens: int
    """Of the documents of a turn."""


@dataclass(frozen=True, slots=True)
class Engine:
    """What handlers and jobs are given."""

    conversation: Conversation
    hearing: TurnRecorder
    editing: TurnEditor
    choice: ModelSelector
    upkeep: Maintenance
    notes: MemoryEditor
    summaries: Summaries
    titles: TitleWriter
    forgetting: Forgetting
    erasing: Eraser
    cleaning: Retention
    recall: Recall
    indexer: Indexer
    limits: Limits


def build(
    settings: Settings,
    storage: Storage,
    models: Models,
    embedder: Embedder | None,
    count_tokens: TokenCounter,
    names: Collection[str],
    voice_note: VoiceNote,
    budget: Budget,
) -> Engine:
    """Put the engine together, of settings that `check` has passed; `names` are the bot's own in Telegram."""
    choice = _choice(settings, models)
    policy = _policy(settings, choice)
    ledger = UsageRecorder(storage, settings.zone, time.time)
    tools, follows = _tools(settings), settings.context_window is None
    system, hit, schedule = settings.system_prompt, _hit(settings, models), settings.compact_schedule
    windows = WindowReader(storage, policy, choice, system, count_tokens, tools, follows, settings.zone, hit)
    side_calls = SideRequests(storage, ledger, budget, count_tokens, settings.model_timeout)
    marking = CacheMarkerPolicy(storage, settings.cache_markers, models.cache, time.time)
    culprits = RefusalSearch(windows, side_calls)
    compactor = Compactor(storage, windows, side_calls, marking, culprits, time.time)
    indexer = Indexer(storage, settings.zone)
    embedding = EmbeddingIndex(storage, embedder, settings.zone, time.monotonic, ledger) if embedder else None
    mending = IndexRepair(indexer, time.monotonic)
    measuring = WindowProbe(storage, choice, ledger, count_tokens, settings.model_timeout)
    upkeep = Maintenance(storage, windows, compactor, indexer, embedding, schedule, time.time, mending, measuring)
    recall = Recall(storage, count_tokens, settings.recall_tokens, settings.zone, embedding, tuple(names))
    toolbox = Toolbox(storage, windows, recall, count_tokens, time.time)
    requests = PromptBuilder(windows, recall, marking, toolbox)
    tries = MediaAttempts(requests)
    attempts = AnswerAttempts(tries, ContentFilterRecovery(tries, culprits, WindowFitter(upkeep)))
    heads, patience = SpeakerPrefix(names), settings.model_timeout
    conversation = Conversation(storage, attempts, ledger, budget, heads, count_tokens, patience, voice_note, time.time)
    hearing = TurnRecorder(storage, settings.zone, count_tokens, names, time.time)
    return Engine(
        conversation=conversation,
        hearing=hearing,
        editing=TurnEditor(storage, hearing, indexer, time.time),
        choice=choice,
        upkeep=upkeep,
        notes=MemoryEditor(storage, compactor, settings.zone, time.time),
        summaries=Summaries(storage, windows, side_calls, marking, culprits, settings.zone),
        titles=TitleWriter(storage, side_calls, choice),
        forgetting=Forgetting(storage, windows, time.time),
        erasing=Eraser(storage, indexer),
        cleaning=Retention(storage, indexer, windows.memory_tokens),
        recall=recall,
        indexer=indexer,
        limits=_limits(policy),
    )


def _tools(settings: Settings) -> tuple[Tool, ...]:
    if settings.tools == "off":
        return ()
    return (RECALL, REMEMBER) if settings.recall_tokens else (REMEMBER,)


def _choice(settings: Settings, models: Models) -> ModelSelector:
    return ModelSelector(
        models,
        main=settings.openai_model,
        offered=frozenset(settings.models) | {settings.openai_model},
        vision=settings.vision_model,
        default_vision=models.vision_model,
    )


def _policy(settings: Settings, choice: ModelSelector) -> WindowPolicy:
    return WindowPolicy(
        context_window=settings.context_window or choice.smallest_window,
        way=MemoryMode(settings.memory),
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


def check(settings: Settings, models: Models, count_tokens: TokenCounter) -> None:
    """Raises SettingError when the system prompt does not fit the model's window."""
    policy = _policy(settings, _choice(settings, models))
    tokens, window = count_tokens(settings.system_prompt), policy.context_window
    if tokens > MOST_SYSTEM_SHARE * window:
        raise SettingError(f"SYSTEM_PROMPT: about {tokens} tokens are more than a quarter of CONTEXT_WINDOW ({window})")
