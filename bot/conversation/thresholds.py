"""When a window is compacted and what it keeps: the arithmetic, as pure functions.

Let the system prompt have s tokens, the memory m, the kept tail L and a round t; let a cached token cost c and an
output token o (an uncached input token costs 1). With a growth of D tokens between compactions, the cost per round is f
= c(s+m+L) + t(1+c) + cD/2 + tA/D, where A = L + m(1+o) + cs. It is minimal at D* = sqrt(2tA/c).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import ceil, inf, sqrt

from storage.records import Role, Turn

TAIL_ROUNDS = 12
TAIL_TOKENS = 1500
"""Memory has priority over cost: a compaction keeps the last 12 rounds or 1,500 tokens, whichever is more ..."""
TAIL_SHARE = 1 / 3
"""... but at most this share of the model's window."""
MOST_SHARE = 0.7
"""A window is compacted at this share of what the model can read, however cheap its growth is."""
CAP_SHARE = 0.85
"""Here a message waits for the compaction: the rest is for the answer and for underestimated tokens."""
MEMORY_SHARE = 1 / 8
"""The largest share of the model's window for a memory."""
LEAST_GROWTH = 0.25
"""Between compactions a window grows by at least this share of its kept tail, whatever the settings say."""

OVERHEARD_TOKENS = 200
"""This many tokens of unaddressed talk count as a round."""


class MemoryMode(StrEnum):
    """How a chat remembers what leaves its window."""

    SUMMARY = "summary"
    """A rolling summary replaces it."""
    TRUNCATE = "truncate"
    """Nothing replaces it; the last rounds are kept."""
    FULL = "full"
    """Nothing leaves until the model's window is full."""


@dataclass(frozen=True, slots=True)
class WindowPolicy:
    """The settings. Tokens are the model's; `compact_at` is a share of the window, or None for the optimum."""

    context_window: int
    mode: MemoryMode
    compact_at: float | None
    keep_rounds: int
    memory_tokens: int
    cached_price: float
    output_price: float

    @property
    def most_memory(self) -> int:
        """The longest memory in tokens."""
        return min(self.memory_tokens, int(self.context_window * MEMORY_SHARE))

    @property
    def cap(self) -> int:
        """The longest prompt in tokens that is sent without compacting first."""
        return int(self.context_window * CAP_SHARE)


@dataclass(frozen=True, slots=True)
class WindowSizes:
    """The parts of a prompt in the model's tokens: system prompt, memory, and each round."""

    system: float
    memory: float
    rounds: tuple[float, ...]
    waiting: bool = False
    """Whether the last round is an unanswered question, which is kept in addition to the tail."""

    @property
    def answered(self) -> tuple[float, ...]:
        """The completed rounds."""
        return self.rounds[:-1] if self.waiting else self.rounds

    @property
    def total(self) -> float:
        """The whole prompt."""
        return self.system + self.memory + sum(self.rounds)


@dataclass(frozen=True, slots=True)
class Thresholds:
    """The decision for a window: it is compacted from `high` tokens on, and its first `cut` rounds leave.

    At `low` or below nothing leaves, because the memory that replaces it might be no shorter.
    """

    low: float
    high: float
    cut: int
    growth: float
    """The growth in tokens between two compactions."""


def round_starts(turns: Sequence[Turn]) -> list[int]:
    """The indexes where rounds begin: each user message that doesn't follow another one.

    Long unaddressed talk is divided into rounds too.
    """
    starts: list[int] = []
    tokens, before = 0, None
    for at, turn in enumerate(turns):
        long = tokens >= OVERHEARD_TOKENS and not turns[at - 1].asked
        if turn.role is Role.USER and (before is not Role.USER or long):
            starts.append(at)
            tokens = 0
        tokens, before = tokens + turn.tokens, turn.role
    # Turns before the first question (an answer whose question was forgotten) belong to the first round.
    return [0, *starts[1:]] if turns else []


def thresholds(policy: WindowPolicy, mode: MemoryMode, sizes: WindowSizes) -> Thresholds:
    """When this window is compacted and what then leaves it."""
    if mode is MemoryMode.FULL:
        return Thresholds(0.0, inf, rounds_to_cut(sizes.rounds, policy.cap / 2), inf)
    if mode is MemoryMode.TRUNCATE:
        kept = count_tail(sizes.answered, policy.keep_rounds, 0, policy.cap / 2) + sizes.waiting
        memory, made = sizes.memory, policy.cached_price * sizes.memory  # it stays unchanged, hence cached
    else:
        most = TAIL_SHARE * policy.context_window
        kept = count_tail(sizes.answered, TAIL_ROUNDS, TAIL_TOKENS, most) + sizes.waiting
        memory = sizes.memory or policy.most_memory
        made = memory * (1 + policy.output_price)
    length = sum(sizes.rounds[len(sizes.rounds) - kept :])
    growth = _growth(policy, sizes, length, made)
    # A model may write more than it is asked for: what is left after a compaction must not call for the next one.
    replaced_by = max(policy.most_memory, sizes.memory) if mode is MemoryMode.SUMMARY else sizes.memory
    low = sizes.system + length + replaced_by
    if policy.compact_at is not None:
        high = policy.compact_at * policy.context_window
    else:
        high = min(sizes.system + memory + length + growth, MOST_SHARE * policy.context_window)
    # Never so soon after the last compaction that most requests pay for one, and never beyond the cap.
    high = min(max(high, low + LEAST_GROWTH * length), policy.cap)
    return Thresholds(low, high, len(sizes.rounds) - kept, growth)


def count_tail(rounds: Sequence[float], least_rounds: int, least_tokens: float, most_tokens: float) -> int:
    """How many of the last rounds to keep: both minima, unless they exceed `most_tokens`, but at least one."""
    kept, length = 0, 0.0
    for size in reversed(rounds):
        if kept >= least_rounds and length >= least_tokens:
            break
        if kept and length + size > most_tokens:
            break
        kept, length = kept + 1, length + size
    return kept


def rounds_to_cut(rounds: Sequence[float], most_tokens: float) -> int:
    """How many of the first rounds must leave so that the rest has at most `most_tokens`; the last one stays."""
    return len(rounds) - count_tail(rounds, len(rounds), 0, most_tokens)


def pays_while_warm(policy: WindowPolicy, mode: MemoryMode, sizes: WindowSizes, found: Thresholds) -> bool:
    """Whether to compact a quiet chat before its cache expires, instead of reading the window uncached later.

    With X tokens in the window, g of which would leave, compacting now costs K = cX + om (nothing if no summary is
    written) and the next prompt has X - g uncached tokens. Waiting costs X uncached tokens and brings the next full
    compaction, K + L + m, closer by g/D. So compacting pays if K < g + (g/D)(K + L + m).
    """
    if not found.cut or sizes.total <= found.low or mode is MemoryMode.FULL:
        return False
    leaving = sum(sizes.rounds[: found.cut])
    if mode is MemoryMode.TRUNCATE:
        return True
    price = policy.cached_price * sizes.total + policy.output_price * policy.most_memory
    rewritten = sum(sizes.rounds[found.cut :]) + policy.most_memory
    return price < leaving + min(1.0, leaving / found.growth) * (price + rewritten)


def _growth(policy: WindowPolicy, sizes: WindowSizes, length: float, made: float) -> float:
    """D* in tokens; `made` is m(1+o), or cm if no model writes a memory."""
    a_round = sum(sizes.rounds) / len(sizes.rounds) if sizes.rounds else 0.0
    if not policy.cached_price:  # if cached tokens are free, price is no reason to compact
        return inf
    per_compaction = length + made + policy.cached_price * sizes.system
    return float(ceil(sqrt(2 * a_round * per_compaction / policy.cached_price)))
