import openai
import pytest
from openai import AsyncOpenAI

from sandbox.model import Fail, ModelServer
from sandbox.model.transcriptions import STAND_IN


async def test_transcriptions_follow_script_and_keep_the_audio(client: AsyncOpenAI, model: ModelServer) -> None:
    model.transcriptions.script("one", Fail(500))
    first = await client.audio.transcriptions.create(model="whisper-1", file=("voice.ogg", b"OggS..\r\n--\0\xff"))
    assert first.text == "one"
    with pytest.raises(openai.InternalServerError):
        await client.audio.transcriptions.create(model="whisper-1", file=("voice.mp3", b"ID3"))
    last = await client.audio.transcriptions.create(model="whisper-1", file=("voice.wav", b"RIFF"))
    assert last.text == STAND_IN
    assert [one.sound for one in model.transcriptions.requests] == [b"OggS..\r\n--\0\xff", b"ID3", b"RIFF"]


@pytest.mark.parametrize(
    ("wanted", "name", "content", "reason"),
    [
        ("", "voice.mp3", b"ID3", "model"),
        ("whisper-1", "voice.mp3", b"OggS", "Invalid file format"),
        ("whisper-1", "voice.exe", b"MZ", "Invalid file format"),
    ],
)
async def test_what_a_real_server_refuses_is_refused(
    client: AsyncOpenAI, wanted: str, name: str, content: bytes, reason: str
) -> None:
    with pytest.raises(openai.BadRequestError, match=reason):
        await client.audio.transcriptions.create(model=wanted, file=(name, content))


async def test_a_body_that_is_no_form_is_refused(client: AsyncOpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="form"):
        await client.post("/audio/transcriptions", body={"model": "m"}, cast_to=object)
