"""Pictures and sounds in a request, checked as a real server does: they have to be what they say."""

import base64
import binascii
import re

from sandbox.model.refusal import RequestError

_PICTURE = re.compile(r"data:(image/(?:jpeg|png|webp|gif));base64,(.+)", re.DOTALL)
_SOUND = re.compile(r"(?:data:[^,]*;base64,)?(.+)", re.DOTALL)
_BEGINNINGS = {
    "image/jpeg": (b"\xff\xd8\xff",),
    "image/png": (b"\x89PNG\r\n\x1a\n",),
    "image/webp": (b"RIFF",),
    "image/gif": (b"GIF8",),
    "mp3": (b"ID3", b"\xff\xfb", b"\xff\xf3", b"\xff\xf2"),
    "wav": (b"RIFF",),
}


def media_of(content: object, param: str) -> tuple[tuple[str, bytes], ...]:
    """The kind and the bytes of each picture and sound in a message's content; raises RequestError."""
    parts = content if isinstance(content, list) else []
    found = [_medium(part, f"{param}.[{at}]") for at, part in enumerate(parts) if isinstance(part, dict)]
    return tuple(one for one in found if one is not None)


def _medium(part: dict[str, object], param: str) -> tuple[str, bytes] | None:
    if part.get("type") == "image_url":
        match = _PICTURE.fullmatch(_text(part, "image_url", "url"))
        if match is None:
            raise RequestError(f"{param}: the image is no data URL of a kind that is read here", param)
        return _checked(match[1], match[2], param)
    if part.get("type") == "input_audio":
        kind, match = _text(part, "input_audio", "format"), _SOUND.fullmatch(_text(part, "input_audio", "data"))
        if kind not in ("mp3", "wav") or match is None:
            raise RequestError(f"{param}: the audio has no format that is read here", param)
        return _checked(kind, match[1], param)
    return None


def _text(part: dict[str, object], name: str, field: str) -> str:
    inner = part.get(name)
    return str(inner.get(field, "")) if isinstance(inner, dict) else ""


def _checked(kind: str, encoded: str, param: str) -> tuple[str, bytes]:
    try:
        data = base64.b64decode(encoded, validate=True)
    except binascii.Error as exc:
        raise RequestError(f"{param}: this is not base64", param) from exc
    if not data.startswith(_BEGINNINGS[kind]):
        raise RequestError(f"{param}: the image or audio is not {kind}", param)
    return kind, data
