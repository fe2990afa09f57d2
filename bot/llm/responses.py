"""The Responses API: the server may keep the conversation, so that a request contains only what is new.

The bot's own transcript stays authoritative. A request continues from a kept response (``previous_response_id``) only
at a server known to keep them, and only if everything before the newest message is byte for byte what that response was
asked and answered. Any edit, deletion, compaction or recall in between makes it another conversation, which is sent in
full.

Kept responses are known to this process only, so after a restart the full input is sent. So is it, from then on, to a
server that can't continue, answers as if it hadn't read the conversation, or refuses to keep responses; the only cost
is upload.
"""

import hashlib
import logging
import re
from collections import OrderedDict
from collections.abc import AsyncGenerator, Collection, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import openai
from pydantic import JsonValue

from bot.errors import ModelError, NoPermission, RequestRefused, StreamCut
from bot.llm.answer_stream import clean_text
from bot.llm.chat_completions import ForeignAnswers
from bot.llm.client import run_in_thread_if_large
from bot.llm.fields import fit_fields, thinking_fields_in_responses
from bot.llm.interface import MARKERS, Image, Message, Options, Part, Sound
from bot.llm.learned import Learned
from bot.llm.lenient import mappings
from bot.llm.openai_server import OpenAIModel, OpenAIServer
from bot.llm.parameters import base64_text, split_at_mark
from bot.llm.server_sent_events import read_events
from bot.llm.stream_events import Finished, Received, ResponseStored, StreamEvent, Usage, speaks
from bot.llm.template_tokens import neutralize
from bot.llm.tool_calls import ITEMS, unpack_opaque

if TYPE_CHECKING:
    from openai import AsyncStream
    from openai.types.responses import ResponseInputParam, ResponseStreamEvent

SESSION_CACHE = {"x-dashscope-session-cache": "enable"}
"""Alibaba Cloud Model Studio, "Context cache": a request and its continuations share their prefix."""
ENCRYPTED = "reasoning.encrypted_content"
"""The reasoning before tool calls, to be returned with their results; those requests never continue a kept response."""
MOST_KEPT = 10_000
"""The most conversations whose last response is remembered; an id and a hash take about 200 bytes."""
LOST = (400, 404, 409, 410, 422)
"""Statuses for continuing from a response that the server no longer has, or never keeps."""
CLEAR = (401, 402, 408, 429)
"""Statuses with other causes, whatever the message says."""
_STORE = re.compile(r"\bstore\b")
_PREVIOUS = re.compile(r"\bprevious[_ ]response")

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class KeptResponse:
    """A response to continue from."""

    id: str
    least: int
    """The fewest input tokens that a continuation can have, since it includes this whole conversation."""


class Responses(OpenAIModel):
    """One model at ``POST {base_url}/responses``. It takes pictures; the API has no sounds."""

    def __init__(self, server: OpenAIServer, name: str) -> None:
        super().__init__(server, name)
        self.capabilities = replace(self.capabilities, hears=False, speaks=False)
        self._kept: OrderedDict[str, KeptResponse] = OrderedDict()
        """The last response of a conversation, by the conversation's hash."""
        self._says_store = True

    async def _pieces(self, messages: Sequence[Message], options: Options) -> AsyncGenerator[list[StreamEvent], None]:
        before = _hash(messages[:-1])
        kept = self._kept.pop(before, None)
        if kept is not None and self.server.keeps_responses:
            began = False
            try:
                async with aclosing(self._answer(messages, options, kept)) as pieces:
                    async for piece in pieces:
                        began = began or any(map(speaks, piece))
                        yield piece
                return
            except (openai.APIStatusError, ModelError) as exc:
                if began or not self._may_be_lost(exc):
                    if isinstance(exc, openai.APIStatusError) and exc.status_code in CLEAR:
                        self._kept[before] = kept  # after any other failure the next attempt sends everything
                    raise
                log.info("%s can't continue from its last response, so it is sent everything: %s", self.name, exc)
        async with aclosing(self._answer(messages, options, None)) as pieces:
            async for piece in pieces:
                if kept is not None and any(isinstance(event, Finished) for event in piece):
                    self._stop_continuing()
                yield piece

    async def _answer(
        self, messages: Sequence[Message], options: Options, kept: KeptResponse | None
    ) -> AsyncGenerator[list[StreamEvent], None]:
        async with (
            await self._open(messages, options, kept) as stream,
            aclosing(read_events(stream.response)) as events,
        ):
            forms, said, told_kept = ForeignAnswers(stream.response.url.host, responses=True), "", False
            read = forms.responses
            async for event in events:
                if (piece := forms.read(event)) is None:
                    continue
                received = Received.of(piece)
                said += received.text
                if kept is not None and received.usage is not None and received.usage.input < kept.least:
                    self._lose_trust(kept, received.usage)
                if read.ended and self._keeps(options) and not received.calls:
                    next_one = KeptResponse(read.ended, _least_input(kept, received.usage))
                    self._keep([*messages, Message("assistant", neutralize(clean_text(said)))], next_one)
                    read.ended = ""
                if read.id and not told_kept and self._keeps(options):
                    told_kept = True
                    piece.append(ResponseStored(self.server.responses_url + read.id))
                yield piece

    def _keeps(self, options: Options) -> bool:
        return options.lasting and self.server.keeps_responses

    def _keep(self, conversation: Sequence[Message], response: KeptResponse) -> None:
        self._kept[_hash(conversation)] = response
        if len(self._kept) > MOST_KEPT:
            self._kept.popitem(last=False)

    def drop(self, ids: Collection[str]) -> None:
        for conversation in [key for key, response in self._kept.items() if response.id in ids]:
            del self._kept[conversation]

    @property
    def learned(self) -> Learned:
        server = self.server
        return replace(super().learned, keeps_nothing=server.profile.keeps_responses and not server.keeps_responses)

    def recall(self, learned: Learned) -> None:
        super().recall(learned)
        if learned.keeps_nothing:
            self.server.keeps_responses = False

    def _forget_chaining(self) -> None:
        self.server.keeps_responses = False
        self.server.keep(self)

    def _stop_continuing(self) -> None:
        """The full input was accepted where continuing was refused."""
        if self.server.keeps_responses:
            self._forget_chaining()
            log.warning("The server of %s doesn't store responses, so it is sent the whole conversation", self.name)

    def _lose_trust(self, kept: KeptResponse, usage: Usage) -> None:
        """The server answered without the conversation. Raises StreamCut, so that everything is sent again."""
        self._forget_chaining()
        log.warning(
            "The server of %s took previous_response_id and forgot the conversation: %d tokens of input, and not %d or"
            " more. From now on it is sent the whole of it",
            *(self.name, usage.input, kept.least),
        )
        raise StreamCut("answered without the conversation before it")

    async def _open(
        self, messages: Sequence[Message], options: Options, kept: KeptResponse | None
    ) -> "AsyncStream[ResponseStreamEvent]":
        while True:
            store = self._keeps(options) if self._says_store else None
            try:
                return await self._create(messages, options, kept, store)
            except openai.APIStatusError as exc:
                if store is None or not self._mentions(_STORE, exc):
                    raise
                log.warning("%s doesn't accept store=%s", self.name, str(store).lower())
            if store:
                kept, self.server.keeps_responses = None, False
            else:
                self._says_store = False

    async def _create(
        self, messages: Sequence[Message], options: Options, kept: KeptResponse | None, store: bool | None
    ) -> "AsyncStream[ResponseStreamEvent]":
        marker = self._marker(messages, options)
        system = [message.content for message in messages if message.role == "system" and not self._cache.exact]
        said = [message for message in messages if message.role != "system" or self._cache.exact]
        asked = said[-1:] if kept else said
        written = await run_in_thread_if_large(asked, lambda: _input(asked, marker))
        client, profile = self.server.client, self.server.profile
        return await client.responses.create(
            model=self.name,
            instructions="\n\n".join(system) or openai.omit,
            input=[],  # see ``ChatCompletions``
            previous_response_id=kept.id if kept else openai.omit,
            store=openai.omit if store is None else store,
            stream=True,
            extra_headers=SESSION_CACHE if profile.session_cache else None,
            extra_body={
                **fit_fields(self._optional(messages, options), options.without),
                "input": written,
            },
        )

    def _may_be_lost(self, exc: openai.APIStatusError | ModelError) -> bool:
        """Whether the server may not have the response to continue from, now or ever."""
        if isinstance(exc, openai.APIStatusError):
            return exc.status_code in LOST or self._mentions(_PREVIOUS, exc)
        return isinstance(exc, RequestRefused | NoPermission) or bool(_PREVIOUS.search(str(exc).lower()))

    def _mentions(self, what: re.Pattern[str], exc: openai.APIStatusError) -> bool:
        error = self._translate(exc, streaming=False)
        return exc.status_code not in CLEAR and bool(what.search(f"{error} {error.fields}".lower()))

    def _optional(self, messages: Sequence[Message], options: Options) -> dict[str, JsonValue]:
        thinking: dict[str, JsonValue] = {}
        if self._sets_thinking(options):
            profile = self.server.profile
            thinking = thinking_fields_in_responses(profile.thinking_as, self.name, thinking=bool(options.thinking))
        length = self._length(options, ("max_output_tokens",))
        return {**self.extra_body, **self._caching(messages, options), **thinking, **length, **_tools(options)}


def _least_input(before: KeptResponse | None, usage: Usage | None) -> int:
    """See KeptResponse. Half of the answer counts, because as input it may have fewer tokens."""
    if usage is None:
        return before.least if before else 0
    return max(usage.input, before.least if before else 0) + (usage.output - usage.reasoning) // 2


def _hash(messages: Sequence[Message]) -> str:
    found = hashlib.sha256()
    for message in messages:
        for part in (message.role, message.answers, *map(repr, message.calls), *(message.parts or (message.content,))):
            data = part.encode(errors="surrogatepass") if isinstance(part, str) else part.data
            found.update(b"%d:" % len(data) + data)
        found.update(b";")
    return found.hexdigest()


def _input(messages: Sequence[Message], marker: str) -> "ResponseInputParam":
    return [item for message in messages for item in _items(message, marker)]  # type: ignore[misc]  # the client's types want one dict for each kind


def _items(message: Message, marker: str) -> Iterator[dict[str, object]]:
    """The input items of a message: calls are separate items in this API."""
    if message.answers:
        yield {"type": "function_call_output", "call_id": message.answers, "output": message.content}
        return
    if message.content or message.parts:
        typed = (
            {"type": "message"} if message.role == "assistant" else {}
        )  # without a type, llama.cpp doesn't recognize an answer
        yield {**typed, "role": message.role, "content": _content(message, marker)}
    for item in mappings(unpack_opaque(message.opaque).get(ITEMS)):
        yield dict(item)
    for call in message.calls:
        yield {"type": "function_call", "call_id": call.id, "name": call.name, "arguments": call.arguments}


def _tools(options: Options) -> dict[str, JsonValue]:
    if not options.tools:
        return {}
    tools: list[JsonValue] = [
        {
            "type": "function",
            "name": tool.name,
            "description": tool.purpose,
            "parameters": tool.parameters,
            "strict": False,
        }
        for tool in options.tools
    ]
    return {"tools": tools, "tool_choice": "auto" if options.may_call else "none", "include": [ENCRYPTED]}


def _content(message: Message, marker: str) -> str | list[dict[str, object]]:
    if not marker or not message.mark:
        return [_part(part) for part in message.parts] if message.parts else message.content
    lasting, passing = split_at_mark(message)
    parts = [_part(part) for part in (*lasting, *passing)]
    if lasting:
        parts[len(lasting) - 1][marker] = MARKERS[marker]
    return parts


def _part(part: Part) -> dict[str, object]:
    if isinstance(part, Image):
        url = f"data:{part.mime};base64,{base64_text(part.data)}"
        return {"type": "input_image", "image_url": url, "detail": "auto"}
    if isinstance(part, Sound):
        raise TypeError("the Responses API takes no sounds: its models don't hear")
    return {"type": "input_text", "text": part}
