"""The optional fields of a request: one that a server refuses by its name is left out there from then on.

Which server takes which field is in no documentation that would stay true: ``stream_options``, the switches for
thinking, ``reasoning_effort``, tools, sound. So they are sent, and a refusal that names one leads to a try without it.

How a server wants to be told whether a model is to think: that is its own affair, whatever the model is.

Groq refuses ``enable_thinking`` for Qwen's own models, DeepSeek, Moonshot and Z.AI have an object, OpenRouter has
another one. gpt-oss can't be kept from thinking, only from thinking long, by the same field at all of them.
"""

import re
from collections.abc import Collection, Mapping
from enum import StrEnum

from pydantic import JsonValue

from bot import errors

EFFORT = "reasoning beside tools"
"""Not a field but its absence: some models call tools in Chat Completions only where ``reasoning_effort`` is none."""
THOUGHTLESS = "calls without thoughts"
"""Nor this: they are wanted back in the field ``reasoning_content``, although they came in another, or not at all; by
some servers in answers without calls too."""
MOST_TRIES = 4
"""Further requests for one answer."""
LENGTHS = ("max_completion_tokens", "max_tokens", "max_output_tokens")
_TOGETHER = ({"tools", "tool_choice", "parallel_tool_calls"}, {"modalities", "audio"})
"""Fields that mean nothing without each other."""
_THINKING = re.compile(
    r"\bthinking\b|\breasoning (?:mode|toggle|switch|value|effort)|\u601d\u8003|\u63a8\u7406\u6a21\u5f0f"
)
_PHRASES = {
    "tools": re.compile(
        r"\btools?\b|\btool[ _-]|\bfunction[ _-]?call|\bfunctions\b|\u5de5\u5177|\u51fd\u6570\u8c03\u7528"
    ),
    "enable_thinking": _THINKING,
    "reasoning_effort": _THINKING,
    "chat_template_kwargs": re.compile(r"chat[ _]?template"),
    "stream_options": re.compile(r"include_usage"),
    "include": re.compile(r"encrypted[ _-]?(?:content|reasoning)"),
    "modalities": re.compile(r"\baudio output|\bmodalit"),
}
"""What else than its name a refusal may call a field."""
_WANTED = re.compile(r"must be (?:passed|sent|provided|included|set|given)|\bmissing\b|is required|field required")
_TOO_MUCH = re.compile(
    r"too (?:large|big|high|many)|at most|less than|range|exceed|maximum|greater than|larger than|<="
)
_ANSWER = re.compile(
    r"\bmax_(?:new_|completion_|output_)?tokens\b|(?:in|for) the (?:completion|output)|(?:output|completion|new) tokens"
)
"""What a server that adds the answer's length to the prompt's may call it."""
_OUTPUT = re.compile(
    r"(?:failed to|could not|error) (?:call|pars\w+|generat\w+|decod\w+) (?:a |the )?(?:function|tool)\b"
    r"|tool_use_failed|failed_generation|(?:invalid|malformed) (?:tool|function)[ _-]calls?\b"
)
_EFFORT = re.compile(r"reasoning[ _.-]?effort")
_KINDS = (errors.RequestRefused, errors.NoPermission, errors.ServerTrouble, errors.StreamCut)
_MEDIA = (errors.CannotHear, errors.CannotSee, errors.MediaRefused)
_NEVER = (401, 402, 403, 408, 429)
ALWAYS_THINK = "gpt-oss"
TEMPLATE = "chat_template_kwargs"
_OTHER_TEMPLATES = re.compile("deepseek|kimi")
"""Models whose templates ask for ``thinking``."""


def fitted(body: Mapping[str, JsonValue], without: Collection[str]) -> dict[str, JsonValue]:
    """The optional fields of a request without those that are refused, and what means nothing without them."""
    gone = set(without).union(*(group for group in _TOGETHER if group & set(without)))
    kept = {name: value for name, value in body.items() if name not in gone}
    if EFFORT in without and "tools" in kept and "reasoning_effort" not in without:
        kept.setdefault("reasoning_effort", "none")
    return kept


def blamed(error: errors.ModelError, sent: Collection[str]) -> frozenset[str]:
    """The fields of those that were sent which a server names in refusing them."""
    if error.status in _NEVER or not isinstance(error, (*_KINDS, *_MEDIA, errors.ContextTooLong)):
        return frozenset()
    words = f"{error} {error.fields}".lower()
    if isinstance(error, errors.ContextTooLong):  # the prompt may well fit without what is reserved for the answer
        return frozenset(LENGTHS) if _is_length(words, sent) else frozenset()
    if THOUGHTLESS in sent and "reasoning_content" in words and _WANTED.search(words):
        return frozenset({THOUGHTLESS})
    named = {name for name in sent if _is_named(name, words)}
    if "tools" in sent and _EFFORT.search(words) and _PHRASES["tools"].search(words):
        return frozenset({"tools"} if "reasoning_effort" in sent or EFFORT in sent else {EFFORT})
    if not named and not isinstance(error, _MEDIA):
        named = {name for name in sent if name in _PHRASES and _PHRASES[name].search(words)}
    if _is_length(words, sent):  # by another name it would be too much as well
        named |= set(LENGTHS)
    return frozenset(named.union(*(group & set(sent) for group in _TOGETHER if group & named)))


def is_about_output(error: errors.ModelError) -> bool:
    """Whether the model has written a call that its server can't read: that is no fault of the field.

    Groq says so with a 400, llama.cpp with a 500.
    """
    return _OUTPUT.search(str(error).lower()) is not None


def _is_length(words: str, sent: Collection[str]) -> bool:
    """Whether an answer may not be as long as was asked for."""
    asked = any(name in sent for name in LENGTHS)
    return asked and _ANSWER.search(words) is not None and _TOO_MUCH.search(words) is not None


def _is_named(name: str, words: str) -> bool:
    pattern = re.escape(name.lower()).replace("_", "[ _-]?")
    return re.search(rf"(?<![a-z0-9_]){pattern}(?![a-z0-9_])", words) is not None


class ThinkingSwitch(StrEnum):
    """The ways."""

    QWEN = "enable_thinking"
    """Also in ``chat_template_kwargs``, as a profile says."""
    EFFORT = "reasoning_effort"
    """None, or the default."""
    OFF = "reasoning_effort_none"
    """The same field at Ollama: none, or nothing at all, since it refuses all other values for most models."""
    REASONING = "reasoning"
    THINKING = "thinking"


def switched(switch: ThinkingSwitch, model: str, *, thinking: bool, in_template: bool) -> dict[str, JsonValue]:
    """The fields of a request of Chat Completions."""
    if ALWAYS_THINK in model.lower():
        return {"reasoning_effort": "high" if thinking else "low"}
    match switch:
        case ThinkingSwitch.EFFORT:
            return {"reasoning_effort": "default" if thinking else "none"}
        case ThinkingSwitch.OFF:
            return {} if thinking else {"reasoning_effort": "none"}
        case ThinkingSwitch.REASONING:
            return {"reasoning": {"enabled": thinking}}
        case ThinkingSwitch.THINKING:
            return {"thinking": {"type": "enabled" if thinking else "disabled"}}
    fields: dict[str, JsonValue] = {"enable_thinking": thinking}
    if in_template:
        name = "thinking" if _OTHER_TEMPLATES.search(model.lower()) else "enable_thinking"
        fields[TEMPLATE] = {name: thinking}
    return fields


def told_apart(switch: ThinkingSwitch, model: str) -> dict[str, JsonValue]:
    """The field that has Groq send the thoughts of Qwen's models apart; of gpt-oss it always does, and refuses it."""
    return (
        {"reasoning_format": "parsed"} if switch is ThinkingSwitch.EFFORT and ALWAYS_THINK not in model.lower() else {}
    )


def switched_in_responses(switch: ThinkingSwitch, model: str, *, thinking: bool) -> dict[str, JsonValue]:
    """The fields of a request of the Responses API, which has one for it that Qwen's does not read."""
    if ALWAYS_THINK in model.lower():
        return {"reasoning": {"effort": "high" if thinking else "low"}}
    if switch is ThinkingSwitch.QWEN:
        return {"enable_thinking": thinking}
    if switch is ThinkingSwitch.OFF and thinking:
        return {}
    return {"reasoning": {"effort": "medium" if thinking else "none"}}
