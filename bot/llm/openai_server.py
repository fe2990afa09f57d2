"""A server accessed through the openai client, with any of OpenAI's APIs.

The client's own retries are off: ``model`` retries, and the server's request queue decides whose turn it is.
"""

import asyncio
import json
import logging
from collections.abc import Collection, Mapping, Sequence
from http import HTTPStatus
from typing import cast
from urllib.parse import urlsplit

import httpx2
import openai
from pydantic import JsonValue

from bot.errors import ModelError
from bot.llm.client import make_client
from bot.llm.failures import translate
from bot.llm.fields import ThinkingSwitch
from bot.llm.interface import BREAKPOINT, CONTROL, KEY, OPTIONS, OURS_ALONE, Message, Options
from bot.llm.known import KNOWN
from bot.llm.model import Model
from bot.llm.model_list import OF_LOADED, loaded_profiles, native_path, profiles_in_list
from bot.llm.profiles import ModelProfile, Profiles
from bot.llm.request_queue import RequestQueue
from bot.llm.server import CONNECT_TIMEOUT_S, RETRIES, Server

LIST_TIMEOUT_S = 5.0
"""Timeout for the list of models. If it is missed, the list is requested again after the first answer."""
NOT_NOW = (401, 402, 403, 408, 409, 425, 429)
"""Statuses that may change later."""
LOADING = (408, 425, 429, 500, 502, 503, 504)
"""Statuses of a server, or a gateway in front of it, that is still starting."""
LONGEST_LIST = 16 * 2**20
log = logging.getLogger(__name__)


class OpenAIServer(Server):
    """One client for all models at an address; `api` is the model class, which determines the API."""

    def __init__(
        self,
        api: "type[OpenAIModel]",
        *,
        base_url: str,
        api_key: str,
        extra_body: Mapping[str, JsonValue],
        timeout: float,
        profiles: Profiles = KNOWN,
        most_tokens: int | None = None,
        gate: RequestQueue | None = None,
        markers_anyway: bool = True,
    ) -> None:
        """`timeout`: seconds of silence allowed; `extra_body` is merged into every request.

        `markers_anyway`: send ``cache_control`` markers even if nothing is known about the server.
        """
        super().__init__(base_url, extra_body, profiles, most_tokens, gate=gate, retries=RETRIES)
        self.client = make_client(base_url, api_key, silence=timeout, connect=CONNECT_TIMEOUT_S)
        self.takes_markers, self.takes_breakpoints = api.takes_markers, True
        self.markers_anyway = markers_anyway
        self._api = api

    def _model(self, name: str) -> "OpenAIModel":
        return self._api(self, name)

    async def _close(self) -> None:
        await self.client.close()

    @property
    def responses_url(self) -> str:
        """The prefix of the URLs of kept responses, without the base URL's query, which may contain a key."""
        address = urlsplit(self.base_url)._replace(query="").geturl()
        return f"{address.rstrip('/')}/responses/"

    async def delete_responses(self, urls: Collection[str]) -> set[str]:
        """Delete responses; returns those that no longer exist. Stops at the first sign that the server has trouble."""
        once, gone = self.client.with_options(max_retries=0, timeout=CONNECT_TIMEOUT_S), set[str]()
        for model in self._models.values():
            if isinstance(model, OpenAIModel):
                model.drop({url.removeprefix(self.responses_url) for url in urls})
        for url in urls:
            try:
                await once.responses.delete(url.removeprefix(self.responses_url))
            except openai.APIStatusError as exc:
                if exc.status_code in NOT_NOW or exc.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
                    log.info("%s refuses to delete responses for now: %s", self.breaker.name, exc.status_code)
                    break
                if exc.status_code not in (HTTPStatus.NOT_FOUND, HTTPStatus.GONE):
                    log.warning("%s refuses to delete a response: %s", self.breaker.name, exc.status_code)
            except openai.OpenAIError as exc:
                log.info("%s can't be asked to delete responses now: %s", self.breaker.name, type(exc).__name__)
                break
            gone.add(url)
        return gone

    async def _list(self) -> Mapping[str, ModelProfile]:
        once = self.client.with_options(timeout=LIST_TIMEOUT_S)
        found: dict[str, ModelProfile] = {}
        try:
            async with asyncio.timeout(LIST_TIMEOUT_S):
                response = await once.models.with_raw_response.list()
                if len(response.content) > LONGEST_LIST:
                    return found
                body = await asyncio.to_thread(json.loads, response.content)
                found = await asyncio.to_thread(profiles_in_list, body)
                path = native_path(body)
                self.unsure = path == OF_LOADED
                self.own_engine = path is not None
                if self.unsure and "thinking_as" not in self.profile.model_fields_set:
                    self.profile = self.profile.model_copy(update={"thinking_as": ThinkingSwitch.OFF})
                if path is not None:
                    root = self.base_url.rstrip("/").removesuffix("/v1")
                    found |= loaded_profiles(await once.get(root + path, cast_to=object))
        except (openai.APIConnectionError, TimeoutError):
            self.unsure = True
            log.info("%s can't be asked for its models yet", self.breaker.name)
        except (openai.OpenAIError, ValueError, RecursionError) as exc:
            self.unsure = isinstance(exc, openai.APIStatusError) and exc.status_code in LOADING
            log.info("%s didn't list its models completely: %s", self.breaker.name, type(exc).__name__)
        return found

    async def _answers(self) -> bool:
        once = self.client.with_options(timeout=CONNECT_TIMEOUT_S)
        try:  # the body is ignored: some servers and gateways send no list, or no JSON
            await once.models.with_raw_response.list()
        except openai.APIStatusError as exc:  # not every server has a list of models
            return exc.status_code < 500
        except openai.OpenAIError:
            return False
        return True


class OpenAIModel(Model):
    """One model of an OpenAI-compatible server."""

    foreign = (openai.OpenAIError, httpx2.HTTPError)  # openai lets some of httpx's exceptions through
    takes_markers = False
    """Whether the API has ``cache_control`` markers."""

    def __init__(self, server: OpenAIServer, name: str) -> None:
        super().__init__(server, name)
        self.server = server
        self._cache = server.cache(name)
        self._takes_parts = server.profile.content_parts

    def drop(self, ids: Collection[str]) -> None:
        """Never continue from these responses again."""

    def _optional_names(self, messages: Sequence[Message], options: Options) -> Collection[str]:
        return {*super()._optional_names(messages, options), *filter(None, (self._marker(messages, options),))}

    def _marker(self, messages: Sequence[Message], options: Options) -> str:
        """The field that marks what to cache, or "" if nothing is marked."""
        controls = self.takes_markers and (self._cache.explicit or self.server.markers_anyway)
        marker = BREAKPOINT if self._cache.exact else CONTROL if controls else ""
        wanted = self._takes_parts and marker not in options.without and any(message.mark for message in messages)
        return marker if wanted else ""

    def _caching(self, messages: Sequence[Message], options: Options) -> dict[str, JsonValue]:
        """Cache parameters of a request besides the marks; the operator's own settings take precedence."""
        said: dict[str, JsonValue] = {}
        profile = self.server.profile
        if options.cache_key and profile.cache_key and KEY not in self.extra_body:
            said[KEY] = options.cache_key
        if self._marker(messages, options) == BREAKPOINT:
            operators = self.extra_body.get(OPTIONS)
            said[OPTIONS] = OURS_ALONE | (operators if isinstance(operators, dict) else {})
        return said

    def _translate(self, exc: Exception, *, streaming: bool) -> ModelError:
        return translate(cast("openai.OpenAIError | httpx2.HTTPError", exc), streaming=streaming)
