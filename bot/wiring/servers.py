"""The model servers that the settings name, and the converter for files."""

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
from bot.llm.known import KNOWN
from bot.llm.learned import FactStore
from bot.llm.local import LocalEmbeddings
from bot.llm.openai_server import OpenAIModel, OpenAIServer
from bot.llm.profiles import Fallback, Profiles
from bot.llm.request_queue import RequestQueue
from bot.llm.responses import Responses
from bot.llm.server import Server
from bot.llm.transcription import Transcriptions
from bot.media.converter import Converter
from bot.setting_types import OURS, sendable
from bot.settings import Settings

APIS: Mapping[str, type[OpenAIModel]] = {"chat": ChatCompletions, "responses": Responses}
"""By the names in LLM_API; the third one, DashScope's own, needs a package that is an extra."""
FALLBACK_SHARE = 0.4
"""Of MODEL_TIMEOUT, what the first model has until its first word where another one could answer."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Servers:
    """None: not set up."""

    models: Models
    profiles: Profiles
    embedder: Embedder | None
    transcriber: Transcriber | None
    converter: Converter

    @property
    def keeper(self) -> OpenAIServer | None:
        """The server that may store responses, which is the first one; None: it is of another kind."""
        models = self.models
        while isinstance(models, WithFallback):
            models = models.first
        return models if isinstance(models, OpenAIServer) else None


class RequestQueues:
    """One queue for each server and account, for all kinds of requests; see `Settings.model_concurrency`."""

    def __init__(self, most: int | None, patience: float) -> None:
        self._most = most
        self._patience = patience
        self._made: dict[tuple[str, str | None], RequestQueue] = {}

    def of(self, url: str, key: str | None) -> RequestQueue:
        """The queue for the server at this address."""
        host = urlsplit(url).netloc
        return self._made.setdefault((host.lower(), key), RequestQueue(host, self._most, self._patience))


def open_servers(settings: Settings, stack: AsyncExitStack) -> Servers:
    """Make them, to be closed with the stack. Raises SettingError for an invalid MODEL_PROFILES file."""
    profiles = KNOWN.with_voice(settings.voice) if settings.voice else KNOWN
    profiles = profiles.with_file(settings.model_profiles) if settings.model_profiles else profiles
    _leave_ours(profiles)
    _check_keys(profiles)
    queues = RequestQueues(settings.model_concurrency, settings.model_timeout)
    models, embedder = _models(settings, profiles, queues), _embedder(settings, queues)
    servers = Servers(models, profiles, embedder, _transcriber(settings, queues), Converter())
    for one in (servers.models, servers.embedder, servers.transcriber, servers.converter):
        if one is not None:
            stack.push_async_callback(one.close)
    return servers


def _leave_ours(profiles: Profiles) -> None:
    for name, profile in (entry for table in profiles.models for entry in table.items()):
        if ours := sorted(OURS & profile.extra_body.keys()):
            raise SettingError(f"MODEL_PROFILES: models.{name}.extra_body: {ours[0]!r} is set by the bot itself")


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


async def ask_servers(
    settings: Settings, stack: AsyncExitStack, patience: float | None = None, memory: FactStore | None = None
) -> Servers:
    """Open them, and ask the model servers about their models.

    What they don't answer within `patience` seconds is learned in the background, until the stack is closed. `memory`:
    what was learned about servers before.
    """
    servers = open_servers(settings, stack)
    if memory is not None:
        for server in _servers(servers.models):
            server.remember(memory)
    learning = asyncio.create_task(servers.models.learn(), name="lists of models")
    stack.push_async_callback(_given_up, learning)
    await asyncio.wait([learning], timeout=patience)
    return servers


async def _given_up(learning: asyncio.Task[None]) -> None:
    learning.cancel()
    await asyncio.wait([learning])


def _models(settings: Settings, profiles: Profiles, queues: RequestQueues) -> Models:
    first = _server(settings, profiles, queues)
    servers = [(name, _of_fallback(settings, profiles, name, queues) or first) for name in settings.fallbacks]
    if not servers:
        return first
    patience = FALLBACK_SHARE * settings.model_timeout / len(servers)
    name, behind = servers.pop()
    models: Models = behind
    while servers:
        before, server = servers.pop()
        models, name = WithFallback(server, models, name, patience), before
    return WithFallback(first, models, name, patience)


def _servers(models: Models) -> list[Server]:
    if isinstance(models, WithFallback):
        return _servers(models.first) + _servers(models.second)
    return [models] if isinstance(models, Server) else []


def _of_fallback(settings: Settings, profiles: Profiles, name: str, queues: RequestQueues) -> Server | None:
    """A fallback's own server; None: it is the main model's."""
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
    key = _told(settings.embedding_key, "EMBEDDING_API_KEY", settings.embedding_url)
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
        "Turns are found by their words alone: EMBEDDING_MODEL is not set, and the extra '%s' is not installed",
        local.EXTRA,
    )
    return None


def _transcriber(settings: Settings, queues: RequestQueues) -> Transcriptions | None:
    if settings.transcription_model is None:
        return None
    key = _told(settings.transcription_key, "TRANSCRIPTION_API_KEY", settings.transcription_url)
    return Transcriptions(
        base_url=settings.transcription_url,
        api_key=key,
        model=settings.transcription_model,
        timeout=settings.model_timeout,
        gate=queues.of(settings.transcription_url, key),
    )


def _told(key: str | None, variable: str, url: str) -> str | None:
    """The key; that there is none is told, since the one of the model's server is nobody else's business."""
    if key is None:
        log.warning("%s is not set: %s is asked without a key, since no other was given for it", variable, url)
    return key
