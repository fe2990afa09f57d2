"""What the bot counts, in Prometheus's form. Each is observed where it happens; no label is a chat, a person or a word.

Labels have few values: models of the settings, kinds of errors, currencies. They are kept for the life of the process,
and GET /metrics shows them (``health``).
"""

import asyncio

from prometheus_client import Counter, Gauge, Histogram, disable_created_metrics

from bot.pricing import Amount
from storage.records import Usage

disable_created_metrics()  # type: ignore[no-untyped-call]

TURNS = Counter("keepsake_turns", "Questions that were answered", ["model"])
FIRST_TEXT = Histogram(
    "keepsake_first_text_seconds",
    "From the arrival of a message to the first text of its answer that its sender can see",
    buckets=(0.5, 1, 2, 3, 5, 8, 13, 20, 30, 60, 120, 300),
)
ANSWERED = Histogram(
    "keepsake_answer_seconds",
    "From the arrival of a message to the end of its answer's delivery",
    buckets=(1, 2, 3, 5, 8, 13, 20, 30, 60, 120, 300, 600),
)
TOKENS = Counter("keepsake_tokens", "Tokens of all requests; cached and fresh make up the input", ["model", "kind"])
PRICE = Counter("keepsake_price", "What requests cost, for models with a price", ["currency"])
CACHE_SHARE = Gauge("keepsake_cache_share", "Share of the input tokens since the start that came from the cache")
RECALL = Counter("keepsake_recalls", "Answers by whether older turns were recalled for them", ["result"])
COMPACTIONS = Counter("keepsake_compactions", "Windows that were compacted", ["result"])
RATE_LIMITED = Counter("keepsake_rate_limited", "Requests that were refused as too many (429)", ["server"])
ERRORS = Counter("keepsake_errors", "Failures, by kind", ["kind"])
SET_ASIDE = Counter("keepsake_set_aside", "Work set aside because the process died of it three times", ["kind"])
BACKUPS = Counter("keepsake_backups", "Scheduled backups", ["result"])
BACKUP_AT = Gauge("keepsake_backup_timestamp_seconds", "When the newest scheduled backup was made; 0: none yet")
QUEUE = Gauge("keepsake_queue_length", "Updates that wait in the lanes")
LANES = Gauge("keepsake_lanes_busy", "Conversations with something to do")
LOOP_LAG = Histogram(
    "keepsake_loop_lag_seconds",
    "How late the event loop gets to a task that is due",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
TELEGRAM_REACHED = Gauge("keepsake_telegram_reached", "1 while updates can be received")
MODEL_REACHED = Gauge("keepsake_model_reached", "1 while a model server answers, as last seen")
PASSIVE = Gauge("keepsake_passive", "1 while this process leaves its chats to others, because only they reach Telegram")

LAG_EVERY_S = 0.5
"""How often the lag of the event loop is measured, in seconds."""
UNEXPECTED = "unexpected"
"""The kind of an error that is none of the known ones."""

_input = {"cached": 0, "fresh": 0}
CACHE_SHARE.set_function(lambda: _input["cached"] / (sum(_input.values()) or 1))
for _result in ("hit", "miss"):
    RECALL.labels(_result)
for _result in ("done", "void", "failed"):
    COMPACTIONS.labels(_result)
for _result in ("done", "failed"):
    BACKUPS.labels(_result)
ERRORS.labels(UNEXPECTED)
for _server in ("telegram", "model"):
    RATE_LIMITED.labels(_server)
for _kind in (
    "update",
    "answer",
    "delivery",
    "notice",
    "compaction",
    "turn",
    "job",
):  # a series that starts at 1 would hide its first increase
    SET_ASIDE.labels(_kind)


def count_usage(model: str, usage: Usage, price: Amount | None) -> None:
    """Count one request's tokens, and what it cost if that is known."""
    cached, fresh = min(usage.cached, usage.input), max(0, usage.input - usage.cached)
    for kind, tokens in (("fresh", fresh), ("cached", cached), ("output", usage.output)):
        TOKENS.labels(model, kind).inc(tokens)
    _input["cached"] += cached
    _input["fresh"] += fresh
    if price is not None:
        PRICE.labels(price.currency).inc(price.number)


def count_error(error: BaseException | None) -> None:
    """Count a failure under its class's name if that is one of the bot's own errors."""
    known = error is not None and type(error).__module__ == "bot.errors"
    ERRORS.labels(type(error).__name__ if known else UNEXPECTED).inc()


async def measure_loop() -> None:
    """Measure the lag of the event loop until cancelled."""
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + LAG_EVERY_S
        await asyncio.sleep(LAG_EVERY_S)
        LOOP_LAG.observe(max(0.0, loop.time() - due))
