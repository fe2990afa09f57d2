"""A server that is spoken to through the openai client, by any of OpenAI's interfaces.

The client tries nothing again by itself: the model does (``model``), and whose turn it is its server's gate knows.
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
from bot.llm.client import client
from bot.llm.failures import translate
from bot.llm.fields import ThinkingSwitch
from bot.llm.interface import BREAKPOINT, CONTROL, KEY, OPTIONS, OURS_ALONE, Message, Options
from bot.llm.known import KNOWN
from bot.llm.model import Model
from bot.llm.model_list import OF_LOADED, listed, loaded, native
from bot.llm.profiles import ModelProfile, Profiles
from bot.llm.request_queue import RequestQueue
from bot.llm.server import CONNECT_TIMEOUT_S, RETRIES, Server

LIST_TIMEOUT_S = 5.0
"""For the list of models. One that does not come in time is asked for again when a model has answered."""
NOT_NOW = (401, 402, 403, 408, 409, 425, 429)
"""What may be otherwise later."""
LOADING = (408, 425, 429, 500, 502, 503, 504)
"""How a server, or the gateway before it, answers that is not there yet."""
LONGEST_LIST = 16 * 2**20
log = logging.getLogger(__name__)


class OpenAIServer(Server):
    """One client for all models that are behind an address; `api`: the kind of model, which is the interface."""

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
        """`timeout`: the longest silence of the server, in seconds; `extra_body` is merged into every request.

        `markers_anyway`: what is marked is sent ``cache_control`` markers also where it is not known who takes them.
        """
        super().__init__(base_url, extra_body, profiles, most_tokens, gate=gate, retries=RETRIES)
        self.client = client(base_url, api_key, silence=timeout, connect=CONNECT_TIMEOUT_S)
        self.takes_markers, self.takes_breakpoints = api.takes_markers, True
        self.markers_anyway = markers_anyway
        self._api = api

    def _model(self, name: str) -> "OpenAIModel":
        return self._api(self, name)

    async def _close(self) -> None:
        await self.client.close()

    @property
    def responses_url(self) -> str:
        """What the addresses of the responses begin with that it keeps: without a query, which may hold a key."""
        address = urlsplit(self.base_url)._replace(query="").geturl()
        return f"{address.rstrip('/')}/responses/"

    async def delete_responses(self, urls: Collection[str]) -> set[str]:
        """Delete these; returns those that it has no more. A server that is in trouble is asked for no further ones."""
        once, gone = self.client.with_options(max_retries=0, timeout=CONNECT_TIMEOUT_S), set[str]()
        for model in self._models.values():
            if isinstance(model, OpenAIModel):
                model.drop({url.removeprefix(self.responses_url) for url in urls})
        for url in urls:
            try:
                await once.responses.delete(url.removeprefix(self.responses_url))
            except openai.APIStatusError as exc:
                if exc.status_code in NOT_NOW or exc.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
                    log.info("%s does not delete responses now: %s", self.breaker.name, exc.status_code)
                    break
                if exc.status_code not in (HTTPStatus.NOT_FOUND, HTTPStatus.GONE):
                    log.warning("%s does not delete a response: %s", self.breaker.name, exc.status_code)
            except openai.OpenAIError as exc:
                log.info("%s can't be told to delete responses now: %s", self.breaker.name, type(exc).__name__)
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
                found = await asyncio.to_thread(listed, body)
                path = native(body)
                self.unsure = path == OF_LOADED
                self.own_engine = path is not None
                if self.unsure and "thinking_as" not in self.profile.model_fields_set:
                    self.profile = self.profile.model_copy(update={"thinking_as": ThinkingSwitch.OFF})
                if path is not None:
                    root = self.base_url.rstrip("/").removesuffix("/v1")
                    found |= loaded(await once.get(root + path, cast_to=object))
        except (openai.APIConnectionError, TimeoutError):
            self.unsure = True
            log.info("%s can't be asked for its models yet", self.breaker.name)
        except (openai.OpenAIError, ValueError, RecursionError) as exc:
            self.unsure = isinstance(exc, openai.APIStatusError) and exc.status_code in LOADING
            log.info("%s does not tell all of its models: %s", self.breaker.name, type(exc).__name__)
        return found

    async def _answers(self) -> bool:
        once = self.client.with_options(timeout=CONNECT_TIMEOUT_S)
        try:  # unread: what some servers and the gateways before them send here is no list, nor even JSON
            await once.models.with_raw_response.list()
        except openai.APIStatusError as exc:  # not every server has this list
            return exc.status_code < 500
        except openai.OpenAIError:
            return False
        return True


class OpenAIModel(Model):
    """One model of such a server."""

    foreign = (openai.OpenAIError, httpx2.HTTPError)  # the client lets some of those beneath it pass
    takes_markers = False
    """Whether the interface has ``cache_control`` markers."""

    def __init__(self, server: OpenAIServer, name: str) -> None:
        super().__init__(server, name)
        self.server = server
        self._cache = server.cache(name)
        self._takes_parts = server.profile.content_parts

    def drop(self, ids: Collection[str]) -> None:
        """No conversation is gone on with from these responses any more."""

    def _sent(self, messages: Sequence[Message], options: Options) -> Collection[str]:
        return {*super()._sent(messages, options), *filter(None, (self._marker(messages, options),))}

    def _marker(self, messages: Sequence[Message], options: Options) -> str:
        """The field that marks what is to be cached; empty: nothing is marked."""
        controls = self.takes_markers and (self._cache.explicit or self.server.markers_anyway)
        marker = BREAKPOINT if self._cache.exact else CONTROL if controls else ""
        wanted = self._takes_parts and marker not in options.without and any(message.mark for message in messages)
        return marker if wanted else ""

    def _caching(self, messages: Sequence[Message], options: Options) -> dict[str, JsonValue]:
        """What a request says of the prompt cache beside its marks; what the operator says of it holds."""
        said: dict[str, JsonValue] = {}
        if options.cache_key and self.server.profile.cache_key and KEY not in self.extra_body:
            said[KEY] = options.cache_key
        if self._marker(messages, options) == BREAKPOINT:
            theirs = self.extra_body.get(OPTIONS)
            said[OPTIONS] = OURS_ALONE | (theirs if isinstance(theirs, dict) else {})
        return said

    def _translated(self, exc: Exception, *, streaming: bool) -> ModelError:
        return translate(cast("openai.OpenAIError | httpx2.HTTPError", exc), streaming=streaming)
