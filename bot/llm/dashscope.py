"""DashScope's native API: one endpoint for text models, another for multimodal ones.

Streams are parsed here, because DashScope's SDK loses the answer at the first unexpected event.
"""

import asyncio
from collections.abc import AsyncGenerator, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, aclosing, suppress
from dataclasses import replace
from http import HTTPStatus

import aiohttp
from pydantic import JsonValue

from bot import errors
from bot.http import trust
from bot.llm.client import ERROR_TIMEOUT_S, run_in_thread_if_large, to_json
from bot.llm.error_bodies import MOST_BYTES, decode_body
from bot.llm.failures import DASHSCOPE, dashscope_failure, failure_in, failure_of_body, mark_unreached
from bot.llm.fields import fit_fields
from bot.llm.finishes import finish_of, reason_in
from bot.llm.interface import Image, Message, Options, Sound
from bot.llm.known import KNOWN
from bot.llm.lenient import mapping, mappings, text, thoughts, words
from bot.llm.model import Model
from bot.llm.parameters import base64_text
from bot.llm.profiles import Profiles
from bot.llm.request_queue import RequestQueue
from bot.llm.retrying import retry_after
from bot.llm.server import CONNECT_TIMEOUT_S, RETRIES, Server
from bot.llm.server_sent_events import Event, parse_events
from bot.llm.stream_events import Finish, StreamEvent, piece
from bot.llm.tool_calls import Opaque, ToolCallAssembler, add_calls, tool_parameters
from bot.llm.usage_report import parse_usage

STREAMED = {"Content-Type": "application/json", "Accept": "text/event-stream", "X-DashScope-SSE": "enable"}
WRONG_ENDPOINT = "url error"
"""What an endpoint answers for a model that belongs to the other one."""


class DashScopeServer(Server):
    """One HTTP session for all models at an address."""

    def __init__(
        self,
        *,
        base_url: str,
        api_key: str,
        extra_body: Mapping[str, JsonValue],
        timeout: float,
        profiles: Profiles = KNOWN,
        most_tokens: int | None = None,
        gate: RequestQueue | None = None,
    ) -> None:
        """`timeout`: seconds of silence allowed; `extra_body`: parameters added to every request."""
        super().__init__(base_url, extra_body, profiles, most_tokens, gate=gate, retries=RETRIES)
        self.api_key = api_key
        self.timeout = timeout
        self._session: aiohttp.ClientSession | None = None

    @property
    def session(self) -> aiohttp.ClientSession:
        """The HTTP session, created lazily in the running loop."""
        if self._session is None:
            connector = aiohttp.TCPConnector(ssl=trust(), limit=0)
            self._session = aiohttp.ClientSession(connector=connector, trust_env=True, raise_for_status=_raise_failure)
        return self._session

    def _model(self, name: str) -> "DashScopeModel":
        return DashScopeModel(self, name)

    async def _close(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def _answers(self) -> bool:
        timeout = aiohttp.ClientTimeout(total=CONNECT_TIMEOUT_S)
        try:
            async with self.session.get(self.base_url, timeout=timeout, raise_for_status=False) as response:
                return response.status < HTTPStatus.INTERNAL_SERVER_ERROR
        except (aiohttp.ClientError, TimeoutError):
            return False


class DashScopeModel(Model):
    """One model at ``text-generation`` or ``multimodal-generation``. Speech output isn't supported."""

    foreign = (aiohttp.ClientError, TimeoutError)

    def __init__(self, server: DashScopeServer, name: str) -> None:
        super().__init__(server, name)
        self.capabilities = replace(self.capabilities, speaks=False)
        self.server = server
        self._multimodal = self.capabilities.sees or self.capabilities.hears

    async def _pieces(self, messages: Sequence[Message], options: Options) -> AsyncGenerator[list[StreamEvent], None]:
        for moved in (False, True):
            began, multimodal = False, self._multimodal
            try:
                async with aclosing(self._answer(messages, options)) as pieces:
                    async for read in pieces:
                        began = True
                        yield read
                return
            except errors.RequestRefused as exc:
                if began or moved or WRONG_ENDPOINT not in str(exc):
                    raise
                self._move(messages, exc, tried=multimodal)

    def _optional(self, _: Sequence[Message], options: Options) -> dict[str, JsonValue]:
        thinking = {"enable_thinking": options.thinking} if self._sets_thinking(options) else {}
        length = self._length(options, ("max_tokens",))
        return {**self.extra_body, **thinking, **length, **tool_parameters(options)}

    async def _answer(self, messages: Sequence[Message], options: Options) -> AsyncGenerator[list[StreamEvent], None]:
        parser = _DashScopeStream()
        body = await run_in_thread_if_large(messages, lambda: self._body(messages, options))
        async with self._open(body) as response, aclosing(parse_events(_bytes(response), DASHSCOPE)) as events:
            async for event in events:
                if event is not None:
                    yield parser.read(event)
                elif end := parser.end():
                    yield end

    def _move(self, messages: Sequence[Message], refusal: errors.RequestRefused, *, tried: bool) -> None:
        """Switch to the other endpoint than the one tried; a concurrent request may have switched already.

        Raises CannotSee if the text endpoint is the right one and the messages contain media.
        """
        self._multimodal = not tried
        if not self._multimodal:
            self.capabilities = replace(self.capabilities, sees=False, hears=False)
            if any(message.parts for message in messages):
                raise errors.CannotSee(str(refusal)) from refusal

    def _body(self, messages: Sequence[Message], options: Options) -> bytes:
        body = {
            "model": self.name,
            "input": {
                "messages": [_message(message, options.without, multimodal=self._multimodal) for message in messages]
            },
            "parameters": {
                **fit_fields(self._optional(messages, options), options.without),
                "incremental_output": True,
                "result_format": "message",
            },
        }
        return to_json(body, "replace")

    def _open(self, body: bytes) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        task = "multimodal-generation" if self._multimodal else "text-generation"
        server = self.server
        return server.session.post(
            f"{server.base_url.rstrip('/')}/services/aigc/{task}/generation",
            data=body,
            headers={**STREAMED, "Authorization": f"Bearer {server.api_key}"},
            timeout=aiohttp.ClientTimeout(sock_connect=CONNECT_TIMEOUT_S, sock_read=server.timeout),
        )

    def _translate(self, exc: Exception, *, streaming: bool) -> errors.ModelError:
        details = f"{type(exc).__name__}: {exc}"
        if isinstance(exc, TimeoutError):
            return mark_unreached(errors.NoAnswerInTime(details))
        return errors.StreamCut(details) if streaming else mark_unreached(errors.ServerTrouble(details))


def _message(message: Message, without: Collection[str], *, multimodal: bool) -> dict[str, object]:
    content: object = message.content
    if multimodal and message.role != "tool":
        parts = message.parts or ((message.content,) if message.content else ())
        content = [_part(part) for part in parts]
    return add_calls({"role": message.role, "content": content}, message, without)


def _part(part: str | Image | Sound) -> dict[str, str]:
    if isinstance(part, Image):
        return {"image": f"data:{part.mime};base64,{base64_text(part.data)}"}
    if isinstance(part, Sound):
        return {"audio": f"data:audio/{part.format};base64,{base64_text(part.data)}"}
    return {"text": part}


class _DashScopeStream:
    """Parses one stream."""

    def __init__(self) -> None:
        self._calls, self._opaque = ToolCallAssembler(), Opaque()
        self._began = self._said = self._over = False

    def read(self, event: Event) -> list[StreamEvent]:
        """The stream events in an SSE event. Raises a ModelError if it reports one."""
        response = event.data
        failure = failure_in(response, event.name, DASHSCOPE)
        if failure is not None:
            if not self._began and isinstance(failure, errors.StreamCut):  # a refusal without a recognized message
                code, message = text(response.get("code")), text(response.get("message"))
                failure = dashscope_failure(HTTPStatus.BAD_REQUEST, code, message, streaming=False)
            failure.request_id = text(response.get("request_id"))
            raise failure
        self._began = True
        output, usage = mapping(response.get("output")), parse_usage(response.get("usage"))
        choice = next(iter(mappings(output.get("choices"))), output)
        part = mapping(choice.get("message"))
        said, thought = words(part.get("content"))
        said = said or text(choice.get("text"))
        self._calls.add(mappings(part.get("tool_calls")))
        self._opaque.add(part)
        self._said = self._said or bool(said or self._calls.has_begun)
        finish = finish_of(reason_in(choice, output), said=self._said)
        self._over = self._over or finish is not None
        calls = self._calls.take() if finish else ()
        return piece(
            said,
            reasoning=thought or thoughts([part.get("reasoning_content")]),
            calls=calls,
            opaque=self._opaque.take() if calls else "",
            finish=finish,
            usage=usage,
        )

    def end(self) -> list[StreamEvent]:
        """The last events of a stream that ended properly but without a finish reason."""
        if not self._said or self._over:
            return []
        return piece(calls=self._calls.take(), opaque=self._opaque.take(), finish=Finish.STOP)


async def _bytes(response: aiohttp.ClientResponse) -> AsyncGenerator[bytes, None]:
    try:
        async for piece in response.content.iter_any():
            yield piece
    except TimeoutError as exc:
        raise mark_unreached(errors.NoAnswerInTime(f"{type(exc).__name__}: the stream fell silent")) from exc
    except aiohttp.ClientError as exc:
        raise errors.StreamCut(f"{type(exc).__name__}: {exc}") from exc


async def _raise_failure(response: aiohttp.ClientResponse) -> None:
    """Raise the ModelError for an error response. Proxies in front of the server answer in their own format."""
    if response.status < HTTPStatus.BAD_REQUEST:
        return
    content = b""
    with suppress(aiohttp.ClientError, TimeoutError):  # a body that breaks off or is slow is used as far as it came
        async with asyncio.timeout(ERROR_TIMEOUT_S):
            async for piece in response.content.iter_any():
                content += piece
                if len(content) > MOST_BYTES:
                    break
    body = decode_body(content)
    failure = failure_of_body(response.status, content, DASHSCOPE)
    failure.request_id = text(mapping(body).get("request_id")) or response.headers.get("x-request-id", "")
    failure.retry_after = retry_after(response.headers)
    response.close()
    raise failure
