"""How a server wants to be told whether a model is to think: that is its own affair, whatever the model is.

Groq refuses ``enable_thinking`` for Qwen's own models, DeepSeek, Moonshot and Z.AI have an object, OpenRouter has
another one. gpt-oss can't be kept from thinking, only from thinking long, by the same field at all of them.
"""

import re
from enum import StrEnum

from pydantic import JsonValue

ALWAYS_THINK = "gpt-oss"
TEMPLATE = "chat_template_kwargs"
_OTHER_TEMPLATES = re.compile("deepseek|kimi")
"""Models whose templates ask for ``thinking``."""


class Switch(StrEnum):
    """The ways."""

    QWEN = "enable_thinking"
    """Also in ``chat_template_kwargs``, as a profile says."""
    EFFORT = "reasoning_effort"
    """None, or the default."""
    OFF = "reasoning_effort_none"
    """The same field at Ollama: none, or nothing at all, since it refuses all other values for most models."""
    REASONING = "reasoning"
    THINKING = "thinking"


def switched(switch: Switch, model: str, *, thinking: bool, in_template: bool) -> dict[str, JsonValue]:
    """The fields of a request of Chat Completions."""
    if ALWAYS_THINK in model.lower():
        return {"reasoning_effort": "high" if thinking else "low"}
    match switch:
        case Switch.EFFORT:
            return {"reasoning_effort": "default" if thinking else "none"}
        case Switch.OFF:
            return {} if thinking else {"reasoning_effort": "none"}
        case Switch.REASONING:
            return {"reasoning": {"enabled": thinking}}
        case Switch.THINKING:
            return {"thinking": {"type": "enabled" if thinking else "disabled"}}
    fields: dict[str, JsonValue] = {"enable_thinking": thinking}
    if in_template:
        name = "thinking" if _OTHER_TEMPLATES.search(model.lower()) else "enable_thinking"
        fields[TEMPLATE] = {name: thinking}
    return fields


def told_apart(switch: Switch, model: str) -> dict[str, JsonValue]:
    """The field that has Groq send the thoughts of Qwen's models apart; of gpt-oss it always does, and refuses it."""
    return {"reasoning_format": "parsed"} if switch is Switch.EFFORT and ALWAYS_THINK not in model.lower() else {}


def switched_in_responses(switch: Switch, model: str, *, thinking: bool) -> dict[str, JsonValue]:
    """The fields of a request of the Responses API, which has one for it that Qwen's does not read."""
    if ALWAYS_THINK in model.lower():
        return {"reasoning": {"effort": "high" if thinking else "low"}}
    if switch is Switch.QWEN:
        return {"enable_thinking": thinking}
    if switch is Switch.OFF and thinking:
        return {}
    return {"reasoning": {"effort": "medium" if thinking else "none"}}
