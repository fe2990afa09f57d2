"""A file that names other files and addresses has none of them opened."""

import os
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import av
import pytest

from bot.media.media_errors import MediaError, NotSupportedError
from bot.media.sound import _open, convert_sound
from tests.media.files import recorded


class Canary:
    """A pipe with a name, and an address: whatever opens one of them is noticed."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "canary.wav"
        os.mkfifo(self.path)
        self._server = socket.create_server(("127.0.0.1", 0))
        self._server.settimeout(0)
        self.port = self._server.getsockname()[1]
        self._datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.opened: list[str] = []
        self._done = threading.Event()
        self._watcher = threading.Thread(target=self._watch)
        self._watcher.start()

    def _watch(self) -> None:
        while not self._done.wait(0.002):
            with suppress(OSError):  # nobody reads it
                os.close(os.open(self.path, os.O_WRONLY | os.O_NONBLOCK))
                self.opened.append("file")
            with suppress(OSError):
                self._server.accept()[0].close()
                self.opened.append("address")
            with suppress(OSError):
                self._datagrams.bind(("127.0.0.1", self.port))
                self._datagrams.close()

    def close(self) -> None:
        self._done.set()
        self._watcher.join()
        self._server.close()
        self._datagrams.close()


@pytest.fixture
def canary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Canary]:
    monkeypatch.chdir(tmp_path)
    made = Canary(tmp_path)
    yield made
    made.close()


TEXTS = {
    "ffconcat": "ffconcat version 1.0\nfile canary.wav\n",
    "ffconcat, an address": "ffconcat version 1.0\nfile http://127.0.0.1:{port}/a.wav\n",
    "ffconcat, a part": "ffconcat version 1.0\nfile subfile,,start,0,end,0,,:canary.wav\n",
    "m3u8": "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\ncanary.wav\n#EXT-X-ENDLIST\n",
    "m3u8, an address": "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nhttp://127.0.0.1:{port}/a.ts\n#EXT-X-ENDLIST\n",
    "sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 9 RTP/AVP 0\n",
    "dash": '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"><Period><AdaptationSet '
    'mimeType="audio/mp4"><Representation id="1" bandwidth="9"><BaseURL>http://127.0.0.1:{port}/a.mp4</BaseURL>'
    "</Representation></AdaptationSet></Period></MPD>",
    "filters": "amovie=canary.wav",
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_a_playlist_is_not_played(canary: Canary, text: str) -> None:
    with pytest.raises(NotSupportedError):
        convert_sound(text.replace("{port}", str(canary.port)).encode(), most_seconds=9)
    assert canary.opened == []


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_not_even_as_what_it_is(canary: Canary, text: str) -> None:
    """Were it ever taken for a sound, FFmpeg itself opens nothing."""
    data = text.replace("{port}", str(canary.port)).encode()
    for kind in ("concat", "hls", "sdp", "dash", "mp3", "mov"):
        with suppress(av.FFmpegError, ValueError, OSError), _open(data, kind) as source:
            for packet in source.demux():
                packet.decode()
    assert canary.opened == []


def test_a_film_whose_sound_is_another_file(canary: Canary) -> None:
    data = _elsewhere(recorded("mov", "pcm_s16le", 0.2), b"canary.wav")
    assert b"canary.wav" in data
    with suppress(MediaError):
        convert_sound(data, most_seconds=9)
    assert canary.opened == []


@pytest.mark.parametrize("kind", ["hls", "concat"])
def test_playlist_disguised_as_audio_is_not_played(canary: Canary, kind: str) -> None:
    """It comes after the first bytes of an audio file."""
    for head in (b"OggS\0\2", b"ID3\4\0\0\0\0\0\0", b"\0\0\0\x14ftypM4A \0\0\0\0", b"\x1a\x45\xdf\xa3"):
        with pytest.raises(MediaError):
            convert_sound(head + b"\n" + TEXTS["m3u8" if kind == "hls" else "ffconcat"].encode(), most_seconds=9)
    assert canary.opened == []


def _elsewhere(film: bytes, name: bytes) -> bytes:
    """The same film, which says that its data stand in a file of this name beside it (an alias record of type 2)."""
    names = struct.pack(">hH", 2, len(name)) + name + b"\0" * (len(name) % 2) + struct.pack(">hH", -1, 0)
    record = b"\0" * 150 + names
    alias = struct.pack(">I4sI", 12 + len(record), b"alis", 0) + record
    old = film[film.index(b"dref") + 12 :]
    old = old[: struct.unpack(">I", old[:4])[0]]
    grown = len(alias) - len(old)
    made = bytearray(
        film.replace(b"dref" + film[film.index(b"dref") + 4 :][:8] + old, b"dref" + b"\0\0\0\0\0\0\0\1" + alias)
    )
    for box in (b"moov", b"trak", b"mdia", b"minf", b"dinf", b"dref"):
        at = made.index(box) - 4
        made[at : at + 4] = struct.pack(">I", struct.unpack(">I", made[at : at + 4])[0] + grown)
    return bytes(made)
