"""What is known of a model server by its host, and of a model by its name.

The tables are in ``known.py``. A file of the operator's (``MODEL_PROFILES``, TOML) says more or otherwise, in the same
words:

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

Names are patterns (``*`` is anything), without a maker in front (as gateways give them: ``openai/gpt-4o``) and in lower
case. All that fit count: a longer pattern over a shorter one, the file over the tables.
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
"""OpenAI, "Prompt caching": how long at least a breakpoint is kept that was written or read."""


class ModelProfile(BaseModel):
    """A model; the defaults are what one that nobody knows is taken for.

    A window that is assumed too small costs nothing but an early compaction, one that is too large costs a refused
    request. Most models that came out since 2024 see and don't hear; one that refuses a picture is sent no other.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    context_window: int = Field(default=32_768, ge=1024)
    """Tokens of input."""
    most_output: int | None = Field(default=None, ge=16)
    """Tokens of an answer that it writes at most."""
    sees: bool = True
    most_images: int | None = Field(default=None, ge=1)
    """Pictures that it takes in one request, where that is less than its window has room for."""
    hears: bool = False
    speaks: bool = False
    thinks: bool = False
    """Whether it can be told to think, or not to."""
    voice: str = "alloy"
    """Whose voice it speaks with: this one all of OpenAI's models have."""
    voice_format: str = "pcm16"
    """What its samples are asked for as: 16 bits in any case, the only form that OpenAI streams."""
    tools: bool = False
    """Whether it calls functions that a request offers."""
    single_turn: bool = False
    """Whether it takes one message and no history."""
    cache_markers: bool = False
    """Whether it is cached by ``cache_control`` markers alone, so that gateways that nobody knows are sent them too."""
    cache_breakpoints: bool = False
    """Whether it is cached up to a ``prompt_cache_breakpoint`` alone, where its server knows that field."""
    temperature: float | None = Field(default=None, ge=0, le=2)
    extra_body: dict[str, JsonValue] = Field(default_factory=dict)
    """Merged into each request to this model, over LLM_EXTRA_BODY."""
    price_input: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    """Of a million fresh tokens; so are the other prices. Prices change, so that none is known by itself."""
    price_cached: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    price_written: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    """Of tokens that are put into the cache."""
    price_audio: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    """Of sound that it hears."""
    price_output: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    currency: str = Field(default="USD", pattern="^[A-Z]{3}$")

    @property
    def body(self) -> dict[str, JsonValue]:
        """What each request to it has on top."""
        chosen: dict[str, JsonValue] = {} if self.temperature is None else {"temperature": self.temperature}
        return chosen | self.extra_body

    @property
    def senses(self) -> Capabilities:
        """What it takes and gives besides text."""
        return Capabilities(self.sees, self.hears, self.speaks, self.thinks, self.most_images)


class ServerProfile(BaseModel):
    """A model server."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    cache_markers: bool | None = None
    """Whether it takes ``cache_control`` markers, and bills by them; unset: for models that are not cached without."""
    marked_models: list[str] = Field(default_factory=lambda: ["*"])
    """For which models it does."""
    cache_breakpoints: bool = False
    """Whether it takes ``prompt_cache_breakpoint``, for models that need it."""
    cache_key: bool = False
    """Whether it takes a ``prompt_cache_key``, by which requests that begin alike find each other."""
    cache_minimum: int = Field(default=1024, ge=0)
    """A shorter prompt is not cached, in tokens. OpenAI documents 1,024, and five minutes at least."""
    cache_seconds: float = Field(default=300, gt=0)
    """How long a prompt stays in the cache after it was last used."""
    vision_model: str | None = None
    """What answers about pictures where the chosen model can't see and nobody named another."""
    most_images: int | None = Field(default=None, ge=1)
    """As of a model; what is known of the model itself holds over it."""
    content_parts: bool = True
    """Whether a message may be a list of parts: without them nothing is shown, and no markers are sent."""
    sound_as_url: bool = False
    """Whether a sound is sent as a data URL, as Model Studio wants it, and not in bare base64, as all others do."""
    session_cache: bool = False
    """Whether the Responses API takes ``x-dashscope-session-cache: enable``."""
    keeps_responses: bool = False
    """Whether the Responses API goes on from ``previous_response_id``. Some servers that don't take it in silence."""
    usage_in_stream: bool = True
    """Whether it takes ``stream_options.include_usage``."""
    completion_tokens: bool = False
    """Whether the most tokens of an answer are called ``max_completion_tokens``, and not ``max_tokens``."""
    thinking_as: ThinkingSwitch = Field(default=ThinkingSwitch.QWEN, strict=False)
    """The field that says whether a model is to think."""
    thinking_in_template: bool = True
    """Whether it is told to think by ``chat_template_kwargs`` too, as vLLM, SGLang and llama.cpp want it."""

    def cache(self, name: str, model: ModelProfile) -> CacheProfile:
        """Its prompt cache, for a model of which this is known."""
        exact = self.cache_breakpoints and model.cache_breakpoints
        named = any(fnmatchcase(_bare(name), pattern.lower()) for pattern in self.marked_models)
        marked = model.cache_markers if self.cache_markers is None else self.cache_markers and named
        lasts = BREAKPOINT_SECONDS if exact and "cache_seconds" not in self.model_fields_set else self.cache_seconds
        explicit = self.content_parts and (exact or marked)
        return CacheProfile(explicit, minimum=self.cache_minimum, lifetime_s=lasts, exact=exact and explicit)

    def senses(self, model: ModelProfile) -> Capabilities:
        """What a model of which this is known takes and gives here."""
        senses = model.senses if self.content_parts else replace(model.senses, sees=False, hears=False)
        return senses if senses.most_images is not None else replace(senses, most_images=self.most_images)


class Fallback(BaseModel):
    """The server of a model in FALLBACK_MODELS; without an address it is the main model's."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    base_url: str | None = Field(default=None, pattern=r"^https?://[^\s/?#@]+(?:[/?][^\s#]*)?$")
    api_key: SecretStr | None = Field(default=None, min_length=1)
    """Its own: no other server's key is sent there."""

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
    """Tables by pattern, the weaker ones first."""

    models: tuple[Mapping[str, ModelProfile], ...]
    servers: tuple[Mapping[str, ServerProfile], ...]
    known: int = 1
    """How many of the tables of models are not the operator's."""
    fallbacks: Mapping[str, Fallback] = field(default_factory=dict)
    """By the names in FALLBACK_MODELS."""

    def with_voice(self, voice: str) -> Self:
        """These, with this voice for all models; a file may still name another one for some."""
        return type(self)((*self.models, {"*": ModelProfile(voice=voice)}), self.servers)

    def with_file(self, path: Path) -> Self:
        """These, and what a file says over them. Raises SettingError with what is wrong in it."""
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
        """What is known of a model; `told`: by its server, which knows more than a table and less than the operator."""
        bare = _bare(name)
        known = _merged(ModelProfile(), self.models[: self.known], bare)
        if _LOCAL.search(bare):
            window = min(known.context_window, ModelProfile().context_window)
            known = known.model_copy(update={"context_window": window})
        if told is not None:
            known = known.model_copy(update=told.model_dump(exclude_unset=True))
        return _merged(known, self.models[self.known :], bare)

    def server(self, base_url: str) -> ServerProfile:
        """What is known of the server at this address."""
        return _merged(ServerProfile(), self.servers, urlsplit(base_url).hostname or "")


_MAKER = re.compile(
    r"(?:[a-z]{2,6}(?:-gov)?\.)?(?:anthropic|openai|meta|mistral|qwen|moonshotai|moonshot|zai|xai|google|minimax|nvidia|amazon)\."
    r"(?=[a-z])|fw-(?=[a-z])"
)
"""In front of a name at Bedrock, with a region or without, and at Azure."""
_FIREWORKS = re.compile(r"(?<=\d)p(?=\d)")
_LOCAL = re.compile(r":(?!.*cloud)(?:(?:latest|e?\d+(?:\.\d+)?[bm])\b|i?q\d|f16|bf16)")
"""A tag of Ollama's: what window the model is given is a matter of the machine."""


def _bare(name: str) -> str:
    """The name as its maker writes it, in small letters."""
    bare = name.rsplit("/", 1)[-1].lower()
    bare = _MAKER.sub("", bare, count=1) if _MAKER.match(bare) else bare
    if bare.startswith("deepseek.v"):  # Bedrock's
        bare = bare.replace(".", "-", 1)
    return _FIREWORKS.sub(".", bare)


def _merged(profile: Profile, tables: tuple[Mapping[str, Profile], ...], name: str) -> Profile:
    for table in tables:
        for pattern in sorted(table, key=len):
            if fnmatchcase(name, pattern.lower()):
                profile = profile.model_copy(update=table[pattern].model_dump(exclude_unset=True))
    return profile
