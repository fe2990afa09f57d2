"""What a request cost, out of the shapes in which servers report it.

Chat Completions counts ``prompt_tokens`` and ``completion_tokens``, the Responses API and DashScope's own interface
``input_tokens`` and ``output_tokens``; details stand in objects beside them. Anthropic's shape, which some gateways
hand on, counts what is read from the cache and written into it apart from ``input_tokens``; all others count it in.
"""

from collections.abc import Mapping

from bot.llm.interface import Usage

_CACHED = ("cached_tokens", "prompt_cache_hit_tokens", "cache_read_input_tokens")
"""OpenAI and Qwen, DeepSeek, Anthropic."""
_WRITTEN = ("cache_creation_input_tokens", "cache_write_tokens")
"""Qwen and Anthropic, OpenAI since GPT-5.6."""


def reported(usage: Mapping[str, object]) -> Usage | None:
    """A report in any of these shapes; None for one that counts nothing."""
    read = _first(usage, ("prompt_tokens", "input_tokens"))
    written_out = _first(usage, ("completion_tokens", "output_tokens"))
    if read is None or written_out is None:
        return None
    into = _object(usage, ("prompt_tokens_details", "input_tokens_details"))
    out = _object(usage, ("completion_tokens_details", "output_tokens_details"))
    cached = _first(into, _CACHED) or _first(usage, _CACHED) or 0
    written = _first(into, _WRITTEN) or _first(usage, _WRITTEN) or 0
    if "cache_read_input_tokens" in usage:
        read += cached + written
    return Usage(
        input=read,
        cached=min(cached, read),
        output=written_out,
        written=written,
        reasoning=_first(out, ("reasoning_tokens",)) or 0,
        audio=_first(into, ("audio_tokens",)) or _first(usage, ("audio_tokens",)) or 0,
        image=_first(into, ("image_tokens",)) or _first(usage, ("image_tokens",)) or 0,
    )


def _first(holder: Mapping[str, object], names: tuple[str, ...]) -> int | None:
    found = (holder.get(name) for name in names)
    return next((count for count in found if isinstance(count, int) and not isinstance(count, bool)), None)


def _object(holder: Mapping[str, object], names: tuple[str, ...]) -> Mapping[str, object]:
    return next((found for name in names if isinstance(found := holder.get(name), Mapping)), {})
