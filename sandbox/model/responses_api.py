"""The Responses API, OpenAI's newer one: the server may keep a conversation, so that only new messages have to be sent.

Sources: the types of the openai client, and DashScope's documentation of the same API (a limit is at least 16 tokens,
an unknown previous response is a 400).
"""

from sandbox.model.behaviour import Say
from sandbox.model.messages import (
    RequestMedium,
    check_order,
    nonempty_text,
    picture,
    read_messages,
    sound,
    text_message,
)
from sandbox.model.prompt_cache import PromptCount
from sandbox.model.request import (
    ChatRequest,
    RawRequest,
    RequestError,
    RequestMessage,
    check_limit,
    check_tools,
    flag,
    model_name,
    openai_error,
)
from sandbox.model.responses_answer import ResponsesAnswer, ResponseStore

LEAST_OUTPUT_TOKENS = 16
NO_OPTIONS = frozenset({"model", "input", "stream"})
"""Fields with an attribute of their own in a ChatRequest."""


def _instructions(value: object) -> tuple[RequestMessage, ...]:
    return () if value is None else (text_message("system", nonempty_text(value, "instructions")),)


def _input(value: object) -> tuple[RequestMessage, ...]:
    if isinstance(value, str):
        return (text_message("user", nonempty_text(value, "input")),)
    items = value
    if isinstance(value, list):  # encrypted reasoning that is returned can't be read
        items = [_message(item, index) for index, item in enumerate(value) if not _is_encrypted(item)]
    return read_messages(_merge_calls(items) if isinstance(items, list) else items, "input", _part)


def _merge_calls(items: list[object]) -> list[object]:
    """Merge the assistant's calls into its preceding message, as Chat Completions has it."""
    joined: list[object] = []
    for item in items:
        match (joined[-1] if joined else None), item:
            case {"role": "assistant", "content": content, **more}, {"tool_calls": [*calls]}:
                before = more.get("tool_calls")
                made = [*(before if isinstance(before, list) else []), *calls]
                joined[-1] = {"role": "assistant", "content": content, "tool_calls": made}
            case _:
                joined.append(item)
    return joined


def _is_encrypted(item: object) -> bool:
    return isinstance(item, dict) and item.get("type") == "reasoning" and bool(item.get("encrypted_content"))


def _message(item: object, index: int) -> object:
    """An item as Chat Completions has it, where calls and results are messages."""
    match item:
        case {"type": "function_call", "call_id": str(name), "name": str(function), "arguments": str(arguments)}:
            call = {"id": name, "type": "function", "function": {"name": function, "arguments": arguments}}
            return {"role": "assistant", "tool_calls": [call]}
        case {"type": "function_call_output", "call_id": str(name), "output": str(output)}:
            return {"role": "tool", "tool_call_id": name, "content": output}
        case {"type": kind} if kind != "message":
            raise RequestError(f"input.[{index}] is not an item that is known here (type {kind!r})", "input")
        case {"role": "assistant", **more} if "type" not in more:  # OpenAI would accept it, llama.cpp doesn't
            raise RequestError("Cannot determine type of 'item'", "input")
    return item


def _part(part: dict[str, object], role: str, param: str) -> str | RequestMedium | None:
    if role == "assistant":
        return nonempty_text(part.get("text"), param) if part.get("type") == "output_text" else None
    match part:
        case {"type": "input_text"}:
            return nonempty_text(part.get("text"), param)
        case {"type": "input_image", "image_url": url}:
            return picture(url, param)
        case {"type": "input_audio", "input_audio": {"format": kind, "data": data}}:
            return sound(kind, data, param)
    return None


class ResponsesApi:
    """The Responses wire format, with a store that tests can inspect."""

    error = staticmethod(openai_error)

    def __init__(self, store: ResponseStore) -> None:
        self._store = store

    def parse(self, raw: RawRequest) -> ChatRequest:
        """Instructions become a system message of this request only: as in the real API, they aren't stored."""
        payload = raw.json()
        model = model_name(payload)
        stream = flag(payload.get("stream"), "stream")
        flag(payload.get("store"), "store")
        check_tools(payload)
        check_limit(payload.get("max_output_tokens"), "max_output_tokens", LEAST_OUTPUT_TOKENS)
        instructions, new = _instructions(payload.get("instructions")), _input(payload.get("input"))
        previous = payload.get("previous_response_id")
        self._store.check(payload.get("store"), previous)
        messages = instructions + (self._store.find(previous) if previous is not None else ()) + new
        check_order(messages, "input")
        options = {name: value for name, value in payload.items() if name not in NO_OPTIONS}
        return ChatRequest("responses", raw, model, messages, len(new), stream, options)

    def answer(self, request: ChatRequest, say: Say, prompt: PromptCount) -> ResponsesAnswer:
        return ResponsesAnswer(request, say, prompt, self._store)
