"""A model server without a model: OpenAI's API in both forms, and DashScope's native one.

It is strict about requests, records them for tests, and answers as scripted or, by default, as a stand-in that says so.
"""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Message

from sandbox.http import serve
from sandbox.model import behaviour as standin
from sandbox.model import playback
from sandbox.model.api import ModelApi
from sandbox.model.behaviour import Behaviour, Break, Fail, Forward, Say
from sandbox.model.chat_api import ChatApi
from sandbox.model.dashscope_api import DashScopeApi, dashscope_error
from sandbox.model.embeddings import EmbeddingEndpoint
from sandbox.model.forwarding import forwarded
from sandbox.model.prompt_cache import PromptCache, PromptCount, PromptCounter, Tokenize, four_bytes
from sandbox.model.request import ChatRequest, ErrorBody, RawRequest, RequestError, openai_error
from sandbox.model.responses_answer import ResponseStore
from sandbox.model.responses_api import ResponsesApi
from sandbox.model.transcriptions import TranscriptionEndpoint

MODEL_NAME = "stand-in"
WORDS_PER_SECOND = 20.0
NATIVE = "/api/v1"
"""The path of DashScope's native API."""


class ModelServer:
    """Conversations, embeddings, transcriptions and the list of models; `key` None accepts any non-empty key.

    ``requests`` are the valid chat requests of all APIs, ``refused`` the reasons of invalid ones, ``counts`` the
    prompts of answered ones, ``abandoned`` those whose client left before the end. ``responses`` are those that a
    client may continue from. If ``truncates_at`` is set, longer prompts are silently truncated to that many tokens, as
    Ollama does. ``model_details`` are further properties in the list of models, which waits until
    ``models_available`` is set. Beyond ``slots`` concurrent chat requests the server answers ``overload``, or queues
    them if that is None; ``most_at_once`` is the observed maximum. ``embeddings`` and ``transcriptions`` have their own
    records and scripts. ``counter`` counts tokens, and which of them were cached. ``chunk`` is the number of words per
    delta of answers without a pace of their own.
    """

    def __init__(
        self,
        key: str | None = None,
        words_per_second: float = WORDS_PER_SECOND,
        tokenize: Tokenize = four_bytes,
        counter: Callable[[Tokenize], PromptCounter] = PromptCache,
        chunk: int = 1,
    ) -> None:
        self.requests: list[ChatRequest] = []
        self.counts: list[PromptCount] = []
        self.refused: list[str] = []
        self.abandoned: list[ChatRequest] = []
        self.embeddings = EmbeddingEndpoint()
        self.transcriptions = TranscriptionEndpoint()
        self.responses = ResponseStore()
        self.dashscope_url = ""
        self.truncates_at: int | None = None
        self.model_details: dict[str, object] = {}
        self.slots: int | None = None
        self.overload: Fail | None = Fail(429, "Too many requests")
        self.most_at_once = 0
        self._at_once = 0
        self.models_available = asyncio.Event()
        self.models_available.set()
        self._key = key
        self._chunk = chunk
        self._script: deque[Behaviour] = deque()
        self._pace = chunk / words_per_second
        self._answer: Callable[[ChatRequest], Behaviour] = self.stand_in
        self.counter: PromptCounter = counter(tokenize)
        self._changed = asyncio.Event()
        self._closing = asyncio.Event()
        apis: dict[str, ModelApi] = {
            "/v1/chat/completions": ChatApi(),
            "/v1/responses": ResponsesApi(self.responses),
            f"{NATIVE}/services/aigc/text-generation/generation": DashScopeApi(multimodal=False),
            f"{NATIVE}/services/aigc/multimodal-generation/generation": DashScopeApi(multimodal=True),
        }
        self._app = Starlette(
            routes=[
                Route("/v1/models", self._models, methods=["GET"]),
                *(Route(path, partial(self._chat, api), methods=["POST"]) for path, api in apis.items()),
                Route("/v1/responses/{name}", self._delete_response, methods=["DELETE"]),
                Route("/v1/embeddings", self._embed, methods=["POST"]),
                Route("/v1/audio/transcriptions", self._transcribe, methods=["POST"]),
            ],
            exception_handlers={HTTPException: _no_route, RequestError: self._refuse, ClientDisconnect: _nobody_waits},
        )

    @asynccontextmanager
    async def run(self, port: int = 0) -> AsyncIterator[str]:
        """Serve; yields the base URL for an OpenAI client. ``dashscope_url`` is the one for `dashscope`."""
        async with serve(self._app, port=port) as url:
            self._closing.clear()
            self.dashscope_url = f"{url}{NATIVE}"
            try:
                yield f"{url}/v1"
            finally:
                self._closing.set()

    def script(self, *behaviours: Behaviour) -> None:
        """Queue one behaviour per coming request."""
        self._script.extend(behaviours)

    def always(self, behaviour: Behaviour) -> None:
        """The behaviour whenever nothing is queued."""
        self.answer_with(lambda _: behaviour)

    def answer_with(self, answer: Callable[[ChatRequest], Behaviour]) -> None:
        """Decide by a function of the request whenever nothing is queued."""
        self._answer = answer

    def stand_in(self, request: ChatRequest) -> Behaviour:
        """What it answers if nothing else was decided."""
        return standin.answer(request, self._pace, self._chunk)

    async def wait_requests(self, count: int, timeout: float = 5.0) -> None:
        """Wait for this many chat requests."""
        await self._wait(lambda: len(self.requests) >= count, timeout)

    async def wait_abandoned(self, count: int, timeout: float = 5.0) -> None:
        """Wait until this many clients have left in the middle of an answer."""
        await self._wait(lambda: len(self.abandoned) >= count, timeout)

    async def _wait(self, enough: Callable[[], bool], timeout: float) -> None:
        async with asyncio.timeout(timeout):
            while not enough():
                await self._changed.wait()

    def _note_change(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    async def _models(self, request: Request) -> Response:
        self._check_key(request)
        waits = [asyncio.ensure_future(event.wait()) for event in (self.models_available, self._closing)]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()
        model = {"id": MODEL_NAME, "object": "model", "created": 0, "owned_by": "sandbox", **self.model_details}
        return JSONResponse({"object": "list", "data": [model]})

    async def _chat(self, api: ModelApi, request: Request) -> Response:
        self._check_key(request)
        chat_request = api.parse(RawRequest(await request.body(), dict(request.headers), time.monotonic()))
        self.requests.append(chat_request)
        self._note_change()
        return playback.Playback(self._in_slot(api, chat_request), self._closing, lambda: self._abandon(chat_request))

    async def _delete_response(self, request: Request) -> Response:
        self._check_key(request)
        name = request.path_params["name"]
        status = self.responses.delete(name)
        if status != 200:
            raise RequestError(f"Response with id '{name}' not found.", status=status)
        self._note_change()
        return JSONResponse({"id": name, "object": "response", "deleted": True})

    async def _embed(self, request: Request) -> Response:
        self._check_key(request)
        return playback.Playback(self.embeddings.answer(await request.body()), self._closing, lambda: None)

    async def _transcribe(self, request: Request) -> Response:
        self._check_key(request)
        answer = self.transcriptions.answer(request.headers.get("content-type", ""), await request.body())
        return playback.Playback(answer, self._closing, lambda: None)

    async def _in_slot(self, api: ModelApi, chat_request: ChatRequest) -> AsyncIterator[Message]:
        if self.slots is not None and self._at_once >= self.slots and self.overload is not None:
            messages = playback.failure(self.overload, api.error)
            async for message in messages:
                yield message
            return
        while self.slots is not None and self._at_once >= self.slots:
            await self._changed.wait()
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            async for message in self._messages(api, chat_request):
                yield message
        finally:
            self._at_once -= 1
            self._note_change()

    def _messages(self, api: ModelApi, chat_request: ChatRequest) -> AsyncIterator[Message]:
        behaviour = self._script.popleft() if self._script else self._answer(chat_request)
        return self._played(api, chat_request, behaviour)

    def _played(self, api: ModelApi, chat_request: ChatRequest, behaviour: Behaviour) -> AsyncIterator[Message]:
        if isinstance(behaviour, Forward):
            return forwarded(behaviour, chat_request, partial(self._played, api, chat_request, behaviour.otherwise))
        if isinstance(behaviour, Break) and not chat_request.stream:
            behaviour = behaviour.error
        if not isinstance(behaviour, Say):
            return playback.unscripted(behaviour, api.error)
        if not behaviour.delay and behaviour.hold is None:
            behaviour = replace(behaviour, chunk=max(behaviour.chunk, self._chunk))
        count = self.counter.count(chat_request, behaviour.text)
        if self.truncates_at is not None:
            count = PromptCount(
                min(count.total, self.truncates_at), min(count.cached, self.truncates_at), count.written
            )
        self.counts.append(count)
        answer = api.answer(chat_request, behaviour, self.counts[-1])
        if not chat_request.stream:
            return playback.unstreamed(behaviour, answer)
        return playback.streamed(behaviour, answer, spoken=chat_request.wants_speech, may_call=chat_request.may_call)

    def _abandon(self, chat_request: ChatRequest) -> None:
        self.abandoned.append(chat_request)
        self._note_change()

    def _check_key(self, request: Request) -> None:
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not key or (self._key is not None and key != self._key):
            code = "InvalidApiKey" if _is_native(request) else "invalid_api_key"
            raise RequestError("Incorrect API key provided.", status=401, code=code)

    async def _refuse(self, request: Request, exc: Exception) -> Response:
        assert isinstance(exc, RequestError)
        self.refused.append(str(exc))
        body = _error_of(request)(str(exc), exc.status, exc.code, exc.param)
        return Response(body, exc.status, media_type="application/json")


async def _no_route(request: Request, exc: Exception) -> Response:
    status = exc.status_code if isinstance(exc, HTTPException) else 500
    body = _error_of(request)(f"{request.method} {request.url.path} is not served here", status)
    return Response(body, status, media_type="application/json")


async def _nobody_waits(request: Request, exc: Exception) -> Response:  # noqa: ARG001 - starlette's signature
    """The answer to a client that ended while it was sending."""
    return Response(status_code=400)


def _is_native(request: Request) -> bool:
    return request.url.path.startswith(f"{NATIVE}/")


def _error_of(request: Request) -> ErrorBody:
    """The error format of the requested API, even if the path isn't served."""
    return dashscope_error if _is_native(request) else openai_error
