"""Files of people and of the bot, up and down over the user-side API."""

import io

import av
import httpx
import PIL.Image
import pytest
from av.audio.resampler import AudioResampler
from telegram import Bot

from sandbox.user_api.client import UserApiError, UserClient
from sandbox.user_api.shapes import ChatView
from tests.sandbox.user_api.conftest import TOKEN, updates, url_of


def _picture(side: int = 10, kind: str = "PNG") -> bytes:
    written = io.BytesIO()
    PIL.Image.new("RGB", (side, side), "red").save(written, kind)
    return written.getvalue()


async def test_files_go_up_and_down(client: UserClient, home: ChatView, bot: Bot) -> None:
    chat = home["id"]
    [photo] = await client.send_files(chat, "Ann", "photo", [("a.png", _picture())], caption="red")
    assert (photo["text"], await client.file(photo["photo"] or "")) == ("red", _picture())
    pictures = [(f"{side}.png", _picture(side)) for side in (10, 20)]
    album = await client.send_files(chat, "Ann", "album", pictures, caption="both", reply_to=photo["id"])
    assert len({one["album"] for one in album}) == 1
    assert [one["text"] for one in album] == ["both", ""]
    [paper] = await client.send_files(chat, "Ann", "document", [("März.txt", b"a\r\nb\x00\xff\n")])
    assert paper["document"] is not None
    assert (paper["document"]["name"], paper["document"]["size"]) == ("März.txt", 7)
    assert await client.file(paper["document"]["file"]) == b"a\r\nb\x00\xff\n"
    messages = [update.message for update in await updates(bot)]
    assert [bool(one and one.photo) for one in messages] == [True, True, True, False]
    assert messages[1] is not None
    assert messages[1].reply_to_message is not None


async def test_wrong_files_are_refused(client: UserClient, home: ChatView) -> None:
    for kind, files, reason in (
        ("photo", [("a.png", b"no picture")], "A photo is"),
        ("photo", [("a.png", _picture())] * 2, "from 1 to 1"),
        ("album", [("a.png", _picture())] * 11, "from 1 to 10"),
        ("voice", [("a.ogg", b"no sound")], "A voice message is"),
        ("document", [("a.txt", b"")], "empty"),
        ("dance", [("a.txt", b"x")], "The kind is one of"),
    ):
        with pytest.raises(UserApiError, match=reason) as refused:
            await client.send_files(home["id"], "Ann", kind, files)  # type: ignore[arg-type]  # wrong on purpose
        assert refused.value.code == 400


async def test_files_of_bot_are_saved_not_shown(client: UserClient, home: ChatView, bot: Bot) -> None:
    """A page among them must not run where the API is."""
    sent = await bot.send_document(home["id"], b"<script>alert(1)</script>", filename="a.html")
    assert sent.document is not None
    url = f"{url_of(bot)}/user/files/{sent.document.file_id}"
    async with httpx.AsyncClient(trust_env=False, headers={"Authorization": f"Bearer {TOKEN}"}) as browser:
        shown = await browser.get(url)
        picture = await browser.get(url, params={"name": "a.png"})
    assert shown.headers["content-disposition"] == "attachment"
    assert "content-disposition" not in picture.headers
    assert "sandbox; default-src 'none'" in picture.headers.get_list("content-security-policy")


def _recording(kind: str, codec: str, seconds: int = 2) -> bytes:
    """Silence, as a browser would record it."""
    written = io.BytesIO()
    with av.open(written, "w", format=kind) as target:
        stream = target.add_stream(codec, rate=48_000)
        assert isinstance(stream, av.AudioStream)
        frame = av.AudioFrame(format="fltp", layout="mono", samples=48_000 * seconds)
        frame.sample_rate = 48_000
        frame.planes[0].update(bytes(frame.planes[0].buffer_size))
        stream.layout = "mono"
        for piece in AudioResampler(format=stream.format, layout="mono", rate=48_000, frame_size=960).resample(frame):
            target.mux(stream.encode(piece))
        target.mux(stream.encode(None))
    return written.getvalue()


@pytest.mark.parametrize("kind", ["webm", "ogg"])
async def test_recording_arrives_as_voice_message(client: UserClient, home: ChatView, bot: Bot, kind: str) -> None:
    recording = _recording(kind, "libopus")
    [spoken] = await client.send_files(home["id"], "Ann", "voice", [(f"a.{kind}", recording)])
    assert spoken["voice"] is not None
    assert spoken["voice"]["duration"] == 2
    sound = await client.file(spoken["voice"]["file"])
    assert sound.startswith(b"OggS")
    assert (sound == recording) is (kind == "ogg")
    [update] = await updates(bot)
    assert update.message is not None
    assert update.message.voice is not None
