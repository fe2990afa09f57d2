"""Token usage, from the various formats in which servers report it.

Chat Completions counts ``prompt_tokens`` and ``completion_tokens``, the Responses API and DashScope's native API
``input_tokens`` and ``output_tokens``, with nested details. Most include cached tokens and reasoning in these counts.
Anthropic's format, which some gateways pass on, excludes cached tokens; xAI and Gemini exclude reasoning. If there is a
total, it decides.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.llm.stream_events import Usage

MOST_TOKENS = 10**8
"""A larger number can't be a token count: no model reads or writes nearly as much."""

_SAID = ("completion_tokens", "output_tokens")
_CACHED = ("cached_tokens", "prompt_cache_hit_tokens", "cache_read_input_tokens", "cache_read_tokens")
"""OpenAI and Qwen (Moonshot puts it next to the counts), DeepSeek, Anthropic."""
_WRITTEN = ("cache_creation_input_tokens", "cache_write_tokens", "cache_creation_tokens")
"""Qwen and Anthropic, OpenAI since GPT-5.6 and OpenRouter, LiteLLM."""
_APART = ("cache_read_input_tokens", "cache_creation_input_tokens")
"""Anthropic's names. Next to ``input_tokens`` they are not included in it; inside details they are."""


@dataclass(frozen=True, slots=True)
class _ReportedNumbers:
    """The raw numbers of a report; 0 if missing."""

    read: int
    said: int
    total: int
    cached: int
    written: int
    reasoning: int
    apart: bool
    """Judging by the field names, `read` excludes cached tokens."""

    def input_and_output(self) -> tuple[int, int]:
        """Total input and output tokens."""
        aside = self.cached + self.written
        for more in (0, aside, self.cached, self.written):
            for thought in (0, self.reasoning):
                whole = self.read + more, self.said + thought
                if sum(whole) == self.total and self.cached <= whole[0]:
                    return whole
        read = self.read + aside if self.apart else self.read
        said = self.said + self.reasoning if self.reasoning > self.said else self.said
        return read, max(said, self.total - read)


def parse_usage(usage: object) -> Usage | None:
    """Parse a usage report in any of these formats.

    None if it counts nothing, so that an estimate is used. An output of 0 is accepted; the caller knows whether there
    was any.
    """
    if not isinstance(usage, Mapping):
        return None
    usage = _object(usage, ("tokens",)) or usage  # Cohere's, next to the billed units
    into = _object(usage, ("prompt_tokens_details", "input_tokens_details", "input_token_details"))
    out = _object(usage, ("completion_tokens_details", "output_tokens_details"))
    read, cached = _first((usage,), ("prompt_tokens", "input_tokens")), _first((into, usage), _CACHED)
    numbers = _ReportedNumbers(
        read=read,
        said=_first((usage,), _SAID),
        total=_first((usage,), ("total_tokens",)),
        cached=cached,
        written=_first((into, usage), _WRITTEN) or _by_lifetime(into, usage),
        reasoning=_first((out, usage), ("reasoning_tokens",)),
        apart=any(name in usage for name in _APART) and ("prompt_tokens" not in usage or cached > read),
    )
    read, said = numbers.input_and_output()
    silent = any(type(count := usage.get(name)) is int and count == 0 for name in _SAID)
    if (not numbers.read and not numbers.apart) or not read or not (said or silent) or numbers.cached > read:
        return None
    return Usage(
        input=read,
        cached=numbers.cached,
        output=said,
        written=min(numbers.written, read - numbers.cached),
        reasoning=min(max(numbers.reasoning, said - numbers.said if silent or numbers.said else 0), said),
        audio=min(_first((into, usage), ("audio_tokens",)), read),
        image=min(_first((into, usage), ("image_tokens",)), read),
    )


def parse_input_usage(usage: object) -> Usage | None:
    """Parse the report of a request without text output, such as embeddings."""
    count = _first((usage,), ("prompt_tokens", "input_tokens", "total_tokens")) if isinstance(usage, Mapping) else 0
    return Usage(count, 0, 0) if count else None


def _first(holders: Sequence[Mapping[str, object]], names: Sequence[str]) -> int:
    """The first positive count, or 0."""
    found = (holder.get(name) for holder in holders for name in names)
    return next((count for count in found if type(count) is int and 0 < count <= MOST_TOKENS), 0)


def _by_lifetime(*holders: Mapping[str, object]) -> int:
    """Tokens written to the cache, given per lifetime: Qwen, Anthropic."""
    kinds = (_object(holder, ("cache_creation",)) for holder in holders)
    return next((total for kind in kinds if (total := sum(_first((kind,), (name,)) for name in kind))), 0)


def _object(holder: Mapping[str, object], names: Sequence[str]) -> Mapping[str, object]:
    return next((found for name in names if isinstance(found := holder.get(name), Mapping)), {})
