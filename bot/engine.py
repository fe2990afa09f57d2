"""The conversation engine, put together: the part of the composition root that knows neither Telegram nor openai."""

import time
from dataclasses import dataclass

from bot.conversation.cleaning import Cleaning
from bot.conversation.compaction import Compactor
from bot.conversation.embedding import Embedding
from bot.conversation.forgetting import Forgetting
from bot.conversation.indexing import Indexer
from bot.conversation.ledger import Ledger
from bot.conversation.marking import Marking
from bot.conversation.marks import Policy, Way
from bot.conversation.notes import Notes
from bot.conversation.recall import Recall
from bot.conversation.request import Requests
from bot.conversation.room import Room
from bot.conversation.sidecalls import SideCalls
from bot.conversation.summaries import Summaries
from bot.conversation.tokens import TokenCounter
from bot.conversation.turn import Conversation
from bot.conversation.upkeep import Upkeep
from bot.conversation.windows import Windows
from bot.errors import SettingError
from bot.llm.interface import ChatModel, Embedder
from bot.llm.profiles import cache_of, context_window
from bot.settings import Settings
from storage import Storage

MOST_SYSTEM_SHARE = 0.25
"""A system prompt that takes more than this share of the model's window leaves too little for a conversation."""


@dataclass(frozen=True, slots=True)
class Engine:
    """What handlers and jobs are given."""

    conversation: Conversation
    upkeep: Upkeep
    notes: Notes
    summaries: Summaries
    forgetting: Forgetting
    cleaning: Cleaning
    recall: Recall
    indexer: Indexer


def build(
    settings: Settings, storage: Storage, model: ChatModel, embedder: Embedder | None, count_tokens: TokenCounter
) -> Engine:
    """Put the engine together. Raises SettingError when the system prompt does not fit the model's window."""
    policy = _policy(settings)
    _check_system_prompt(settings, policy, count_tokens)
    ledger = Ledger(storage, model.name, settings.zone, time.time)
    windows = Windows(storage, policy, model.name, settings.system_prompt, count_tokens)
    side_calls = SideCalls(storage, model, ledger, count_tokens, settings.model_timeout)
    marking = Marking(storage, settings.cache_markers, cache_of(settings.openai_base_url), time.time)
    compactor = Compactor(storage, windows, side_calls, marking, time.time)
    indexer = Indexer(storage, settings.zone)
    embedding = Embedding(storage, embedder, settings.zone, time.monotonic) if embedder else None
    upkeep = Upkeep(storage, windows, compactor, indexer, embedding, settings.compact_schedule, time.time)
    recall = Recall(storage, count_tokens, settings.recall_tokens, settings.zone, embedding)
    conversation = Conversation(
        storage=storage,
        model=model,
        requests=Requests(windows, recall, marking),
        room=Room(upkeep),
        ledger=ledger,
        zone=settings.zone,
        count_tokens=count_tokens,
        bound=settings.model_timeout,
        clock=time.time,
    )
    return Engine(
        conversation=conversation,
        upkeep=upkeep,
        notes=Notes(storage, compactor, settings.zone, time.time),
        summaries=Summaries(storage, windows, side_calls, marking, settings.zone, time.time),
        forgetting=Forgetting(storage, recall, indexer, windows, time.time),
        cleaning=Cleaning(storage, indexer),
        recall=recall,
        indexer=indexer,
    )


def _policy(settings: Settings) -> Policy:
    return Policy(
        context_window=settings.context_window or context_window(settings.openai_model),
        way=Way(settings.memory),
        compact_at=None if settings.compact_at == "auto" else float(settings.compact_at),
        keep_rounds=settings.keep_rounds,
        memory_tokens=settings.memory_tokens,
        cached_price=settings.cached_price,
        output_price=settings.output_price,
    )


def _check_system_prompt(settings: Settings, policy: Policy, count_tokens: TokenCounter) -> None:
    tokens = count_tokens(settings.system_prompt)
    if tokens > MOST_SYSTEM_SHARE * policy.context_window:
        raise SettingError(
            f"SYSTEM_PROMPT: about {tokens} tokens are more than a quarter of CONTEXT_WINDOW ({policy.context_window})"
        )
