import base64
import json

import pytest

from sandbox.model.chat_api import ChatApi
from sandbox.model.request import ChatRequest, RawRequest, RequestError
from tests.media.files import picture

USER = {"role": "user", "content": "hi"}
ASSISTANT = {"role": "assistant", "content": "hello"}
SYSTEM = {"role": "system", "content": "be kind"}


def parsed(**body: object) -> ChatRequest:
    return ChatApi().parse(RawRequest(json.dumps({"model": "m", **body}).encode()))


@pytest.mark.parametrize("messages", [[USER], [SYSTEM, USER], [USER, ASSISTANT, USER], [SYSTEM, USER, ASSISTANT, USER]])
def test_an_alternating_conversation_is_accepted(messages: list[dict[str, str]]) -> None:
    assert [message.role for message in parsed(messages=messages).messages] == [item["role"] for item in messages]


@pytest.mark.parametrize(
    ("messages", "reason"),
    [
        (None, "messages must be a list"),
        ([], "messages must be a list"),
        (["hi"], "must be an object"),
        ([SYSTEM], "the last message must be the user's"),
        ([ASSISTANT, USER], "role must be user here"),
        ([USER, USER], "role must be assistant here"),
        ([USER, SYSTEM], "role must be assistant here"),
        ([USER, ASSISTANT], "the last message must be the user's"),
        ([{"role": "robot", "content": "hi"}], "role must be one of system, user, assistant, tool, not 'robot'"),
        ([{"role": "user", "content": ""}], "has no text"),
        ([{"role": "user", "content": None}], "must be a text or a list of parts"),
        ([{"role": "user", "content": []}], "must be a text or a list of parts"),
        ([{"role": "user", "content": [{"type": "text", "text": ""}]}], "has no text"),
        ([{"role": "user", "content": [{"type": "smell"}]}], "not a content part"),
    ],
)
def test_messages_refused_by_real_servers_are_refused(messages: object, reason: str) -> None:
    with pytest.raises(RequestError, match=reason):
        parsed(messages=messages)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"{", "not valid JSON"),
        (b"[]", "must be a JSON object"),
        (b'{"messages": []}', "model"),
        (b'{"model": "m", "stream_options": {"include_usage": true}}', "only when stream is true"),
        (b'{"model": "m", "messages": [{"role": "user", "content": "hi"}], "stream": "yes"}', "stream must be true"),
    ],
)
def test_a_body_of_the_wrong_form_is_refused(body: bytes, reason: str) -> None:
    with pytest.raises(RequestError, match=reason):
        ChatApi().parse(RawRequest(body))


def test_parts_form_one_text_without_cache_markers() -> None:
    shown = _shown(picture(kind="PNG"))
    marker = {"cache_control": {"type": "ephemeral"}}
    [plain] = parsed(messages=[{"role": "user", "content": [shown, {"type": "text", "text": "what?"}]}]).messages
    [marked] = parsed(
        messages=[{"role": "user", "content": [shown | marker, {"type": "text", "text": "what?"} | marker]}]
    ).messages
    assert plain.text == "what?"
    assert plain.content == marked.content


@pytest.mark.parametrize(("width", "height", "tokens"), [(64, 64, 4), (640, 480, 300), (2048, 1536, 3072)])
def test_picture_counts_by_size_in_every_prompt(width: int, height: int, tokens: int) -> None:
    one, other = (_shown(picture(width, height, "PNG", color=color)) for color in ("red", "green"))
    first, again, different = (
        parsed(messages=[{"role": "user", "content": [part]}]).messages[0] for part in (one, one, other)
    )
    assert len(first.content) == 4 * tokens
    assert first.content == again.content != different.content


def _shown(data: bytes) -> dict[str, object]:
    return {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{base64.b64encode(data).decode()}"}}
