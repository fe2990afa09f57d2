"""What is known of a model server by its address, and of a model by its name; what nobody knows has a safe default.

A window that is assumed too small costs nothing but an early compaction, one that is too large costs a refused request.
So a number here is the smallest of those that apply: a model that is served in several ways, or whose input is bounded
below its window, has the smaller one. ``CONTEXT_WINDOW`` overrides it.
"""

from dataclasses import replace
from urllib.parse import urlsplit

from bot.llm.interface import CacheProfile, Senses

MODEL_STUDIO = CacheProfile(explicit=True, minimum=1024, lifetime_s=300)
"""Alibaba Cloud Model Studio, "Context cache": markers, at least 1,024 tokens, five minutes renewed by every hit."""
AUTOMATIC = CacheProfile(explicit=False, minimum=1024, lifetime_s=300)
"""All others cache by themselves, or not at all: OpenAI documents 1,024 tokens and five minutes at least."""

UNKNOWN_WINDOW = 32_768
"""Tokens; what a model that is not in the table is taken for."""

_WINDOWS = {
    # Alibaba Cloud Model Studio, list of models. A dated snapshot of qwen-plus may be older than its large window, and
    # qwen-turbo has 131,072 when it thinks.
    "qwen-plus": 1_000_000,
    "qwen-plus-20": 131_072,
    "qwen-flash": 1_000_000,
    "qwen-turbo": 131_072,
    "qwen-max": 32_768,
    "qwen3-max": 262_144,
    "qwen3-vl-plus": 262_144,
    "qwen3-vl-flash": 262_144,
    "qwen3-coder-plus": 1_000_000,
    "qwen3-coder-flash": 1_000_000,
    "qwen3.5-plus": 1_000_000,
    "qwen3.6-plus": 1_000_000,
    # Open Qwen models: what their model cards call native; more takes a server that is set up for it.
    "qwen2.5": 32_768,
    "qwen3-": 32_768,
    # OpenAI, pages of the models. GPT-5's window is 400,000 with 128,000 of it reserved for the answer; later ones are
    # larger, and bill a prompt above 272,000 tokens at a higher price.
    "gpt-3.5-turbo": 16_385,
    "gpt-4": 8_192,
    "gpt-4-turbo": 128_000,
    "gpt-4o": 128_000,
    "gpt-4.1": 1_047_576,
    "gpt-5": 272_000,
    "o3": 200_000,
    "o4-mini": 200_000,
    # DeepSeek, "Models & Pricing".
    "deepseek-": 128_000,
    "deepseek-v4": 1_000_000,
}
"""Tokens of input, by the beginning of the model's name; the longest beginning that fits counts."""

_SENSES = {
    # Alibaba Cloud Model Studio: text models; from Qwen3.5 on the plain ones see too; Omni hears and speaks.
    "qwen-plus": Senses(),
    "qwen-flash": Senses(),
    "qwen-turbo": Senses(),
    "qwen-max": Senses(),
    "qwen-long": Senses(),
    "qwen2.5-": Senses(),
    "qwen2.5-vl": Senses(sees=True),
    "qwen3-": Senses(),
    "qwen3-vl": Senses(sees=True),
    "qwen-omni": Senses(sees=True, hears=True, speaks=True),
    "qwen2.5-omni": Senses(sees=True, hears=True, speaks=True),
    "qwen3-omni": Senses(sees=True, hears=True, speaks=True),
    "qwen3.5-omni": Senses(sees=True, hears=True, speaks=True),
    "qwq": Senses(),
    # OpenAI and DeepSeek, pages of the models.
    "gpt-3.5": Senses(),
    "deepseek-": Senses(),
}
"""By the beginning of the model's name, the longest that fits. A model that is not here is taken to see, until it
refuses a picture, and not to hear: most that came out since 2024 do and don't."""

DASHSCOPE_VISION = "qwen3-vl-plus"
"""What sees on Model Studio where the main model does not."""


_THINKING = ("qwen-plus", "qwen-flash", "qwen-turbo", "qwen3-", "qwen3.5-", "qwen3.6-", "qwen3-vl-")
"""Models that take ``enable_thinking`` (Alibaba Cloud Model Studio, "Deep thinking") ..."""
_ONE_WAY = ("-instruct", "-thinking", "-coder", "-omni", "qwen3-max")
"""... but for those of them that always or never reason."""


def senses(model: str) -> Senses:
    """What a model takes and gives besides text."""
    name = model.rsplit("/", 1)[-1].lower()
    known = max((start for start in _SENSES if name.startswith(start)), key=len, default=None)
    found = Senses(sees=True) if known is None else _SENSES[known]
    return replace(found, thinks=name.startswith(_THINKING) and not any(one in name for one in _ONE_WAY))


def default_vision(base_url: str) -> str | None:
    """The model that answers about pictures where the chosen one can't and nobody named another."""
    return DASHSCOPE_VISION if cache_of(base_url) is MODEL_STUDIO else None


def cache_of(base_url: str) -> CacheProfile:
    """The prompt cache of the server at this address."""
    host = urlsplit(base_url).hostname or ""
    return MODEL_STUDIO if f".{host}".endswith(".aliyuncs.com") else AUTOMATIC


def context_window(model: str) -> int:
    """How many tokens a prompt for this model may have; 32,768 when it is not known.

    Names with a maker in front (as gateways give them: ``openai/gpt-4o``) are known too.
    """
    name = model.rsplit("/", 1)[-1].lower()
    known = max((start for start in _WINDOWS if name.startswith(start)), key=len, default=None)
    return UNKNOWN_WINDOW if known is None else _WINDOWS[known]
