"""The Responses API: the server may keep the conversation, so that a request says only what is new.

Our own transcript stays the truth. A request goes on from a kept response (``previous_response_id``) only when all that
stands before the newest message is, to the byte, what that response was asked and answered: whatever was edited,
forgotten, compacted or recalled in between makes it another conversation, which is sent in full. Which responses are
kept is known to this process alone; after a restart, or when the server has lost one, the full input is sent.
"""

import hashlib
from collections import OrderedDict
from collections.abc import AsyncGenerator, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import openai

from bot.errors import StreamCut
from bot.llm.failures import of_event
from bot.llm.interface import Call, Delta, Finish, Image, Message, Options, Part, Sound
from bot.llm.openai_server import OpenAIModel, OpenAIServer
from bot.llm.params import base64_text
from bot.llm.usage import reported

if TYPE_CHECKING:
    from openai import AsyncStream
    from openai.types.responses import Response, ResponseInputParam, ResponseStreamEvent, ToolParam

SESSION_CACHE = {"x-dashscope-session-cache": "enable"}
"""Alibaba Cloud Model Studio, "Context cache": a request and those that go on from it share their prefix."""
MOST_KEPT = 10_000
"""Conversations whose last response is remembered; an id and a hash take about 200 bytes."""


class Responses(OpenAIModel):
    """One model, behind ``POST {base_url}/responses``. It is shown pictures; sounds this API does not take."""

    def __init__(self, server: OpenAIServer, name: str) -> None:
        super().__init__(server, name)
        self.senses = replace(self.senses, hears=False, speaks=False)
        self._kept: OrderedDict[str, str] = OrderedDict()
        """The response that ended a conversation, by the conversation's hash."""

    async def _deltas(self, messages: Sequence[Message], options: Options) -> AsyncGenerator[Delta, None]:
        said, calls = "", list[Call]()
        async with await self._open(messages, options) as stream:
            async for event in stream:
                delta, ended = _delta(event, calls)
                said += delta.text
                if ended is not None and self._keeps(options) and not delta.calls:
                    self._keep([*messages, Message("assistant", said)], ended.id)
                yield delta

    def _keeps(self, options: Options) -> bool:
        return options.lasting and self.server.profile.keeps_responses

    def _keep(self, conversation: Sequence[Message], response_id: str) -> None:
        self._kept[_hash(conversation)] = response_id
        if len(self._kept) > MOST_KEPT:
            self._kept.popitem(last=False)

    async def _open(self, messages: Sequence[Message], options: Options) -> "AsyncStream[ResponseStreamEvent]":
        before = _hash(messages[:-1])
        previous = self._kept.pop(before, None)
        if previous is not None:
            try:
                return await self._create(messages, options, previous)
            except openai.APIStatusError as exc:
                if not _is_lost(exc):
                    self._kept[before] = previous
                    raise
        return await self._create(messages, options, None)

    async def _create(
        self, messages: Sequence[Message], options: Options, previous: str | None
    ) -> "AsyncStream[ResponseStreamEvent]":
        system = [message.content for message in messages if message.role == "system"]
        said = [message for message in messages if message.role != "system"]
        thinking = {"enable_thinking": options.thinking} if self._is_told_to_think(options) else {}
        return await self.server.client.responses.create(
            model=self.name,
            instructions="\n\n".join(system) or openai.omit,
            input=_input(said[-1:] if previous else said),
            previous_response_id=previous or openai.omit,
            store=self._keeps(options),
            tools=_tools(options),
            tool_choice=("auto" if options.may_call else "none") if options.tools else openai.omit,
            stream=True,
            extra_headers=SESSION_CACHE if self.server.profile.session_cache else None,
            extra_body=self.server.extra_body | thinking,
        )


def _is_lost(exc: openai.APIStatusError) -> bool:
    """Whether the server no longer has the response that we wanted to go on from (or never has any)."""
    return exc.status_code in (400, 404) and "previous" in str(exc).lower()


def _hash(messages: Sequence[Message]) -> str:
    found = hashlib.sha256()
    for message in messages:
        for part in (message.role, message.answers, *map(repr, message.calls), *(message.parts or (message.content,))):
            data = part.encode() if isinstance(part, str) else part.data
            found.update(b"%d:" % len(data) + data)
        found.update(b";")
    return found.hexdigest()


def _input(messages: Sequence[Message]) -> "ResponseInputParam":
    return [item for message in messages for item in _items(message)]  # type: ignore[misc]  # the client's types want one dict for each kind


def _items(message: Message) -> Iterator[dict[str, object]]:
    """A message, and the calls behind it, which are items of their own here."""
    if message.answers:
        yield {"type": "function_call_output", "call_id": message.answers, "output": message.content}
        return
    if message.content or message.parts:
        yield {"role": message.role, "content": _content(message)}
    for call in message.calls:
        yield {"type": "function_call", "call_id": call.id, "name": call.name, "arguments": call.arguments}


def _tools(options: Options) -> "list[ToolParam] | openai.Omit":
    return [
        {
            "type": "function",
            "name": tool.name,
            "description": tool.purpose,
            "parameters": dict[str, object](tool.parameters),
            "strict": False,
        }
        for tool in options.tools
    ] or openai.omit


def _content(message: Message) -> str | list[dict[str, object]]:
    return [_part(part) for part in message.parts] if message.parts else message.content


def _part(part: Part) -> dict[str, object]:
    if isinstance(part, Image):
        url = f"data:{part.mime};base64,{base64_text(part.data)}"
        return {"type": "input_image", "image_url": url, "detail": "auto"}
    if isinstance(part, Sound):
        raise TypeError("the Responses API takes no sounds: its models don't hear")
    return {"type": "input_text", "text": part}


def _delta(event: "ResponseStreamEvent", calls: list[Call]) -> "tuple[Delta, Response | None]":
    """What an event adds, and the response when it is the last one. Raises a ModelError for a failure it tells of.

    Calls of tools are taken down, and told with the last one.
    """
    match event.type:
        case "response.output_text.delta" | "response.refusal.delta":
            return Delta(text=event.delta), None
        case "response.reasoning_text.delta" | "response.reasoning_summary_text.delta":
            return Delta(reasoning=event.delta), None
        case "response.output_item.done" if event.item.type == "function_call":
            calls.append(Call(event.item.call_id, event.item.name, event.item.arguments))
        case "response.completed" | "response.incomplete":
            response = event.response
            usage = reported(response.usage.to_dict()) if response.usage else None
            return Delta(finish=_finish(response), usage=usage, calls=tuple(calls)), response
        case "response.failed":
            error = event.response.error
            raise of_event(error.code if error else None, error.message if error else "response.failed")
        case "error":
            raise of_event(event.code, event.message)
    return Delta(), None


def _finish(response: "Response") -> Finish:
    details = response.incomplete_details
    if response.status != "incomplete" or details is None:
        return Finish.STOP
    reasons = {"max_output_tokens": Finish.LENGTH, "content_filter": Finish.FILTER}
    if details.reason not in reasons:
        raise StreamCut(f"the response is incomplete: {details.reason}")
    return reasons[details.reason]
