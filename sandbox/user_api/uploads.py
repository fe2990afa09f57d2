"""Files that people send: as the content of messages, of which an album has several."""

import io
import mimetypes
from collections.abc import Sequence
from typing import get_args

import av
import PIL.Image
from av.audio.resampler import AudioResampler

from sandbox.botapi import sent_media
from sandbox.botapi.stored_state import Files
from sandbox.botapi.wire import Json
from sandbox.http import Upload
from sandbox.user_api.shapes import FileKind

MOST_FILES = 10
"""The most in an album."""
OGG = b"OggS"
RATE = 48_000
KINDS: Sequence[str] = get_args(FileKind)
NO_PHOTO = "A photo is a JPEG, a PNG or the like."
NO_VOICE = "A voice message is Ogg with Opus, or what a browser records."


def check(kind: str, uploads: Sequence[Upload]) -> None:
    """Raise ValueError unless this kind can be sent with these files."""
    if kind not in KINDS:
        raise ValueError(f"The kind is one of {', '.join(KINDS)}.")
    most = MOST_FILES if kind in ("album", "document") else 1
    if not 1 <= len(uploads) <= most:
        raise ValueError(f"The number of files is wrong: it is from 1 to {most}.")
    if any(not one.data for one in uploads):
        raise ValueError("The file is empty.")


def contents(files: Files, kind: str, uploads: Sequence[Upload], album: str) -> list[Json]:
    """The content of each message; `album` is the id that several have in common. Raises ValueError."""
    group: Json = {"media_group_id": album} if len(uploads) > 1 else {}
    return [_content(files, kind, one) | group for one in uploads]


def _content(files: Files, kind: str, upload: Upload) -> Json:
    if kind == "voice":
        return sent_media.voice(files, upload.data, sent_media.opus_seconds(upload.data))
    if kind == "document":
        mime = mimetypes.guess_type(upload.name)[0] or "application/octet-stream"
        return sent_media.document(files, upload.data, upload.name, mime)
    try:
        return sent_media.photo(files, upload.data)
    except (OSError, ValueError, SyntaxError, PIL.Image.DecompressionBombError) as exc:
        raise ValueError(NO_PHOTO) from exc


def as_voice(upload: Upload) -> Upload:
    """A recording as Ogg with Opus; raises ValueError. It may take a while."""
    if upload.data.startswith(OGG) and b"OpusHead" in upload.data[:200]:
        return upload
    try:
        return Upload(upload.name, _to_opus(upload.data))
    except (av.FFmpegError, ValueError) as exc:
        raise ValueError(NO_VOICE) from exc


def _to_opus(sound: bytes) -> bytes:
    written = io.BytesIO()
    with av.open(io.BytesIO(sound), "r") as source, av.open(written, "w", format="ogg") as target:
        if not source.streams.audio:
            raise ValueError("there is no sound in it")
        stream = target.add_stream("libopus", rate=RATE)
        stream.layout = "mono"
        resampler = AudioResampler(format="s16", layout="mono", rate=RATE)
        for frame in source.decode(audio=0):
            for piece in resampler.resample(frame):
                target.mux(stream.encode(piece))
        for piece in resampler.resample(None):
            target.mux(stream.encode(piece))
        target.mux(stream.encode(None))
    return written.getvalue()
