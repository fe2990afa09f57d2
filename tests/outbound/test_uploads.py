"""Files of ours arrive as what they are, and quotes as quotes that can be folded."""

import json

import httpx
import pytest
from telegram import InlineKeyboardButton, InlineKeyboardMarkup
from telegram.error import TimedOut

from bot.errors import Undeliverable
from bot.outbound.content import Destination, Document, File, Photo, Text, Voice
from bot.outbound.post import MOST_COPIES, MOST_FAILED_UPLOADS
from bot.outbound.refusals import failed_there, may_have_arrived
from tests.outbound.double import GROUP, PRIVATE, Line, connected

TOPIC = Destination(-7, private=False, thread_id=5, reply_to=3)
BUTTON = InlineKeyboardMarkup([[InlineKeyboardButton("More", callback_data="more")]])


@pytest.mark.parametrize(
    ("file", "method", "field", "name"),
    [
        (Photo(b"\x89PNG picture", "look"), "sendPhoto", "photo", None),
        (Voice(b"OggS voice", "listen"), "sendVoice", "voice", None),
        (Document(b'{"a": 1}', "chat.json", "read"), "sendDocument", "document", "chat.json"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_a_file_arrives_as_what_it_is(file: File, method: str, field: str, name: str | None) -> None:
    async with connected() as line:
        assert await line.sender.upload(TOPIC, file, BUTTON) == 101
        (call,) = line.api.calls
    assert call.method == method
    assert call.files[field].data in (getattr(file, key, None) for key in ("png", "ogg", "data"))
    assert name in (None, call.files[field].name)
    assert call.fields["caption"] == file.caption
    assert (call.fields["chat_id"], call.fields["message_thread_id"]) == ("-7", "5")
    assert json.loads(call.fields["reply_parameters"])["message_id"] == 3
    assert json.loads(call.fields["reply_markup"])["inline_keyboard"][0][0]["text"] == "More"


async def test_file_that_arrived_is_not_sent_again() -> None:
    async with connected() as line:
        assert await line.sender.upload(TOPIC, Photo(b"\x89PNG", "look"), BUTTON, begun=77) == 77
        assert line.api.methods == ["editMessageCaption"]


async def test_file_is_sent_if_another_was_found() -> None:
    async with connected() as line:
        line.api.refuse("editMessageCaption", 400, "Bad Request: there is no caption in the message to edit")
        assert await line.sender.upload(TOPIC, Photo(b"\x89PNG", "look"), BUTTON, begun=77) == 102
        assert line.api.methods == ["editMessageCaption", "sendPhoto"]


async def test_flood_limit_delays_but_keeps_a_file() -> None:
    async with connected() as line:
        line.api.refuse("sendDocument", 429, "Too Many Requests: retry after 60", retry_after=60)
        began = line.now()
        assert await line.sender.upload(PRIVATE, Document(b"x", "x.md", "")) == 102
        assert line.api.methods == ["sendDocument", "sendDocument"]
        assert line.now() - began >= 60


async def test_voice_note_refused_by_user_is_undeliverable() -> None:
    async with connected() as line:
        line.api.refuse("sendVoice", 400, "Bad Request: VOICE_MESSAGES_FORBIDDEN")
        with pytest.raises(Undeliverable, match=r"(?i)voice_messages_forbidden"):
            await line.sender.upload(PRIVATE, Voice(b"OggS", ""))


async def test_file_too_large_for_server_is_given_up() -> None:
    async with connected() as line:
        line.api.refuse("sendDocument", 413, "Request Entity Too Large", times=5)
        with pytest.raises(Undeliverable, match="Too Large"):
            await line.sender.upload(PRIVATE, Document(b"x", "x.md", ""))
        assert line.api.methods == ["sendDocument"]


@pytest.mark.parametrize(("code", "said"), [(500, "Internal Server Error"), (502, "Bad Gateway"), (503, "")])
async def test_file_failing_at_server_is_given_up(code: int, said: str) -> None:
    async with connected() as line:
        line.api.refuse("sendDocument", code, said, times=30)
        with pytest.raises(Undeliverable) as raised:
            await line.sender.upload(PRIVATE, Document(b"x", "x.md", ""))
        assert line.api.methods == ["sendDocument"] * MOST_FAILED_UPLOADS
    assert failed_there(raised.value.__cause__)
    assert not may_have_arrived(raised.value.__cause__)


async def test_a_file_outlasts_a_short_trouble_there() -> None:
    async with connected() as line:
        line.api.refuse("sendDocument", 502, "Bad Gateway", times=MOST_FAILED_UPLOADS - 1)
        assert await line.sender.upload(PRIVATE, Document(b"x", "x.md", "")) is not None


async def test_text_waits_until_trouble_ends() -> None:
    async with connected() as line:
        line.api.refuse("sendMessage", 500, "Internal Server Error", times=2 * MOST_FAILED_UPLOADS)
        assert await line.sender.notice(PRIVATE, "words") is not None


async def test_a_quote_is_folded_as_a_whole() -> None:
    text = "She said 👋 and *left*."
    async with connected() as line:
        await line.sender.notice(GROUP, text, quote=True)
        (call,) = line.api.calls
    assert call.text == text
    (entity,) = json.loads(call.fields["entities"])
    assert entity == {"type": "expandable_blockquote", "offset": 0, "length": len(text) + 1}


async def test_each_part_of_long_quote_is_quoted() -> None:
    text = "word " * 2000 + "end"
    async with connected() as line:
        await line.sender.notice(PRIVATE, text, BUTTON, quote=True)
        calls = line.api.calls
    assert len(calls) == 3
    assert " ".join(call.text for call in calls).split() == text.split()
    for call in calls:
        (entity,) = json.loads(call.fields["entities"])
        assert (entity["type"], entity["length"]) == ("expandable_blockquote", len(call.text))
    assert ["reply_markup" in call.fields for call in calls] == [False, False, True]


def _times_out(line: Line, monkeypatch: pytest.MonkeyPatch, cause: Exception, tries: list[str]) -> None:
    async def send(_: object, __: object, file: File, ___: object) -> int:
        tries.append(file.caption)
        raise TimedOut from cause

    monkeypatch.setattr(type(line.sender._api), "send", send)


@pytest.mark.parametrize("cause", [httpx.ReadTimeout(""), httpx.WriteTimeout(""), httpx.RemoteProtocolError("")])
async def test_possibly_arrived_file_is_sent_twice_at_most(cause: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    tries: list[str] = []
    async with connected() as line:
        _times_out(line, monkeypatch, cause, tries)
        with pytest.raises(Undeliverable) as raised:
            await line.sender.upload(PRIVATE, Document(b"x", "x.md", "mine"))
    assert tries == ["mine", "mine"]
    assert may_have_arrived(raised.value.__cause__)


async def test_possibly_arrived_text_is_given_up_eventually(monkeypatch: pytest.MonkeyPatch) -> None:
    tries: list[str] = []

    async def send(_: object, __: object, content: Text, ___: object) -> int:
        tries.append(content.text)
        raise TimedOut from httpx.ReadTimeout("")

    async with connected() as line:
        monkeypatch.setattr(type(line.sender._api), "send", send)
        line.api.refuse("sendChatAction", 502, "Bad Gateway", times=20)
        with pytest.raises(Undeliverable):
            await line.sender.notice(PRIVATE, "hello")
        assert tries == ["hello"] * MOST_COPIES
        assert len(line.api.of("sendChatAction")) == 20 + MOST_COPIES - 1


@pytest.mark.parametrize("cause", [httpx.ConnectTimeout(""), httpx.PoolTimeout(""), httpx.ConnectError("")])
async def test_without_a_line_a_file_waits(cause: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    tries: list[str] = []
    async with connected() as line:
        _times_out(line, monkeypatch, cause, tries)
        wanted = iter([True] * 4 + [False])
        assert await line.sender.upload(PRIVATE, Document(b"x", "x.md", "mine"), wanted=lambda: next(wanted)) is None
    assert len(tries) == 4


@pytest.mark.parametrize(
    ("file", "action"),
    [
        (Photo(b"x", ""), "upload_photo"),
        (Voice(b"x", ""), "upload_voice"),
        (Document(b"x", "x", ""), "upload_document"),
    ],
)
async def test_an_upload_is_seen_as_one(file: File, action: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.outbound.preview.AFTER_S", 0.0)
    async with connected() as line:
        line.api.slowness = 0.02
        await line.sender.upload(PRIVATE, file)
        assert line.api.of("sendChatAction")[0].fields["action"] == action
