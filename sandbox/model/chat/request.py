"""A request for a chat completion: the messages array, and everything beside it."""

from collections.abc import Mapping

from sandbox.model.media import Medium, picture, sound
from sandbox.model.messages import check_order, read_all, words
from sandbox.model.refusal import RequestError
from sandbox.model.request import ChatRequest, check_tools, flag, json_object, model_name, object_in


def parse(body: bytes, headers: Mapping[str, str], received: float) -> ChatRequest:
    """Check the body of a request; raises RequestError with the reason for the client."""
    payload = json_object(body)
    model = model_name(payload)
    stream = flag(payload.pop("stream", None), "stream")
    if not stream and payload.get("stream_options") is not None:
        raise RequestError("stream_options is allowed only when stream is true", "stream_options")
    messages = read_all(payload.pop("messages", None), "messages", _part)
    check_order(messages, "messages")
    check_tools(payload)
    stream_options = object_in(payload.pop("stream_options", None), "stream_options")
    return ChatRequest(
        api="chat",
        model=model,
        messages=messages,
        new=len(messages),
        stream=stream,
        include_usage=flag(stream_options.get("include_usage"), "stream_options.include_usage"),
        options=payload,
        received=received,
        headers=headers,
        body=body,
    )


def _part(part: dict[str, object], _: str, param: str) -> str | Medium | None:
    match part:
        case {"type": "text"}:
            return words(part.get("text"), param)
        case {"type": "image_url", "image_url": {"url": url}}:
            return picture(url, param)
        case {"type": "input_audio", "input_audio": {"format": kind, "data": data}}:
            return sound(kind, data, param)
    return None
