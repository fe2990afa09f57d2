"""What is known of a prompt cache, and the two kinds of markers in a prompt."""

from dataclasses import dataclass

from pydantic import JsonValue

CONTROL = "cache_control"
"""Anthropic and Alibaba, and gateways before them: four in a request, each found again from 20 parts behind it."""
BREAKPOINT = "prompt_cache_breakpoint"
"""OpenAI since GPT-5.6: four are written, and found again where a later request has one at the very same place."""
MARKERS: dict[str, dict[str, JsonValue]] = {CONTROL: {"type": "ephemeral"}, BREAKPOINT: {"mode": "explicit"}}
"""Fields of a part of a message, the prompt up to whose end is to be kept."""
MOST_MARKS = 4
OWN_HIT = 0.05
"""What a token costs that an engine of one's own has read before, relative to a fresh one: it is not read again, only
looked at by those behind it."""
KEY, OPTIONS = "prompt_cache_key", "prompt_cache_options"
OURS_ALONE: dict[str, JsonValue] = {"mode": "explicit"}
"""In the options: no breakpoint of the server's own. It would stand behind what was recalled, and cost a quarter more
than not to be kept."""


@dataclass(frozen=True, slots=True)
class CacheProfile:
    """What is known of the prompt cache of a model at its server."""

    explicit: bool
    """Whether it takes markers, and bills by them."""
    minimum: int
    """A shorter prompt is not cached, in tokens."""
    lifetime_s: float
    """How long a prompt stays in the cache after it was last used, in seconds."""
    exact: bool = False
    """Its markers are breakpoints: nothing is found again without them."""
    hit: float | None = None
    """What a cached token costs there, relative to a fresh one; None: nobody knows, so that a setting says it."""
