"""PNG files without the words that programs write into them, which are no part of the picture.

WebP files whose end is missing, of which no decoder takes anything: what is there is put into one that is whole.

Pictures: upright, without metadata, and no larger than a model can use; otherwise left as they are.

What is broken beside the picture is no reason to refuse it: neither what cameras and programs wrote into the file, nor
an end that is missing.
"""

import io
import warnings
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from math import ceil, isfinite, log2
from typing import TYPE_CHECKING

from bot.media.media_errors import NotSupportedError, SwollenError, UnreadableError
from bot.media.signatures import picture_format

if TYPE_CHECKING:
    from PIL.Image import Image as Pillow
    from PIL.ImageFile import ImageFile

_HEAD = b"\x89PNG\r\n\x1a\n"
_WORDS = (b"tEXt", b"zTXt", b"iTXt")
MOST_MISSING = 20_000_000
"""Bytes that are made up for, however long a file says that it is."""
FILLERS = (b"\0", b"\xff", b"\x55")
"""What is read as colours, mostly; a picture without loss takes it for more of its tables now and then."""
_PICTURES = (b"VP8 ", b"VP8L")
LONGEST_SIDE = 2048
"""Pixels; Qwen3-VL takes a token for 32 x 32 of them, so that a larger picture costs more than 4,000 tokens."""
MOST_PIXELS, MOST_JPEG_PIXELS = 50_000_000, 220_000_000
"""A picture with more is not even decoded: it would take 400 MB. A JPEG is made smaller while it is decoded."""
MOST_PROFILE = 16_000_000
"""Bytes of what a PNG says of its colours; those of printers have megabytes."""
QUALITY = 88
MOST_DATA = 2_500_000
"""Bytes: a photo of this size takes half of it, and many of them stand in a request. As a data URL a third more."""
_ORIENTATION = 0x0112
_UPRIGHT = {2: 0, 3: 3, 4: 1, 5: 5, 6: 4, 7: 6, 8: 2}
"""What Pillow is to do (``Image.Transpose``) for each way that a camera was held."""
_SENT_AS_IT_IS = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp"}
_UNUSUAL = ("CMYK", "I", "I;16", "I;16B", "F")
"""Pillow's names for colours and depths that not every server takes."""
_WITH_PREVIEWS = ("HEIF", "MPO")
"""Formats whose other pictures are those of the same moment, mostly smaller; a JPEG with some is an MPO to Pillow."""
_NO_METADATA = frozenset(
    {
        *(
            "jfif",
            "jfif_version",
            "jfif_unit",
            "jfif_density",
            "adobe",
            "adobe_transform",
            "progressive",
            "progression",
        ),
        *("dpi", "icc_profile", "gamma", "srgb", "chromaticity", "transparency", "background", "interlace"),
        *("loop", "duration", "timestamp"),
    }
)
"""What Pillow tells of a file that says how it is to be shown, and nothing of who made it where."""


def without_words(data: bytes) -> bytes:
    """The same picture; any other file is left as it is."""
    if not data.startswith(_HEAD) or not any(kind in data for kind in _WORDS):
        return data
    kept, at = [_HEAD], len(_HEAD)
    while at < len(data):
        end = at + 12 + int.from_bytes(data[at : at + 4])
        if data[at + 4 : at + 8] not in _WORDS:
            kept.append(data[at:end])
        at = end
    return b"".join(kept)


def completed(data: bytes) -> Iterator[bytes]:
    """The file with nothing but its (first) picture, which is filled up in one way after the other."""
    found = _picture(data)
    if found is None:
        return
    kind, said, there = found
    for filler in FILLERS:
        whole = there + filler * max(0, min(said - len(there), MOST_MISSING))
        chunk = kind + len(whole).to_bytes(4, "little") + whole + b"\0" * (len(whole) % 2)
        yield b"RIFF" + (len(chunk) + 4).to_bytes(4, "little") + b"WEBP" + chunk


def _picture(data: bytes) -> tuple[bytes, int, bytes] | None:
    """The kind of the first picture, how many bytes it is said to have, and those that there are."""
    at = 12
    while at + 8 < len(data):
        kind, size = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "little")
        at += 8
        if kind in _PICTURES:
            return kind, size, data[at : at + size]
        at += 16 if kind == b"ANMF" else size + size % 2  # a frame of what moves: its chunks come behind its place
    return None


@dataclass(frozen=True, slots=True)
class ConvertedImage:
    """A picture as a model gets it; sides in pixels."""

    data: bytes
    mime: str
    width: int
    height: int
    damaged: bool = False
    """A part of it, mostly its end, is missing."""
    pages: int = 1
    """How many the file has, or pictures that follow one another; this is the first."""


def image(data: bytes) -> ConvertedImage:
    """Make a picture fit to be sent; the same bytes always give the same. Raises MediaError."""
    import PIL.Image
    import PIL.PngImagePlugin

    kind = picture_format(data)
    if kind is None:
        raise NotSupportedError("no picture of a known kind")
    PIL.Image.MAX_IMAGE_PIXELS = MOST_JPEG_PIXELS
    PIL.PngImagePlugin.MAX_TEXT_CHUNK = MOST_PROFILE
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what is wrong with what a camera wrote into it
            return _made_or_rescued(without_words(data), kind)
    except PIL.UnidentifiedImageError as exc:
        raise UnreadableError(str(exc)) from exc
    except (PIL.Image.DecompressionBombError, PIL.Image.DecompressionBombWarning, MemoryError) as exc:
        raise SwollenError(str(exc)) from exc
    except (
        OSError,
        ValueError,
        SyntaxError,
        KeyError,
        IndexError,
        EOFError,
        TypeError,
        AttributeError,
        RuntimeError,
    ) as exc:
        raise UnreadableError(f"{type(exc).__name__}: {exc}") from exc  # whatever Pillow stumbles over


def _made_or_rescued(data: bytes, kind: str) -> ConvertedImage:
    try:
        return _made(data, kind)
    except OSError:
        return _rescued(data, kind)


def _made(data: bytes, kind: str, *, damaged: bool = False) -> ConvertedImage:
    import PIL.Image

    if kind == "HEIF":
        from pi_heif import register_heif_opener

        register_heif_opener(thumbnails=False)
    with PIL.Image.open(io.BytesIO(data), formats=[kind]) as opened:
        width, height = opened.size
        if width * height > (MOST_JPEG_PIXELS if kind == "JPEG" else MOST_PIXELS):
            raise SwollenError(f"{width} x {height} pixels")
        large = max(opened.size) > LONGEST_SIDE
        if large and kind == "JPEG":
            opened.draft(None, (LONGEST_SIDE, LONGEST_SIDE))
        opened.load()
        if damaged and _is_empty(opened):
            raise UnreadableError("nothing of it is there")
        made = _fit(opened, data, large=large, damaged=damaged)
        pages = 1 if opened.format in _WITH_PREVIEWS else getattr(opened, "n_frames", 1)
        return replace(made, damaged=damaged, pages=pages)


def _rescued(data: bytes, kind: str) -> ConvertedImage:
    """As much as there is of a picture that is damaged."""
    import PIL.ImageFile

    for whole in completed(data) if kind == "WEBP" else ():
        with suppress(OSError):
            return _made(whole, kind, damaged=True)
    PIL.ImageFile.LOAD_TRUNCATED_IMAGES = True
    try:
        return _made(data, kind, damaged=True)
    finally:
        PIL.ImageFile.LOAD_TRUNCATED_IMAGES = False


def _is_empty(opened: "Pillow") -> bool:
    """Whether nearly all of it is black or grey, as what could not be decoded is."""
    greys = opened.convert("L").histogram()
    return max(greys[0], greys[128]) > 0.95 * sum(greys)


def _fit(opened: "ImageFile", data: bytes, *, large: bool, damaged: bool) -> ConvertedImage:
    kind = opened.format or ""
    told = _told(opened)
    moving = getattr(opened, "n_frames", 1) > 1
    heavy = len(data) > MOST_DATA
    turned = told in _UPRIGHT
    usual = opened.mode not in _UNUSUAL
    if kind in _SENT_AS_IT_IS and usual and not (turned or large or moving or heavy or damaged or told is None):
        return ConvertedImage(data, _SENT_AS_IT_IS[kind], *opened.size)
    made = _encoded(opened, told, keep=kind == "JPEG" and not (turned or large or heavy or damaged))
    return made if len(made.data) <= MOST_DATA else _lighter(made)


def _told(opened: "Pillow") -> int | None:
    """How the camera was held, 0 where there is no word of it nor of anything else, None for any other words."""
    try:
        exif = opened.getexif()
        held = exif.get(_ORIENTATION)
    except (OSError, ValueError, SyntaxError, KeyError, IndexError, EOFError, TypeError, AttributeError):
        return None  # broken
    if held in _UPRIGHT:
        return int(held)
    return None if exif or opened.info.keys() - _NO_METADATA else 0


def _encoded(opened: "Pillow", held: int | None, *, keep: bool) -> ConvertedImage:
    """The picture written anew, without what is not picture; `keep`: a JPEG that only loses its metadata."""
    import PIL.Image

    opened.info = {key: value for key, value in opened.info.items() if key in ("icc_profile", "transparency")}
    written = io.BytesIO()
    if keep and opened.mode in ("L", "RGB"):
        opened.save(written, "JPEG", quality="keep", exif=b"", icc_profile=opened.info.get("icc_profile"))
        return ConvertedImage(written.getvalue(), "image/jpeg", *opened.size)
    picture = opened
    if picture.mode.startswith(("I", "F")):
        picture = _eight_bits(picture)
    clear = picture.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in opened.info
    wanted = "RGBA" if clear else "RGB"
    picture = picture if picture.mode == wanted else picture.convert(wanted)
    picture.thumbnail((LONGEST_SIDE, LONGEST_SIDE), PIL.Image.Resampling.LANCZOS, reducing_gap=None)
    if held in _UPRIGHT:  # at last: it is a copy
        picture = picture.transpose(PIL.Image.Transpose(_UPRIGHT[held]))
    picture.info = {}
    if clear:
        picture.save(written, "PNG", optimize=False)
        return ConvertedImage(written.getvalue(), "image/png", *picture.size)
    picture.save(written, "JPEG", quality=QUALITY, exif=b"")
    return ConvertedImage(written.getvalue(), "image/jpeg", *picture.size)


def _eight_bits(picture: "Pillow") -> "Pillow":
    """A picture of more bits a pixel, of which Pillow would keep the lower eight; many use a part of them only."""
    deep = picture.convert("F")
    lowest, highest = (float(one) for one in deep.getextrema())  # type: ignore[arg-type]
    if not (isfinite(lowest) and isfinite(highest)):
        return deep.convert("L")
    start = min(0.0, lowest)
    reach = 2.0 ** ceil(log2(highest - start)) if highest > start else 1.0
    return deep.point(lambda value: value * (255 / reach) - start * 255 / reach).convert("L")


def _lighter(made: ConvertedImage) -> ConvertedImage:
    """As a JPEG, on white where it was clear, and smaller until it is light enough."""
    import PIL.Image

    with PIL.Image.open(io.BytesIO(made.data)) as opened:
        clear = opened.convert("RGBA")
    picture = PIL.Image.alpha_composite(PIL.Image.new("RGBA", clear.size, "white"), clear).convert("RGB")
    while True:
        written = io.BytesIO()
        picture.save(written, "JPEG", quality=QUALITY)
        if written.tell() <= MOST_DATA:
            return ConvertedImage(written.getvalue(), "image/jpeg", *picture.size)
        picture = picture.reduce(2)
