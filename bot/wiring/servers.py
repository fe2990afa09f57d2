"""Wiring of the model servers from the settings, and of the file converter."""

import asyncio
import logging
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from urllib.parse import urlsplit

from bot.api_keys import misplaced
from bot.errors import SettingError
from bot.llm import local
from bot.llm.chat_completions import ChatCompletions
from bot.llm.embeddings import Embeddings
from bot.llm.fallback import WithFallback
from bot.llm.interface import Embedder, Models, Transcriber
from bot.llm.learned import FactStore
from bot.llm.local import LocalEmbeddings
from bot.llm.openai_server import OpenAIModel, OpenAIServer
from bot.llm.profiles import Fallback, Profiles
from bot.llm.request_queue import RequestQueue
from bot.llm.responses import Responses
from bot.llm.server import Server
from bot.llm.transcription import Transcriptions
from bot.media.converter import Converter
from bot.setting_types import RESERVED, sendable
from bot.settings import Settings
from bot.wiring.limits import known_profiles

APIS: Mapping[str, type[OpenAIModel]] = {"chat": ChatCompletions, "responses": Responses}
"""By their names in LLM_API; the third, "dashscope", needs a package that only an extra installs."""
FALLBACK_SHARE = 0.4
"""The share of MODEL_TIMEOUT that a model has until its first word if there is a fallback."""

log = logging.getLogger(__name__)


Remote = Embeddings | Transcriptions


@dataclass(frozen=True, slots=True)
class Servers:
    """The servers; None if one is not configured."""

    models: Models
    profiles: Profiles
    embedder: Embedder | None
    transcriber: Transcriber | None
    converter: Converter

    @property
    def recipients(self) -> tuple[str, ...]:
        """The hosts that words, pictures or sounds are sent to, besides Telegram, for ``/privacy``."""
        urls = [server.base_url for server in _servers(self.models)]
        urls += [service.base_url for service in (self.embedder, self.transcriber) if isinstance(service, Remote)]
        return tuple(dict.fromkeys(urlsplit(url).hostname or url for url in urls))

    @property
    def keeper(self) -> OpenAIServer | None:
        """The main server if it may store responses, or None if it is of another kind."""
        models = self.models
        while isinstance(models, WithFallback):
            models = models.first
        return models if isinstance(models, OpenAIServer) else None


class RequestQueues:
    """One queue per server and key, for all kinds of requests; see `Settings.model_concurrency`."""

    def __init__(self, most: int | None, patience: float) -> None:
        self._most = most
        self._patience = patience
        self._made: dict[tuple[str, str | None], RequestQueue] = {}

    def of(self, url: str, key: str | None) -> RequestQueue:
        """The queue for the server at this URL."""
        host = urlsplit(url).netloc
        return self._made.setdefault((host.lower(), key), RequestQueue(host, self._most, self._patience))


def open_servers(settings: Settings, stack: AsyncExitStack) -> Servers:
    """Create them, to be closed with the stack. Raises SettingError for an invalid MODEL_PROFILES file."""
    profiles = known_profiles(settings)
    _check_extra_bodies(profiles)
    _check_keys(profiles)
    queues = RequestQueues(settings.model_concurrency, settings.model_timeout)
    models, embedder = _models(settings, profiles, queues), _embedder(settings, queues)
    servers = Servers(models, profiles, embedder, _transcriber(settings, queues), Converter())
    for service in (servers.models, servers.embedder, servers.transcriber, servers.converter):
        if service is not None:
            stack.push_async_callback(service.close)
    return servers


def _check_extra_bodies(profiles: Profiles) -> None:
    for name, profile in (entry for table in profiles.models for entry in table.items()):
        if reserved := sorted(RESERVED & profile.extra_body.keys()):
            raise SettingError(f"MODEL_PROFILES: models.{name}.extra_body: {reserved[0]!r} is set by the bot itself")


def _check_keys(profiles: Profiles) -> None:
    for name, fallback in profiles.fallbacks.items():
        if fallback.api_key is None or fallback.base_url is None:
            continue
        try:
            wrong = misplaced(sendable(fallback.api_key).get_secret_value(), fallback.base_url)
        except ValueError as exc:
            raise SettingError(f'MODEL_PROFILES: fallbacks."{name}".api_key: {exc}') from None
        if wrong is not None:
            raise SettingError(f'MODEL_PROFILES: fallbacks."{name}".base_url: {wrong}')


async def connect_servers(
    settings: Settings, stack: AsyncExitStack, patience: float | None = None, memory: FactStore | None = None
) -> Servers:
    """Create them, and ask the model servers about their models.

    After `patience` seconds (None: no limit) the rest is learned in the background. `memory`: what was learned about
    the servers before.
    """
    servers = open_servers(settings, stack)
    if memory is not None:
        for server in _servers(servers.models):
            server.remember(memory)
    learning = asyncio.create_task(servers.models.learn(), name="lists of models")
    stack.push_async_callback(_cancel, learning)
    await asyncio.wait([learning], timeout=patience)
    return servers


async def _cancel(learning: asyncio.Task[None]) -> None:
    learning.cancel()
    await asyncio.wait([learning])


def _models(settings: Settings, profiles: Profiles, queues: RequestQueues) -> Models:
    first = _server(settings, profiles, queues)
    servers = [(name, _of_fallback(settings, profiles, name, queues) or first) for name in settings.fallbacks]
    if not servers:
        return first
    patience = FALLBACK_SHARE * settings.model_timeout / len(servers)
    name, last = servers.pop()
    models: Models = last
    while servers:
        before, server = servers.pop()
        models, name = WithFallback(server, models, name, patience), before
    return WithFallback(first, models, name, patience)


def _servers(models: Models) -> list[Server]:
    if isinstance(models, WithFallback):
        return _servers(models.first) + _servers(models.second)
    return [models] if isinstance(models, Server) else []


async def any_reached(servers: Servers) -> bool:
    """Whether any server of a chat model can be reached, as last seen."""
    return any([await server.reached() for server in _servers(servers.models)])


def _of_fallback(settings: Settings, profiles: Profiles, name: str, queues: RequestQueues) -> Server | None:
    """A fallback's own server, or None if it uses the main model's."""
    own = profiles.fallbacks.get(name, Fallback())
    base_url, key = own.base_url, own.api_key and sendable(own.api_key)
    if name == settings.fallback_model and settings.fallback_base_url:
        base_url, key = settings.fallback_base_url, settings.fallback_api_key
    if base_url is None or key is None:
        return None
    return OpenAIServer(
        ChatCompletions,
        base_url=base_url,
        api_key=key.get_secret_value(),
        extra_body={},
        timeout=settings.model_timeout,
        profiles=profiles,
        most_tokens=settings.max_answer_tokens,
        gate=queues.of(base_url, key.get_secret_value()),
        markers_anyway=settings.cache_markers == "on",
    )


def _server(settings: Settings, profiles: Profiles, queues: RequestQueues) -> Server:
    if settings.llm_api == "dashscope":
        return _native(settings, profiles, queues)
    return OpenAIServer(
        APIS[settings.llm_api],
        base_url=settings.openai_base_url,
        api_key=settings.model_key,
        extra_body=settings.llm_extra_body,
        timeout=settings.model_timeout,
        profiles=profiles,
        most_tokens=settings.max_answer_tokens,
        gate=queues.of(settings.openai_base_url, settings.model_key),
        markers_anyway=settings.cache_markers == "on",
    )


def _native(settings: Settings, profiles: Profiles, queues: RequestQueues) -> Server:
    try:
        from bot.llm.dashscope import DashScopeServer
    except ImportError as exc:
        sentence = "LLM_API: 'dashscope' needs the package aiohttp, which comes with the extra 'qwen'"
        raise SettingError(f"{sentence} ({exc})") from exc
    return DashScopeServer(
        base_url=settings.dashscope_url,
        api_key=settings.model_key,
        extra_body=settings.llm_extra_body,
        timeout=settings.model_timeout,
        profiles=profiles,
        most_tokens=settings.max_answer_tokens,
        gate=queues.of(settings.dashscope_url, settings.model_key),
    )


def _embedder(settings: Settings, queues: RequestQueues) -> Embedder | None:
    if settings.embedding_model == "off":
        return None
    if settings.embedding_model in (None, "local"):
        return _local_embedder(named=settings.embedding_model is not None)
    key = _warn_if_missing(settings.embedding_key, "EMBEDDING_API_KEY", settings.embedding_url)
    return Embeddings(
        base_url=settings.embedding_url,
        api_key=key,
        model=settings.embedding_model,
        timeout=settings.model_timeout,
        gate=queues.of(settings.embedding_url, key),
    )


def _local_embedder(*, named: bool) -> LocalEmbeddings | None:
    if local.is_installed():
        return LocalEmbeddings()
    if named:
        raise SettingError(
            f"EMBEDDING_MODEL: 'local' needs the package {local.PACKAGE}, which comes with the extra '{local.EXTRA}'"
        )
    log.info(
        "Recall searches by words alone: EMBEDDING_MODEL is not set, and the extra '%s' is not installed",
        local.EXTRA,
    )
    return None


def _transcriber(settings: Settings, queues: RequestQueues) -> Transcriptions | None:
    if settings.transcription_model is None:
        return None
    key = _warn_if_missing(settings.transcription_key, "TRANSCRIPTION_API_KEY", settings.transcription_url)
    return Transcriptions(
        base_url=settings.transcription_url,
        api_key=key,
        model=settings.transcription_model,
        timeout=settings.model_timeout,
        gate=queues.of(settings.transcription_url, key),
    )


def _warn_if_missing(key: str | None, variable: str, url: str) -> str | None:
    """The key, with a warning if there is none: the main server's key is never sent to another server."""
    if key is None:
        log.warning("%s is not set: requests to %s are sent without a key, since none was set for it", variable, url)
    return key
