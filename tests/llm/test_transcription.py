"""The real client against a server that writes down sounds in whatever form."""

from collections.abc import AsyncIterator

import pytest

from bot import errors
from bot.llm.interface import Sound
from bot.llm.stream_events import ExtraRequest, Usage
from bot.llm.transcription import Transcriptions
from sandbox.model import Fail, ModelServer

SOUND = Sound("mp3", b"ID3" + bytes(200))
HEARD: dict[str, tuple[bytes, str]] = {
    "usual": (b'{"text": " Hello there "}', "Hello there"),
    "more of it": (b'{"text": "Hello there", "segments": [], "language": "en"}', "Hello there"),
    "segments": (b'{"segments": [{"text": "Hello"}, null, {"text": " there"}, {"id": 3}]}', "Hello there"),
    "a text": (b"Hello there\n", "Hello there"),
    "a text in JSON": (b'"Hello there"', "Hello there"),
    "a figure": (b"42\n", "42"),
    "brackets": (b"[music] Hello there", "[music] Hello there"),
    "braces": (b"{laughs} Hello", "{laughs} Hello"),
    "half a character": (b'{"text": "Hello there\\ud83d\\u0000"}', "Hello there\ufffd"),
    "bytes that are no characters": (b'{"text": "Hello there\xff"}', "Hello there\ufffd"),
    "null": (b'{"text": null}', ""),
    "empty": (b"", ""),
}
NONE: dict[str, tuple[bytes, type[errors.ModelError]]] = {
    "no text": (b'{"duration": 3}', errors.RequestRefused),
    "a number": (b'{"text": 3}', errors.RequestRefused),
    "nothing": (b"null", errors.RequestRefused),
    "a list": (b"[1]", errors.RequestRefused),
    "a page": (b"<html>hello</html>", errors.RequestRefused),
    "half of it": (b'{"text": "Hel', errors.RequestRefused),
    "nested without end": (b"[" * 100_000, errors.RequestRefused),
    "a failure": (b'{"error": {"code": 429, "message": "slow down"}}', errors.RateLimited),
}


@pytest.fixture
async def model(server: ModelServer) -> AsyncIterator[Transcriptions]:
    async with server.run() as url:
        model = Transcriptions(base_url=url, api_key="sk-right", model="whisper-1", timeout=5.0)
        yield model
        await model.close()


async def test_words_of_any_form_are_read(server: ModelServer, model: Transcriptions) -> None:
    for name, (body, words) in HEARD.items():
        server.transcriptions.script(Fail(200, body=body))
        assert await model.transcribe(SOUND) == words, name


async def test_what_it_took_is_told(server: ModelServer, model: Transcriptions) -> None:
    reports: dict[str, tuple[str, Usage | None]] = {
        "tokens": (
            '{"type": "tokens", "input_tokens": 14, "input_token_details": {"audio_tokens": 14}, "output_tokens": 45,'
            ' "total_tokens": 59}',
            Usage(14, 0, 45, audio=14),
        ),
        "seconds": ('{"type": "duration", "seconds": 9}', None),
        "zeros": ('{"input_tokens": 0, "output_tokens": 0}', None),
        "none": ("null", None),
        "a list": ("[1]", None),
    }
    for name, (usage, told) in reports.items():
        took: list[ExtraRequest] = []
        server.transcriptions.script(Fail(200, body=b'{"text": "Hello there", "usage": %s}' % usage.encode()))
        await model.transcribe(SOUND, took)
        assert took == [ExtraRequest(0, 2, told)], name
    server.transcriptions.script(Fail(200, body=b"Hello there"))
    await model.transcribe(SOUND, took)
    assert took[-1] == ExtraRequest(0, 2, None)


async def test_an_answer_without_words_is_a_failure(server: ModelServer, model: Transcriptions) -> None:
    for name, (body, kind) in NONE.items():
        server.transcriptions.script(Fail(200, body=body))
        with pytest.raises(errors.ModelError) as caught:
            await model.transcribe(SOUND)
        assert type(caught.value) is kind, name
