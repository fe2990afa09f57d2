"""A model server: all models at one address."""

import asyncio
import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pydantic import JsonValue

from bot.concurrency import start_apart
from bot.llm.breaker import PROBE_EVERY_S, CircuitBreaker
from bot.llm.interface import OWN_HIT, CacheProfile
from bot.llm.known import KNOWN
from bot.llm.profiles import ModelProfile, Profiles
from bot.llm.request_queue import RequestQueue

if TYPE_CHECKING:
    from bot.llm.learned import FactStore
    from bot.llm.model import Model

RETRIES = 4
"""With a back-off from 0.5 s doubling to 8 s, about eight seconds, unless the server asks for more (``request_queue``).
"""
CONNECT_TIMEOUT_S = 10.0
READY_S = 2.0
"""How long after asking a server for its models prompts wait for the list; later ones use what is known."""


class Server(ABC):
    """All models at one address; subclasses implement an API."""

    takes_markers = False
    """Whether the API has ``cache_control`` markers."""
    takes_breakpoints = False
    """Whether the API has OpenAI's breakpoints."""

    def __init__(
        self,
        base_url: str,
        extra_body: Mapping[str, JsonValue],
        profiles: Profiles = KNOWN,
        most_tokens: int | None = None,
        *,
        gate: RequestQueue | None = None,
        retries: int = RETRIES,
    ) -> None:
        """`extra_body` is merged into every request; `most_tokens` limits an answer; `gate` None: an own queue."""
        self.base_url = base_url
        self.extra_body = dict(extra_body)
        self.most_tokens = most_tokens
        self.profiles = profiles
        self.profile = profiles.server(base_url)
        self.keeps_responses = self.profile.keeps_responses
        """Whether it continues from earlier responses, as far as known."""
        self.breaker = CircuitBreaker(urlsplit(base_url).netloc, self._answers)
        self.gate = gate or RequestQueue(self.breaker.name)
        self.retries = retries
        self.memory: FactStore | None = None
        self.listed: Mapping[str, ModelProfile] = {}
        self.unsure = False
        """Whether a later request for the list of models may tell more."""
        self.own_engine = False
        """Whether it is a self-hosted engine without prices: llama.cpp, Ollama."""
        self._learned: asyncio.Event | None = None
        """Set once the list of models has been requested and processed; None: not requested."""
        self._ready_by = 0.0
        self._probed_at, self._probed = float("-inf"), False
        self._asking: asyncio.Task[None] | None = None
        self._models: dict[str, Model] = {}
        self._known: dict[str, ModelProfile] = {}

    def cache(self, name: str) -> CacheProfile:
        cache = self.profile.cache(name, self.profile_of(name))
        if self.own_engine:
            cache = replace(cache, hit=OWN_HIT)
        if cache.explicit and (self.takes_breakpoints if cache.exact else self.takes_markers):
            return cache
        return replace(cache, explicit=False, exact=False)

    @property
    def vision_model(self) -> str | None:
        return self.profile.vision_model

    def of(self, name: str) -> "Model":
        if name not in self._models:
            self._models[name] = model = self._model(name)
            if self.memory is not None:
                model.recall(self.memory.of(self.facts_key(model), name))
        return self._models[name]

    def remember(self, memory: "FactStore") -> None:
        """Use a store for learned facts, and apply what it holds."""
        self.memory = memory
        for model in self._models.values():
            model.recall(memory.of(self.facts_key(model), model.name))

    def keep(self, model: "Model") -> None:
        """Store what was learned about a model."""
        if self.memory is not None:
            self.memory.keep(self.facts_key(model), model.name, model.learned)

    def facts_key(self, model: "Model") -> str:
        """The key for what was learned about a model: the API, the address and a digest of its settings.

        The settings count because a refused voice, for example, isn't refused any more once it is changed.
        """
        said = (
            self.extra_body,
            self.most_tokens,
            self.profile.model_dump(),
            self.profiles.model(model.name).model_dump(),
        )
        digest = hashlib.sha256(json.dumps(said, sort_keys=True, default=str).encode()).hexdigest()
        return f"{type(model).__name__} {self.breaker.name} {digest[:8]}"

    async def learn(self) -> None:
        """Ask the server for its models, and update those already in use."""
        if self._learned is not None:
            return
        self._learned = asyncio.Event()
        self._ready_by = asyncio.get_running_loop().time() + READY_S
        try:
            self._take(await self._list())
            for model in self._models.values():
                model.know(self.profile_of(model.name))
        finally:
            self._learned.set()

    async def ready(self) -> None:
        if self._learned is not None and not self._learned.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout_at(self._ready_by):
                    await self._learned.wait()

    def seen_to_answer(self) -> None:
        """A model has answered: ask once more for what the server couldn't tell before."""
        if self.unsure and self._asking is None:
            self._asking = start_apart(self._learn_late(), f"list of models of {self.breaker.name}")

    async def _learn_late(self) -> None:
        self._take({**self.listed, **await self._list()})
        for model in self._models.values():
            profile = self.profile_of(model.name)
            if profile.context_window < model.window:
                model.learn_limit(profile.context_window)  # takes precedence over CONTEXT_WINDOW too
                profile = profile.model_copy(update={"context_window": model.window})
            model.know(profile)

    def profile_of(self, name: str) -> ModelProfile:
        """The profile of a model, including what the server's list tells."""
        if name not in self._known:  # cached: it is read several times per answer, and matching tries all patterns
            whole = name.lower()
            names = whole, whole.rsplit("/", 1)[-1], f"{whole}:latest", ""
            listed = next((self.listed[listed_name] for listed_name in names if listed_name in self.listed), None)
            self._known[name] = self.profiles.model(name, listed)
        return self._known[name]

    def _take(self, listed: Mapping[str, ModelProfile]) -> None:
        self.listed = listed
        self._known.clear()

    async def _list(self) -> Mapping[str, ModelProfile]:
        """The server's list of models, if it has one."""
        return {}

    async def close(self) -> None:
        self.gate.close()
        await self.breaker.close()
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.wait([self._asking])
        for model in self._models.values():
            await model.breaker.close()
        await self._close()

    async def answers(self) -> bool:
        """Whether the server responds at all."""
        return await self._answers()

    async def reached(self) -> bool:
        """Whether it could be reached, as last seen by a request; without a successful one it is asked now and then."""
        if self.breaker.up:
            return True
        now = asyncio.get_running_loop().time()
        if now - self._probed_at >= PROBE_EVERY_S:
            self._probed_at = now
            self._probed = await self.answers()
        return self._probed

    @abstractmethod
    def _model(self, name: str) -> "Model":
        """Make a model."""

    @abstractmethod
    async def _answers(self) -> bool:
        """Whether the server responds at all."""

    @abstractmethod
    async def _close(self) -> None:
        """Close the connections."""
