"""DashScope's own interface, through its SDK: one endpoint for text models, another one for those that see and hear.

Both are streamed in increments. The SDK tries a lost connection once more and nothing else, so what the server asks to
be tried again is tried again here, as the openai client does it.
"""

import asyncio
from collections.abc import AsyncGenerator, Collection, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from http import HTTPStatus
from itertools import count
from typing import Any

import aiohttp
from dashscope import AioGeneration, AioMultiModalConversation
from dashscope.common.error import DashScopeException
from pydantic import JsonValue

from bot import errors
from bot.llm.bodies import parsed
from bot.llm.calls import Calls, Opaque, tool_parameters, with_calls
from bot.llm.failures import DASHSCOPE, of_body, of_response, unreached
from bot.llm.fields import fitted
from bot.llm.finishes import finish_of
from bot.llm.interface import Delta, Image, Message, Options, Sound
from bot.llm.known import KNOWN
from bot.llm.loose import mapping, mappings, text, thoughts, words
from bot.llm.params import base64_text
from bot.llm.profiles import Profiles
from bot.llm.retrying import pause
from bot.llm.server import CONNECT_TIMEOUT_S, RETRIES, Model, Server
from bot.llm.usage import reported
from bot.trust import trust

LONGEST_LINE = 2**20
"""Bytes of one event; aiohttp's own bound is 128 KiB, and some servers repeat a whole answer in its last event."""
MOST_BYTES = 2**18
"""Of the body of an error."""
WRONG_ENDPOINT = "url error"
"""What either endpoint says of a model that belongs to the other one."""
AGAIN = (errors.RateLimited, errors.ServerTrouble, aiohttp.ClientConnectionError)
"""What may go better at the next try."""


class _Conversation(AioMultiModalConversation):
    """The SDK's, without its search for files.

    It takes any text of a user's that is the path of a file on this machine, or begins with ``file://``, for a file
    to upload, and would do so with blocking calls.
    """

    @classmethod
    def _preprocess_messages(cls, model: str, messages: list[dict[str, object]], api_key: str) -> bool:  # noqa: ARG003
        return False


class DashScopeServer(Server):
    """One session for all models that are behind an address."""

    def __init__(
        self,
        *,
        base_url: str,
        api_key: str,
        extra_body: Mapping[str, JsonValue],
        timeout: float,
        profiles: Profiles = KNOWN,
        most_tokens: int | None = None,
    ) -> None:
        """`timeout`: the longest silence of the server, in seconds; `extra_body`: parameters of every request."""
        super().__init__(base_url, extra_body, profiles, most_tokens)
        self.api_key = api_key
        self.timeout = timeout
        self._session: aiohttp.ClientSession | None = None

    @property
    def session(self) -> aiohttp.ClientSession:
        """The connections, opened in the loop that uses them."""
        if self._session is None:
            connector = aiohttp.TCPConnector(ssl=trust(), limit=0)
            self._session = aiohttp.ClientSession(
                connector=connector, trust_env=True, read_bufsize=LONGEST_LINE, raise_for_status=_raise_failure
            )
        return self._session

    def _model(self, name: str) -> "Generation":
        return Generation(self, name)

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


class Generation(Model):
    """One model, behind ``text-generation`` or ``multimodal-generation``. It does not speak here."""

    # What is sent that the SDK can't read ends in one of the four last.
    foreign = (
        aiohttp.ClientError,
        TimeoutError,
        DashScopeException,
        ValueError,
        LookupError,
        TypeError,
        AttributeError,
    )

    def __init__(self, server: DashScopeServer, name: str) -> None:
        super().__init__(server, name)
        self.senses = replace(self.senses, speaks=False)
        self.server = server
        self._multimodal = self.senses.sees or self.senses.hears

    async def _deltas(self, messages: Sequence[Message], options: Options) -> AsyncGenerator[Delta, None]:
        for attempt in count():
            began, multimodal = False, self._multimodal
            try:
                async with aclosing(self._pieces(messages, options)) as pieces:
                    async for delta in pieces:
                        began = True
                        yield delta
                return
            except errors.RequestRefused as exc:
                if began or attempt > 0 or WRONG_ENDPOINT not in str(exc):
                    raise
                self._move(messages, exc, tried=multimodal)
                continue
            except AGAIN as exc:
                wait = self._wait(attempt, exc)
                if began or wait is None:
                    raise
            await asyncio.sleep(wait)

    def _optional(self, options: Options) -> dict[str, JsonValue]:
        thinking = {"enable_thinking": options.thinking} if self._is_told_to_think(options) else {}
        length = self._length(options, ("max_tokens",))
        return {**self.server.extra_body, **thinking, **length, **tool_parameters(options)}

    def _wait(self, attempt: int, failure: Exception) -> float | None:
        """Seconds until the next try; None: there is none."""
        if attempt >= RETRIES or isinstance(failure, TimeoutError):
            return None
        return pause(attempt, failure.retry_after if isinstance(failure, errors.ModelError) else "")

    async def _pieces(self, messages: Sequence[Message], options: Options) -> AsyncGenerator[Delta, None]:
        told = _Told()
        async with aclosing(await self._open(messages, options)) as responses:
            async for response in responses:
                yield told.read(response)

    def _move(self, messages: Sequence[Message], refusal: errors.RequestRefused, *, tried: bool) -> None:
        """The model belongs to the other endpoint than the one that was tried; another request may know it by now.

        Raises CannotSee where that endpoint is blind to what was sent.
        """
        self._multimodal = not tried
        if not self._multimodal:
            self.senses = replace(self.senses, sees=False, hears=False)
            if any(message.parts for message in messages):
                raise errors.CannotSee(str(refusal)) from refusal

    async def _open(self, messages: Sequence[Message], options: Options) -> AsyncGenerator[Mapping[str, Any], None]:
        # The types of the SDK know neither that a stream comes back nor that messages are dicts.
        call: Any = (_Conversation if self._multimodal else AioGeneration).call
        opened: AsyncGenerator[Mapping[str, Any], None] = await call(
            self.name,
            messages=[_message(message, options.without, multimodal=self._multimodal) for message in messages],
            api_key=self.server.api_key,
            base_address=self.server.base_url,
            session=self.server.session,
            request_timeout=self.server.timeout,
            **fitted(self._optional(options), options.without),
            stream=True,
            incremental_output=True,
            result_format="message",
        )
        return opened

    def _translated(self, exc: Exception, *, streaming: bool) -> errors.ModelError:
        details = f"{type(exc).__name__}: {exc}"
        if isinstance(exc, TimeoutError):
            return unreached(errors.NoAnswerInTime(details))
        if streaming:
            return errors.StreamCut(details)
        if isinstance(exc, DashScopeException):
            return errors.RequestRefused(details)
        trouble = errors.ServerTrouble(details)
        return unreached(trouble) if isinstance(exc, aiohttp.ClientError) else trouble


def _message(message: Message, without: Collection[str], *, multimodal: bool) -> dict[str, object]:
    content: object = message.content
    if multimodal and message.role != "tool":
        parts = message.parts or ((message.content,) if message.content else ())
        content = [_part(part) for part in parts]
    return with_calls({"role": message.role, "content": content}, message, without)


def _part(part: str | Image | Sound) -> dict[str, str]:
    if isinstance(part, Image):
        return {"image": f"data:{part.mime};base64,{base64_text(part.data)}"}
    if isinstance(part, Sound):
        return {"audio": f"data:audio/{part.format};base64,{base64_text(part.data)}"}
    return {"text": part}


class _Told:
    """Reads one stream."""

    def __init__(self) -> None:
        self._calls, self._opaque = Calls(), Opaque()
        self._began = self._said = False

    def read(self, response: Mapping[str, Any]) -> Delta:
        """What an event adds. Raises a ModelError for a failure that it tells of."""
        status = response["status_code"]
        if status != HTTPStatus.OK:
            failure = of_response(status, response.get("code"), response.get("message") or "", streaming=self._began)
            failure.request_id = response.get("request_id") or ""
            failure.retry_after = _header(response.get("headers") or {}, "retry-after")
            raise failure
        self._began = True
        output, usage = mapping(response.get("output")), reported(response.get("usage"))
        choice = next(iter(mappings(output.get("choices"))), output)
        message = mapping(choice.get("message"))
        said, thought = words(message.get("content"))
        said = said or text(choice.get("text"))
        self._calls.add(mappings(message.get("tool_calls")))
        self._opaque.add(message)
        self._said = self._said or bool(said or self._calls.begun)
        finish = finish_of(choice.get("finish_reason"), said=self._said)
        calls = self._calls.take() if finish else ()
        return Delta(
            text=said,
            reasoning=thought or thoughts([message.get("reasoning_content")]),
            finish=finish,
            usage=usage,
            calls=calls,
            opaque=self._opaque.take() if calls else "",
        )


async def _raise_failure(response: aiohttp.ClientResponse) -> None:
    """Raise the ModelError for a refused request: the SDK reads nothing but the form of DashScope itself.

    What stands before a server, or in its place, has a form of its own.
    """
    if response.status < HTTPStatus.BAD_REQUEST:
        return
    content = b""
    async for piece in response.content.iter_any():
        content += piece
        if len(content) > MOST_BYTES:
            break
    body = parsed(content)
    failure = of_body(response.status, content, DASHSCOPE)
    failure.request_id = text(mapping(body).get("request_id")) or response.headers.get("x-request-id", "")
    failure.retry_after = response.headers.get("retry-after", "")
    response.close()
    raise failure


def _header(headers: Mapping[str, str], wanted: str) -> str:
    return next((value for name, value in headers.items() if name.lower() == wanted), "")
