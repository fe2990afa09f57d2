"""Media sent by users, as message content with all the fields that Telegram sets."""

import io

import PIL.Image

from sandbox.botapi.stored_state import Files
from sandbox.botapi.wire import Json

SIDES = (90, 320, 800, 1280, 2560)
"""The longest sides of a photo's sizes, in pixels."""
OPUS_RATE = 48_000
"""The granule rate of Ogg with Opus, whatever the input rate was (RFC 7845)."""


def photo(files: Files, content: bytes) -> Json:
    """A photo in all smaller standard sizes, and in its own up to the largest."""
    with PIL.Image.open(io.BytesIO(content)) as opened:
        opened.load()
    longest = max(opened.size)
    sides = [side for side in SIDES if side < longest]
    sizes = [_size(files, _shrunk(opened, side)) for side in sides]
    if longest <= SIDES[-1]:
        sizes.append(_size(files, content))
    return {"photo": sizes}


def voice(files: Files, content: bytes, duration: int) -> Json:
    """A voice message: Ogg with Opus."""
    return {"voice": files.add(content, "voice", "oga") | {"duration": duration, "mime_type": "audio/ogg"}}


def opus_seconds(content: bytes) -> int:
    """The duration of a voice message in whole seconds; raises ValueError if it isn't Ogg."""
    last_page = content.rfind(b"OggS")
    if last_page < 0:
        raise ValueError("a voice message is an Ogg file with Opus")
    samples = int.from_bytes(content[last_page + 6 : last_page + 14], "little")  # the end of this page in samples
    return max(1, round(samples / OPUS_RATE))


def audio(files: Files, content: bytes, duration: int, title: str, performer: str, name: str) -> Json:
    """A music file."""
    details: Json = {"duration": duration, "title": title, "performer": performer, "file_name": name}
    return {"audio": files.add(content, "music", name.rpartition(".")[2]) | details | {"mime_type": "audio/mpeg"}}


def document(files: Files, content: bytes, name: str, mime: str) -> Json:
    """A file of any kind."""
    file = files.add(content, "documents", name.rpartition(".")[2])
    return {"document": file | {"file_name": name, "mime_type": mime}}


def video(files: Files, thumbnail: bytes, duration: int, content: bytes = b"no video") -> Json:
    """A video with its thumbnail."""
    details: Json = {"width": 1280, "height": 720, "duration": duration, "mime_type": "video/mp4", "file_name": "v.mp4"}
    return {"video": files.add(content, "videos", "mp4") | details | {"thumbnail": _size(files, thumbnail)}}


def video_note(files: Files, content: bytes, duration: int, thumbnail: bytes) -> Json:
    """A round video message."""
    details: Json = {"length": 384, "duration": duration, "thumbnail": _size(files, thumbnail)}
    return {"video_note": files.add(content, "video_notes", "mp4") | details}


def animation(files: Files, thumbnail: bytes, content: bytes = b"no animation") -> Json:
    """An animation, which Telegram also describes as a document."""
    file = files.add(content, "animations", "mp4") | {"mime_type": "video/mp4", "file_name": "a.mp4"}
    small: Json = {"thumbnail": _size(files, thumbnail)}
    return {"animation": file | small | {"width": 320, "height": 240, "duration": 2}, "document": file | small}


def sticker(files: Files, content: bytes, emoji: str, *, animated: bool = False, thumbnail: bytes = b"") -> Json:
    """A sticker: a static WebP, or an animated one with a thumbnail."""
    file = files.add(content, "stickers", "tgs" if animated else "webp")
    details: Json = {"type": "regular", "width": 512, "height": 512, "is_animated": animated, "is_video": False}
    small: Json = {"thumbnail": _size(files, thumbnail)} if thumbnail else {}
    return {"sticker": file | details | small | {"emoji": emoji, "set_name": "Animals"}}


def _size(files: Files, content: bytes) -> Json:
    with PIL.Image.open(io.BytesIO(content)) as opened:
        width, height = opened.size
    return files.add(content, "photos", "jpg") | {"width": width, "height": height}


def _shrunk(picture: PIL.Image.Image, side: int) -> bytes:
    small = picture.convert("RGB")
    small.thumbnail((side, side))
    written = io.BytesIO()
    small.save(written, "JPEG", quality=87)
    return written.getvalue()
