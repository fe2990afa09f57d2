"""Pictures and sounds in a request, checked as a real server does: they must be what they claim to be."""

import base64
import binascii
import hashlib
import io
import re
from dataclasses import dataclass

import PIL.Image

from sandbox.model.request import RequestError

TOKEN_BYTES = 4
PICTURE_TOKEN_PIXELS = 32 * 32
"""Qwen3-VL's pixels per token."""
SOUND_TOKEN_BYTES = 240
"""Qwen-Omni counts 25 tokens per second, and this is a 25th of a second at 48 kbit/s."""

_PICTURE = re.compile(r"data:(image/(?:jpeg|png|webp|gif));base64,(.+)", re.DOTALL)
_SOUND = re.compile(r"(?:data:[^,]*;base64,)?(.+)", re.DOTALL)
_NAMED_SOUND = re.compile(r"data:(audio/[a-z0-9-]+);base64,.+", re.DOTALL)
_SOUND_KINDS = {"audio/mp3": "mp3", "audio/mpeg": "mp3", "audio/wav": "wav", "audio/x-wav": "wav"}
_BEGINNINGS = {
    "image/jpeg": (b"\xff\xd8\xff",),
    "image/png": (b"\x89PNG\r\n\x1a\n",),
    "image/webp": (b"RIFF",),
    "image/gif": (b"GIF8",),
    "mp3": (b"ID3", b"\xff\xfb", b"\xff\xf3", b"\xff\xf2"),
    "wav": (b"RIFF",),
}


@dataclass(frozen=True, slots=True)
class RequestMedium:
    """A picture or sound of the stated kind, with its tokens as Qwen counts."""

    kind: str
    data: bytes
    tokens: int

    @property
    def read(self) -> str:
        """Its stand-in in the prompt: this many tokens of text, the same for the same bytes."""
        name = hashlib.sha256(self.data).hexdigest()
        length = TOKEN_BYTES * self.tokens
        return (name * -(-length // len(name)))[:length]


def picture(url: object, param: str) -> RequestMedium:
    """The picture in a data URL; raises RequestError."""
    match = _PICTURE.fullmatch(str(url))
    if match is None:
        raise RequestError(f"{param}: the image is no data URL of a kind that is read here", param)
    return _checked(match[1], match[2], param)


def sound(kind: object, encoded: object, param: str) -> RequestMedium:
    """A sound ("mp3" or "wav") in base64 or a data URL; raises RequestError."""
    match = _SOUND.fullmatch(str(encoded or ""))
    if kind not in ("mp3", "wav") or match is None:
        raise RequestError(f"{param}: the audio has no format that is read here", param)
    return _checked(str(kind), match[1], param)


def named_sound(url: object, param: str) -> RequestMedium:
    """The sound in a data URL that states its type; raises RequestError."""
    match = _NAMED_SOUND.fullmatch(str(url))
    return sound(_SOUND_KINDS.get(match[1]) if match else None, url, param)


def tokens(kind: str, data: bytes) -> int:
    """Tokens as Qwen counts; raises ValueError for an unreadable picture."""
    if not kind.startswith("image/"):
        return max(1, len(data) // SOUND_TOKEN_BYTES)
    try:
        with PIL.Image.open(io.BytesIO(data)) as opened:
            return max(4, opened.width * opened.height // PICTURE_TOKEN_PIXELS)
    except PIL.UnidentifiedImageError as exc:
        raise ValueError("the image can't be read") from exc


def _checked(kind: str, encoded: str, param: str) -> RequestMedium:
    try:
        data = base64.b64decode(encoded, validate=True)
    except binascii.Error as exc:
        raise RequestError(f"{param}: this is not base64", param) from exc
    if not data.startswith(_BEGINNINGS[kind]):
        raise RequestError(f"{param}: the image or audio is not {kind}", param)
    try:
        return RequestMedium(kind, data, tokens(kind, data))
    except ValueError as exc:
        raise RequestError(f"{param}: {exc}", param) from exc
