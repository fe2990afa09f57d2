"""A request in DashScope's form: the messages under "input", and everything beside them under "parameters"."""

from collections.abc import Mapping

from sandbox.model.media import Medium, named_sound, picture
from sandbox.model.messages import check_order, read_all, words
from sandbox.model.refusal import RequestError
from sandbox.model.request import ChatRequest, check_limit, check_tools, flag, json_object, model_name, object_in

MEDIA = ("image", "audio")


def parse(body: bytes, headers: Mapping[str, str], received: float, *, multimodal: bool) -> ChatRequest:
    """Check the body of a request; raises RequestError with the reason for the client."""
    payload = json_object(body)
    model = model_name(payload)
    asked = object_in(payload.get("input"), "input").get("messages")
    messages = read_all(asked, "input.messages", _part if multimodal else _text_part, plain=not multimodal)
    check_order(messages, "input.messages")
    parameters = object_in(payload.get("parameters"), "parameters")
    stream = _streams(headers)
    _check(parameters, stream=stream, multimodal=multimodal)
    return ChatRequest(
        api="dashscope",
        model=model,
        messages=messages,
        new=len(messages),
        stream=stream,
        include_usage=True,
        options=parameters,
        received=received,
        headers=headers,
        body=body,
    )


def _streams(headers: Mapping[str, str]) -> bool:
    sse, accepted = headers.get("x-dashscope-sse") == "enable", headers.get("accept", "")
    if sse and "text/event-stream" not in accepted and "*/*" not in accepted:
        raise RequestError("X-DashScope-SSE asks for events, which Accept does not allow")
    return sse or accepted == "text/event-stream"


def _check(parameters: dict[str, object], *, stream: bool, multimodal: bool) -> None:
    check_tools(parameters)
    check_limit(parameters.get("max_tokens"), "max_tokens", 1)
    incremental = flag(parameters.get("incremental_output"), "incremental_output")
    thinking = flag(parameters.get("enable_thinking"), "enable_thinking")
    if thinking and stream and not incremental:
        raise RequestError("parameter.incremental_output only support set True when enable_thinking is true")
    expected = ("message", None) if multimodal else ("message",)
    if parameters.get("result_format") not in expected:
        raise RequestError("result_format is message here")  # the other one is an old form without roles


def _text_part(part: dict[str, object], _: str, param: str) -> str | Medium | None:
    if any(key in part for key in MEDIA):
        raise RequestError("url error, please check url!")  # as the endpoint says that is for text only
    return words(part["text"], param) if "text" in part else None


def _part(part: dict[str, object], _: str, param: str) -> str | Medium | None:
    if sum(key in part for key in ("text", *MEDIA)) != 1:
        return None
    if "image" in part:
        return picture(part["image"], param)
    return named_sound(part["audio"], param) if "audio" in part else words(part["text"], param)
