"""Profiles: what is known about a model server by its host name, and about a model by its name.

The built-in tables are in ``known.py``. The operator's file (``MODEL_PROFILES``, TOML) extends or overrides them:

    [models."my-model*"]
    context_window = 65536
    sees = true
    temperature = 0.6
    most_output = 8192
    extra_body = { top_p = 0.9 }

    [servers."*.example.org"]
    content_parts = false

    [fallbacks."another-model"]
    base_url = "https://models.example.net/v1"
    api_key = "..."

Names are patterns (``*`` matches anything) in lower case, without the maker's prefix that gateways add
(``openai/gpt-4o``). All matching patterns apply: longer ones override shorter ones, the file overrides the tables.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Self, TypeVar
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, JsonValue, SecretStr, ValidationError, model_validator

from bot.errors import SettingError
from bot.llm.fields import ThinkingSwitch
from bot.llm.interface import CacheProfile, Capabilities

BREAKPOINT_SECONDS = 1800.0
"""OpenAI, "Prompt caching": the minimum time that a breakpoint is kept after it was written or read."""


class ModelProfile(BaseModel):
    """A model; the defaults are for unknown models.

    A window assumed too small only causes early compaction, one too large a refused request. Most models since 2024 can
    see but not hear; after a refused picture, no more are sent.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    context_window: int = Field(default=32_768, ge=1024)
    """Input tokens."""
    most_output: int | None = Field(default=None, ge=16)
    """The most tokens of an answer."""
    sees: bool = True
    most_images: int | None = Field(default=None, ge=1)
    """The most pictures in one request, if that is less than fits into the window."""
    hears: bool = False
    speaks: bool = False
    thinks: bool = False
    """Whether thinking can be switched on and off."""
    voice: str = "alloy"
    """The voice it speaks with; all of OpenAI's models have this one."""
    voice_format: str = "pcm16"
    """The sample format to request; 16 bits in any case. OpenAI streams only this one."""
    tools: bool = False
    """Whether it can call functions."""
    single_turn: bool = False
    """Whether it takes one message and no history."""
    cache_markers: bool = False
    """Whether its maker caches only with ``cache_control`` markers, so that unknown gateways get them too."""
    cache_breakpoints: bool = False
    """Whether it is cached only up to a ``prompt_cache_breakpoint``, if its server supports that field."""
    temperature: float | None = Field(default=None, ge=0, le=2)
    extra_body: dict[str, JsonValue] = Field(default_factory=dict)
    """Merged into every request to this model; overrides LLM_EXTRA_BODY."""
    price_input: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    """Per million uncached tokens; the other prices are per million too. Prices change, so none is built in."""
    price_cached: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    price_written: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    """Of tokens written to the cache."""
    price_audio: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    """Of audio input."""
    price_output: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    currency: str = Field(default="USD", pattern="^[A-Z]{3}$")

    @property
    def body(self) -> dict[str, JsonValue]:
        """The request fields set by this profile."""
        chosen: dict[str, JsonValue] = {} if self.temperature is None else {"temperature": self.temperature}
        return chosen | self.extra_body

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(self.sees, self.hears, self.speaks, self.thinks, self.most_images)


class ServerProfile(BaseModel):
    """A model server."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    cache_markers: bool | None = None
    """Whether it accepts ``cache_control`` markers and bills by them; None: only for models that need them."""
    marked_models: list[str] = Field(default_factory=lambda: ["*"])
    """The models for which it does."""
    cache_breakpoints: bool = False
    """Whether it accepts ``prompt_cache_breakpoint``, for models that need it."""
    cache_key: bool = False
    """Whether it accepts ``prompt_cache_key``, which routes requests with the same prefix to the same cache."""
    cache_minimum: int = Field(default=1024, ge=0)
    """The fewest tokens of a prompt that is cached. OpenAI documents 1,024, and at least five minutes."""
    cache_seconds: float = Field(default=300, gt=0)
    """How long a prompt stays cached after its last use."""
    vision_model: str | None = None
    """The model for pictures if the chosen model can't see and no setting names another."""
    most_images: int | None = Field(default=None, ge=1)
    """As in ModelProfile, which takes precedence."""
    content_parts: bool = True
    """Whether content may be a list of parts; without, there are neither pictures nor markers."""
    sound_as_url: bool = False
    """Whether sounds are sent as a data URL, as Model Studio requires, instead of plain base64."""
    session_cache: bool = False
    """Whether the Responses API accepts ``x-dashscope-session-cache: enable``."""
    keeps_responses: bool = False
    """Whether the Responses API continues from ``previous_response_id``. Some servers ignore it silently."""
    usage_in_stream: bool = True
    """Whether it accepts ``stream_options.include_usage``."""
    completion_tokens: bool = False
    """Whether the answer's limit is called ``max_completion_tokens`` rather than ``max_tokens``."""
    thinking_as: ThinkingSwitch = Field(default=ThinkingSwitch.QWEN, strict=False)
    """The field that switches thinking."""
    thinking_in_template: bool = True
    """Whether thinking is also switched in ``chat_template_kwargs``, as vLLM, SGLang and llama.cpp require."""

    def cache(self, name: str, model: ModelProfile) -> CacheProfile:
        """The prompt cache for a model with this profile."""
        exact = self.cache_breakpoints and model.cache_breakpoints
        named = any(fnmatchcase(_bare_name(name), pattern.lower()) for pattern in self.marked_models)
        marked = model.cache_markers if self.cache_markers is None else self.cache_markers and named
        lasts = BREAKPOINT_SECONDS if exact and "cache_seconds" not in self.model_fields_set else self.cache_seconds
        explicit = self.content_parts and (exact or marked)
        return CacheProfile(explicit, minimum=self.cache_minimum, lifetime_s=lasts, exact=exact and explicit)

    def capabilities(self, model: ModelProfile) -> Capabilities:
        """The capabilities of a model with this profile at this server."""
        capabilities = (
            model.capabilities if self.content_parts else replace(model.capabilities, sees=False, hears=False)
        )
        return (
            capabilities
            if capabilities.most_images is not None
            else replace(capabilities, most_images=self.most_images)
        )


class Fallback(BaseModel):
    """The server of a model in FALLBACK_MODELS; without an address, the main model's."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    base_url: str | None = Field(default=None, pattern=r"^https?://[^\s/?#@]+(?:[/?][^\s#]*)?$")
    api_key: SecretStr | None = Field(default=None, min_length=1)
    """Its own key: other servers' keys are never sent to it."""

    @model_validator(mode="after")
    def _has_its_key(self) -> Self:
        if (self.base_url is None) != (self.api_key is None):
            raise ValueError("base_url and api_key go together (any word if the server needs no key)")
        return self


class _File(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    models: dict[str, ModelProfile] = Field(default_factory=dict)
    servers: dict[str, ServerProfile] = Field(default_factory=dict)
    fallbacks: dict[str, Fallback] = Field(default_factory=dict)


Profile = TypeVar("Profile", ModelProfile, ServerProfile)


@dataclass(frozen=True, slots=True)
class Profiles:
    """Tables by pattern, in increasing precedence."""

    models: tuple[Mapping[str, ModelProfile], ...]
    servers: tuple[Mapping[str, ServerProfile], ...]
    known: int = 1
    """How many of the model tables are built in rather than the operator's."""
    fallbacks: Mapping[str, Fallback] = field(default_factory=dict)
    """By the names in FALLBACK_MODELS."""

    def with_voice(self, voice: str) -> Self:
        """The profiles with a voice for all models; a file may override it for some."""
        return type(self)((*self.models, {"*": ModelProfile(voice=voice)}), self.servers)

    def with_file(self, path: Path) -> Self:
        """The profiles extended by a file. Raises SettingError if the file is unreadable or invalid."""
        try:
            read = _File.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
        except OSError as exc:
            raise SettingError(f"MODEL_PROFILES: {path} can't be read: {exc.strerror}") from exc
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as exc:
            raise SettingError(f"MODEL_PROFILES: {path} is not TOML: {exc}") from exc
        except ValidationError as exc:
            first = exc.errors()[0]
            where = ".".join(map(str, first["loc"]))
            raise SettingError(
                f"MODEL_PROFILES: {path}: {where}: {first['msg'].removeprefix('Value error, ')}"
            ) from exc
        models, servers = (*self.models, read.models), (*self.servers, read.servers)
        return replace(self, models=models, servers=servers, fallbacks=read.fallbacks)

    def model(self, name: str, told: ModelProfile | None = None) -> ModelProfile:
        """The profile of a model; `told`, from its server, overrides the built-in tables but not the operator's."""
        bare = _bare_name(name)
        known = _merge(ModelProfile(), self.models[: self.known], bare)
        if _LOCAL.search(bare):
            window = min(known.context_window, ModelProfile().context_window)
            known = known.model_copy(update={"context_window": window})
        if told is not None:
            known = known.model_copy(update=told.model_dump(exclude_unset=True))
        return _merge(known, self.models[self.known :], bare)

    def server(self, base_url: str) -> ServerProfile:
        """The profile of the server at this address."""
        return _merge(ServerProfile(), self.servers, urlsplit(base_url).hostname or "")


_MAKER = re.compile(
    r"(?:[a-z]{2,6}(?:-gov)?\.)?(?:anthropic|openai|meta|mistral|qwen|moonshotai|moonshot|zai|xai|google|minimax|nvidia|amazon)\."
    r"(?=[a-z])|fw-(?=[a-z])"
)
"""Prefixes of model names at Bedrock, with or without a region, and at Azure."""
_FIREWORKS = re.compile(r"(?<=\d)p(?=\d)")
_LOCAL = re.compile(r":(?!.*cloud)(?:(?:latest|e?\d+(?:\.\d+)?[bm])\b|i?q\d|f16|bf16)")
"""An Ollama tag of a model that runs locally, where the window depends on the machine."""


def _bare_name(name: str) -> str:
    """The name as its maker writes it, in lower case."""
    bare = name.rsplit("/", 1)[-1].lower()
    bare = _MAKER.sub("", bare, count=1) if _MAKER.match(bare) else bare
    if bare.startswith("deepseek.v"):  # Bedrock's
        bare = bare.replace(".", "-", 1)
    return _FIREWORKS.sub(".", bare)


def _merge(profile: Profile, tables: tuple[Mapping[str, Profile], ...], name: str) -> Profile:
    for table in tables:
        for pattern in sorted(table, key=len):
            if fnmatchcase(name, pattern.lower()):
                profile = profile.model_copy(update=table[pattern].model_dump(exclude_unset=True))
    return profile
