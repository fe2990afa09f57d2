"""Optional request fields: one that a server refuses by name is left out from then on.

No documentation says reliably which server accepts which field (``stream_options``, thinking switches,
``reasoning_effort``, tools, sound). They are sent, and if a refusal names one, the request is repeated without it.

The switch for thinking depends on the server rather than the model: Groq refuses ``enable_thinking`` even for Qwen's
models, DeepSeek, Moonshot and Z.AI expect an object, OpenRouter another one. gpt-oss can't stop thinking, only think
less, with the same field everywhere.
"""

import re
from collections.abc import Collection, Mapping
from enum import StrEnum

from pydantic import JsonValue

from bot import errors

EFFORT = "reasoning beside tools"
"""Not a field but a constraint: with some models, tools require ``reasoning_effort`` "none" in Chat Completions."""
THOUGHTLESS = "calls without thoughts"
"""Another constraint: reasoning must be returned in ``reasoning_content`` even if it came in another field or not at
all; some servers want that for answers without calls too."""
MOST_TRIES = 4
"""The most repetitions of one request."""
LENGTHS = ("max_completion_tokens", "max_tokens", "max_output_tokens")
_TOGETHER = ({"tools", "tool_choice", "parallel_tool_calls"}, {"modalities", "audio"})
"""Fields that are pointless without each other."""
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
"""Other names a refusal may use for a field."""
_WANTED = re.compile(r"must be (?:passed|sent|provided|included|set|given)|\bmissing\b|is required|field required")
_TOO_MUCH = re.compile(
    r"too (?:large|big|high|many)|at most|less than|range|exceed|maximum|greater than|larger than|<="
)
_ANSWER = re.compile(
    r"\bmax_(?:new_|completion_|output_)?tokens\b|(?:in|for) the (?:completion|output)|(?:output|completion|new) tokens"
)
"""Wordings of servers that add the answer's length to the prompt's."""
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
"""Models whose chat templates use ``thinking``."""


def fit_fields(body: Mapping[str, JsonValue], without: Collection[str]) -> dict[str, JsonValue]:
    """The optional fields without the refused ones and those that depend on them."""
    gone = set(without).union(*(group for group in _TOGETHER if group & set(without)))
    fields = {name: value for name, value in body.items() if name not in gone}
    if EFFORT in without and "tools" in fields and "reasoning_effort" not in without:
        fields.setdefault("reasoning_effort", "none")
    return fields


def blamed_fields(error: errors.ModelError, sent: Collection[str]) -> frozenset[str]:
    """The sent fields that an error blames."""
    if error.status in _NEVER or not isinstance(error, (*_KINDS, *_MEDIA, errors.ContextTooLong)):
        return frozenset()
    words = f"{error} {error.fields}".lower()
    if isinstance(error, errors.ContextTooLong):  # the prompt may fit without the tokens reserved for the answer
        return frozenset(LENGTHS) if _is_length(words, sent) else frozenset()
    if THOUGHTLESS in sent and "reasoning_content" in words and _WANTED.search(words):
        return frozenset({THOUGHTLESS})
    named = {name for name in sent if _is_named(name, words)}
    if "tools" in sent and _EFFORT.search(words) and _PHRASES["tools"].search(words):
        return frozenset({"tools"} if "reasoning_effort" in sent or EFFORT in sent else {EFFORT})
    if not named and not isinstance(error, _MEDIA):
        named = {name for name in sent if name in _PHRASES and _PHRASES[name].search(words)}
    if _is_length(words, sent):  # the same number would be too high under another name
        named |= set(LENGTHS)
    return frozenset(named.union(*(group & set(sent) for group in _TOGETHER if group & named)))


def is_about_output(error: errors.ModelError) -> bool:
    """Whether the model wrote a tool call that the server can't parse, which is not the field's fault.

    Groq reports it with a 400, llama.cpp with a 500.
    """
    return _OUTPUT.search(str(error).lower()) is not None


def _is_length(words: str, sent: Collection[str]) -> bool:
    """Whether the requested answer length was refused."""
    asked = any(name in sent for name in LENGTHS)
    return asked and _ANSWER.search(words) is not None and _TOO_MUCH.search(words) is not None


def _is_named(name: str, words: str) -> bool:
    pattern = re.escape(name.lower()).replace("_", "[ _-]?")
    return re.search(rf"(?<![a-z0-9_]){pattern}(?![a-z0-9_])", words) is not None


class ThinkingSwitch(StrEnum):
    """How a server switches thinking on and off."""

    QWEN = "enable_thinking"
    """Also in ``chat_template_kwargs`` if the profile says so."""
    EFFORT = "reasoning_effort"
    """"none" or the default."""
    OFF = "reasoning_effort_none"
    """Ollama: "none", or no field at all, since it refuses other values for most models."""
    REASONING = "reasoning"
    THINKING = "thinking"


def thinking_fields(switch: ThinkingSwitch, model: str, *, thinking: bool, in_template: bool) -> dict[str, JsonValue]:
    """The fields that switch thinking in Chat Completions."""
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


def reasoning_format(switch: ThinkingSwitch, model: str) -> dict[str, JsonValue]:
    """The field that makes Groq send Qwen's reasoning separately. gpt-oss always does, and refuses the field."""
    return (
        {"reasoning_format": "parsed"} if switch is ThinkingSwitch.EFFORT and ALWAYS_THINK not in model.lower() else {}
    )


def thinking_fields_in_responses(switch: ThinkingSwitch, model: str, *, thinking: bool) -> dict[str, JsonValue]:
    """The fields that switch thinking in the Responses API; Qwen's server ignores the standard one."""
    if ALWAYS_THINK in model.lower():
        return {"reasoning": {"effort": "high" if thinking else "low"}}
    if switch is ThinkingSwitch.QWEN:
        return {"enable_thinking": thinking}
    if switch is ThinkingSwitch.OFF and thinking:
        return {}
    return {"reasoning": {"effort": "medium" if thinking else "none"}}
