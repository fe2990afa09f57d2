from collections.abc import AsyncIterator

import openai
import pytest
from openai import AsyncOpenAI

from sandbox.model import Fail, ModelServer
from sandbox.model.transcriptions import STAND_IN


@pytest.fixture
async def server() -> ModelServer:
    return ModelServer()


@pytest.fixture
async def client(server: ModelServer) -> AsyncIterator[AsyncOpenAI]:
    async with server.run() as url, AsyncOpenAI(base_url=url, api_key="any", max_retries=0, timeout=5) as client:
        yield client


async def test_transcriptions_follow_script_and_keep_the_audio(client: AsyncOpenAI, server: ModelServer) -> None:
    server.transcriptions.script("one", Fail(500))
    first = await client.audio.transcriptions.create(model="whisper-1", file=("voice.ogg", b"OggS..\r\n--\0\xff"))
    assert first.text == "one"
    with pytest.raises(openai.InternalServerError):
        await client.audio.transcriptions.create(model="whisper-1", file=("voice.mp3", b"ID3"))
    last = await client.audio.transcriptions.create(model="whisper-1", file=("voice.wav", b"RIFF"))
    assert last.text == STAND_IN
    assert [one.sound for one in server.transcriptions.requests] == [b"OggS..\r\n--\0\xff", b"ID3", b"RIFF"]


@pytest.mark.parametrize(
    ("model", "name", "content", "reason"),
    [
        ("", "voice.mp3", b"ID3", "model"),
        ("whisper-1", "voice.mp3", b"OggS", "Invalid file format"),
        ("whisper-1", "voice.exe", b"MZ", "Invalid file format"),
    ],
)
async def test_what_a_real_server_refuses_is_refused(
    client: AsyncOpenAI, model: str, name: str, content: bytes, reason: str
) -> None:
    with pytest.raises(openai.BadRequestError, match=reason):
        await client.audio.transcriptions.create(model=model, file=(name, content))


async def test_a_body_that_is_no_form_is_refused(client: AsyncOpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="form"):
        await client.post("/audio/transcriptions", body={"model": "m"}, cast_to=object)
