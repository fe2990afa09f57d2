"""A topic of a private chat that is gone takes nothing with it: all goes on without it."""

from collections.abc import Awaitable, Callable

import pytest

from bot.outbound.content import Destination, Document, Photo, Text, Voice
from bot.outbound.delivery import Deliverer
from tests.outbound.double import Line, connected

LOST = Destination(7, private=True, thread_id=5)
GONE = "Bad Request: message thread not found"

Sends = Callable[[Deliverer], Awaitable[object]]


@pytest.mark.parametrize(
    ("method", "send"),
    [
        ("sendPhoto", lambda sender: sender.upload(LOST, Photo(b"\x89PNG", "a chart"))),
        ("sendDocument", lambda sender: sender.upload(LOST, Document(b"x", "x.md", ""))),
        ("sendVoice", lambda sender: sender.upload(LOST, Voice(b"OggS", ""))),
        ("sendMessage", lambda sender: sender.notice(LOST, "hello")),
        ("sendMessage", lambda sender: sender.pass_on(LOST, [Text("hello")])),
    ],
    ids=["photo", "document", "voice", "notice", "broadcast"],
)
@pytest.mark.parametrize("words", [GONE, "Bad Request: TOPIC_DELETED", "Bad Request: TOPIC_CLOSED"])
async def test_what_is_sent_goes_to_the_chat(method: str, send: Sends, words: str) -> None:
    async with connected() as line:
        line.api.refuse(method, 400, words)
        assert await send(line.sender) == 102
    assert ["message_thread_id" in call.fields for call in line.api.calls] == [True, False]


async def test_an_edit_becomes_a_new_message() -> None:
    async with connected() as line:
        line.api.refuse("editMessageText", 400, GONE)
        line.api.refuse("sendMessage", 400, GONE)
        await line.sender.notice(LOST, "hello", edit=9)
    assert line.api.methods == ["editMessageText", "sendMessage", "sendMessage"]
    assert "message_thread_id" not in line.api.calls[-1].fields


async def _acted(line: Line, to: Destination) -> list[bool]:
    await line.sender._api.act(to, "typing")
    return ["message_thread_id" in call.fields for call in line.api.of("sendChatAction")]


async def test_typing_in_lost_topic_moves_to_chat() -> None:
    async with connected() as line:
        line.api.refuse("sendChatAction", 400, GONE)
        assert await _acted(line, LOST) == [True, False]


async def test_a_broadcast_not_wanted_any_more_ends() -> None:
    async with connected() as line:
        assert await line.sender.pass_on(LOST, [Text("hello")], lambda: False) is None
    assert line.api.calls == []
