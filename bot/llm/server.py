"""A model server and its models, whatever interface they are spoken to by.

The client itself tries again on 408, 409, 429, 5xx and connection errors, with back-off and the server's Retry-After.
A stream that broke after it began is not its business: that is a StreamCut here.
"""

import json
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from urllib.parse import urlsplit

import openai
from pydantic import JsonValue

from bot.errors import CannotHear, CannotSee, ModelError, StreamCut
from bot.llm.breaker import Breaker
from bot.llm.client import client
from bot.llm.failures import translate
from bot.llm.interface import DEFAULT, CacheProfile, Delta, Image, Message, Options, Senses, Sound
from bot.llm.known import KNOWN
from bot.llm.profiles import Profiles
from bot.llm.thinking import Thinking

RETRIES = 4
"""With the client's back-off (0.5 s doubling to 8 s) about eight seconds, unless the server asks for more."""
CONNECT_TIMEOUT_S = 10.0


class Server:
    """One client for all models that are behind an address; `api`: the kind of model, which is the interface."""

    def __init__(
        self,
        api: "type[Model]",
        *,
        base_url: str,
        api_key: str,
        extra_body: Mapping[str, JsonValue],
        timeout: float,
        profiles: Profiles = KNOWN,
    ) -> None:
        """`timeout`: the longest silence of the server, in seconds; `extra_body` is merged into every request."""
        self.client = client(base_url, api_key, retries=RETRIES, silence=timeout, connect=CONNECT_TIMEOUT_S)
        self.extra_body = dict(extra_body)
        self.profiles = profiles
        self.profile = profiles.server(base_url)
        self.breaker = Breaker(urlsplit(base_url).netloc, self._answers)
        self._api = api
        self._models: dict[str, Model] = {}

    @property
    def cache(self) -> CacheProfile:
        """See Models.cache."""
        cache = self.profile.cache
        return replace(cache, explicit=cache.explicit and self._api.takes_markers)

    @property
    def vision_model(self) -> str | None:
        """See Models.vision_model."""
        return self.profile.vision_model

    def of(self, name: str) -> "Model":
        """See Models.of."""
        if name not in self._models:
            self._models[name] = self._api(self, name)
        return self._models[name]

    async def close(self) -> None:
        """Close the connections."""
        await self.breaker.close()
        await self.client.close()

    async def _answers(self) -> bool:
        """Whether the server has anything to say at all; not every one has this list."""
        try:
            await self.client.with_options(max_retries=0, timeout=CONNECT_TIMEOUT_S).models.list()
        except openai.APIStatusError as exc:
            return exc.status_code < 500
        except openai.OpenAIError:
            return False
        return True


class Model(ABC):
    """One model of a server: what all interfaces have in common."""

    takes_markers = False
    """Whether the interface has cache markers."""

    def __init__(self, server: Server, name: str) -> None:
        self.name = name
        profile, parts = server.profiles.model(name), server.profile.content_parts
        self.senses: Senses = profile.senses if parts else replace(profile.senses, sees=False, hears=False)
        self.window = profile.context_window
        self.single_turn = profile.single_turn
        self.server = server

    async def stream(self, messages: Sequence[Message], options: Options = DEFAULT) -> AsyncGenerator[Delta, None]:
        """See ChatModel.stream."""
        self.server.breaker.check()
        began = finished = False
        thinking = Thinking()
        try:
            async with aclosing(self._deltas(messages, options)) as deltas:
                async for delta in deltas:
                    if not began:
                        self.server.breaker.answered()
                    began = True
                    finished = finished or delta.finish is not None
                    yield _thought(delta, thinking)
        except openai.OpenAIError as exc:
            raise self._learned(messages, translate(exc, streaming=began)) from exc
        except ModelError as exc:
            raise self._learned(messages, exc) from exc.__cause__
        except json.JSONDecodeError as exc:
            raise self._learned(messages, StreamCut("a piece of the stream is no JSON")) from exc
        if not finished:
            raise self._learned(messages, StreamCut("the stream ended without a finish_reason"))

    @abstractmethod
    def _deltas(self, messages: Sequence[Message], options: Options) -> AsyncGenerator[Delta, None]:
        """The server's answer piece by piece. Raises the client's exceptions, or a ModelError for what a piece says."""

    def _learned(self, messages: Sequence[Message], error: ModelError) -> ModelError:
        """The error, after it has taught what this model can't do, and how its server is."""
        self.server.breaker.failed(error)
        error.model = self.name
        sent = {type(part) for message in messages for part in message.parts}
        if isinstance(error, CannotSee) and Image in sent:
            self.senses = replace(self.senses, sees=False)
        elif isinstance(error, CannotHear) and Sound in sent:
            self.senses = replace(self.senses, hears=False)
        return error


def _thought(delta: Delta, thinking: Thinking) -> Delta:
    text, reasoning = thinking.split(delta.text) if delta.text else ("", "")
    if delta.finish is not None:
        more, thoughts = thinking.rest()
        text, reasoning = text + more, reasoning + thoughts
    return replace(delta, text=text, reasoning=delta.reasoning + reasoning)
