"""When a window is compacted, and what of it is kept: the arithmetic, as pure functions.

With s tokens of the system prompt, m of the memory, L of the kept tail, t a round, a cached token at the price c and an
output token at o (a fresh input token is 1), D tokens of growth between two compactions cost, for each round,
f = c(s+m+L) + t(1+c) + cD/2 + tA/D with A = L + m(1+o) + cs. That is least at D* = sqrt(2tA/c).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import ceil, inf, sqrt

from storage.records import Role, Turn

TAIL_ROUNDS = 12
TAIL_TOKENS = 1500
"""Memory comes before cost: a compaction keeps the last 12 rounds or 1,500 tokens, whichever is more ..."""
TAIL_SHARE = 1 / 3
"""... but at most this share of the model's window."""
MOST_SHARE = 0.7
"""A window is compacted at this share of what the model can read, however cheap its growth is."""
CAP_SHARE = 0.85
"""Here a message waits for a compaction: the rest is room for the answer, and for an estimate that is too low."""
MEMORY_SHARE = 1 / 8
"""A memory takes at most this share of the model's window."""
LEAST_GROWTH = 0.25
"""Between two compactions a window grows by at least this share of its kept tail, whatever is set."""

OVERHEARD_TOKENS = 200
"""So much of what people say among themselves counts as a round."""


class MemoryMode(StrEnum):
    """How a chat remembers what leaves its window."""

    SUMMARY = "summary"
    """A rolling summary stands in its place."""
    TRUNCATE = "truncate"
    """Nothing does; the last rounds are kept."""
    FULL = "full"
    """Nothing leaves before the model's window is full."""


@dataclass(frozen=True, slots=True)
class WindowPolicy:
    """The settings that decide. Tokens are the model's; `compact_at` is a share of the window, None: the optimum."""

    context_window: int
    way: MemoryMode
    compact_at: float | None
    keep_rounds: int
    memory_tokens: int
    cached_price: float
    output_price: float

    @property
    def most_memory(self) -> int:
        """The longest memory, in tokens."""
        return min(self.memory_tokens, int(self.context_window * MEMORY_SHARE))

    @property
    def cap(self) -> int:
        """The longest prompt that is sent without making room first, in tokens."""
        return int(self.context_window * CAP_SHARE)


@dataclass(frozen=True, slots=True)
class WindowSizes:
    """What stands in a prompt, in the model's tokens: the system prompt, the memory, and each round of turns."""

    system: float
    memory: float
    rounds: tuple[float, ...]
    waiting: bool = False
    """Whether the last round is a question without its answer: it is kept beside the rounds that are to be kept."""

    @property
    def answered(self) -> tuple[float, ...]:
        """The rounds that are complete."""
        return self.rounds[:-1] if self.waiting else self.rounds

    @property
    def total(self) -> float:
        """The whole prompt."""
        return self.system + self.memory + sum(self.rounds)


@dataclass(frozen=True, slots=True)
class Thresholds:
    """The verdict on a window: from `high` tokens on it is compacted, and then its first `cut` rounds leave it.

    At `low` or below nothing leaves, since the memory that takes its place may be no shorter.
    """

    low: float
    high: float
    cut: int
    growth: float
    """Tokens that it grows by between two compactions."""


def round_starts(turns: Sequence[Turn]) -> list[int]:
    """Where rounds begin: at each user's row that no user's row stands before.

    Where people talk for long among themselves, what they say is a round from time to time too.
    """
    starts: list[int] = []
    tokens, before = 0, None
    for at, turn in enumerate(turns):
        long = tokens >= OVERHEARD_TOKENS and not turns[at - 1].asked
        if turn.role is Role.USER and (before is not Role.USER or long):
            starts.append(at)
            tokens = 0
        tokens, before = tokens + turn.tokens, turn.role
    # What stands before the first question (its own was forgotten) belongs to the first round.
    return [0, *starts[1:]] if turns else []


def thresholds(policy: WindowPolicy, way: MemoryMode, sizes: WindowSizes) -> Thresholds:
    """When this window is compacted and what then leaves it."""
    if way is MemoryMode.FULL:
        return Thresholds(0.0, inf, cut_to(sizes.rounds, policy.cap / 2), inf)
    if way is MemoryMode.TRUNCATE:
        kept = tail(sizes.answered, policy.keep_rounds, 0, policy.cap / 2) + sizes.waiting
        memory, made = sizes.memory, policy.cached_price * sizes.memory  # it stays as it is, and cached
    else:
        most = TAIL_SHARE * policy.context_window
        kept = tail(sizes.answered, TAIL_ROUNDS, TAIL_TOKENS, most) + sizes.waiting
        memory = sizes.memory or policy.most_memory
        made = memory * (1 + policy.output_price)
    length = sum(sizes.rounds[len(sizes.rounds) - kept :])
    growth = _growth(policy, sizes, length, made)
    low = sizes.system + length + (policy.most_memory if way is MemoryMode.SUMMARY else sizes.memory)
    if policy.compact_at is not None:
        high = policy.compact_at * policy.context_window
    else:
        high = min(sizes.system + memory + length + growth, MOST_SHARE * policy.context_window)
    high = min(max(high, low + LEAST_GROWTH * length), policy.cap)
    return Thresholds(low, high, len(sizes.rounds) - kept, growth)


def tail(rounds: Sequence[float], least_rounds: int, least_tokens: float, most_tokens: float) -> int:
    """How many of the last rounds are kept: both minima, unless they exceed `most_tokens`; the last one always."""
    kept, length = 0, 0.0
    for size in reversed(rounds):
        if kept >= least_rounds and length >= least_tokens:
            break
        if kept and length + size > most_tokens:
            break
        kept, length = kept + 1, length + size
    return kept


def cut_to(rounds: Sequence[float], most_tokens: float) -> int:
    """How many of the first rounds leave so that the others take at most that many tokens; the last one stays."""
    return len(rounds) - tail(rounds, len(rounds), 0, most_tokens)


def worth_while_warm(policy: WindowPolicy, way: MemoryMode, sizes: WindowSizes, found: Thresholds) -> bool:
    """Whether a quiet chat is compacted before its cache goes cold, rather than read again cold as it is.

    With X tokens in the window of which g would leave: compacting now costs K = cX + om (nothing, when no summary is
    written) and the next prompt X - g fresh; waiting costs X fresh, and brings the next whole compaction, K + L + m,
    nearer by g/D. So it pays when K < g + (g/D)(K + L + m).
    """
    if not found.cut or sizes.total <= found.low or way is MemoryMode.FULL:
        return False
    leaving = sum(sizes.rounds[: found.cut])
    if way is MemoryMode.TRUNCATE:
        return True
    price = policy.cached_price * sizes.total + policy.output_price * policy.most_memory
    rewritten = sum(sizes.rounds[found.cut :]) + policy.most_memory
    return price < leaving + min(1.0, leaving / found.growth) * (price + rewritten)


def _growth(policy: WindowPolicy, sizes: WindowSizes, length: float, made: float) -> float:
    """D*, in tokens; `made` is m(1+o), or m where no model writes it."""
    a_round = sum(sizes.rounds) / len(sizes.rounds) if sizes.rounds else 0.0
    if not policy.cached_price:  # a cached token that costs nothing: never for the price's sake
        return inf
    each = length + made + policy.cached_price * sizes.system
    return float(ceil(sqrt(2 * a_round * each / policy.cached_price)))
