"""Pictures for a model: upright, without metadata, no larger than useful, and otherwise unchanged.

Damage outside the picture itself (in the metadata of cameras and programs, or a missing end) is no reason to refuse it.
Text chunks of PNG files are removed. A truncated WebP, which no decoder accepts, is padded to its full length.
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
"""The most bytes to pad, whatever length a file claims."""
FILLERS = (b"\0", b"\xff", b"\x55")
"""Mostly decoded as colours, although a lossless picture sometimes takes it for table data."""
_PICTURES = (b"VP8 ", b"VP8L")
LONGEST_SIDE = 2048
"""In pixels. Qwen3-VL takes a token per 32 x 32 pixels, so a larger picture would cost more than 4,000 tokens."""
MOST_PIXELS, MOST_JPEG_PIXELS, MOST_WEBP_PIXELS = 50_000_000, 220_000_000, 20_000_000
"""Larger pictures aren't decoded at all. A JPEG is scaled down while it is decoded, a WebP is decoded into three
copies."""
_MOST_PIXELS = {"JPEG": MOST_JPEG_PIXELS, "WEBP": MOST_WEBP_PIXELS}
MOST_SIDE = 65_535
"""In pixels, as in a JPEG: a line must fit into a band."""
MOST_COEFFICIENTS = 120_000_000
"""A progressive JPEG is kept as a whole while it is decoded, with two bytes for each coefficient."""
BAND = 4_000_000
"""Larger pictures are converted in bands of this many pixels, because each conversion is a copy."""
MOST_PROFILE = 16_000_000
"""The largest color profile of a PNG in bytes; printers' profiles have megabytes."""
QUALITY = 88
MOST_DATA = 2_500_000
"""In bytes. A photo of LONGEST_SIDE takes half of that, and a request may contain many. As a data URL a third more."""
_ORIENTATION = 0x0112
_UPRIGHT = {2: 0, 3: 3, 4: 1, 5: 5, 6: 4, 7: 6, 8: 2}
"""The ``Image.Transpose`` operation for each EXIF orientation."""
_SENT_AS_IT_IS = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp"}
_UNUSUAL = ("CMYK", "I", "I;16", "I;16B", "F")
"""Pillow's modes of color spaces and depths that not every server accepts."""
_WITH_PREVIEWS = ("HEIF", "MPO")
"""Formats whose further pictures are mostly smaller versions of the same one; Pillow calls a JPEG with previews MPO."""
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
"""Keys of Pillow's info that describe how to show a file, and nothing about who made it where."""


def strip_text_chunks(data: bytes) -> bytes:
    """The PNG without its text chunks; any other file unchanged."""
    if not data.startswith(_HEAD) or not any(kind in data for kind in _WORDS):
        return data
    chunks, offset = [_HEAD], len(_HEAD)
    while offset < len(data):
        end = offset + 12 + int.from_bytes(data[offset : offset + 4])
        if data[offset + 4 : offset + 8] not in _WORDS:
            chunks.append(data[offset:end])
        offset = end
    return b"".join(chunks)


def pad_webp(data: bytes) -> Iterator[bytes]:
    """A truncated WebP reduced to its first picture and padded, with one filler after another."""
    found = _picture(data)
    if found is None:
        return
    kind, said, there = found
    for filler in FILLERS:
        whole = there + filler * max(0, min(said - len(there), MOST_MISSING))
        chunk = kind + len(whole).to_bytes(4, "little") + whole + b"\0" * (len(whole) % 2)
        yield b"RIFF" + (len(chunk) + 4).to_bytes(4, "little") + b"WEBP" + chunk


def _picture(data: bytes) -> tuple[bytes, int, bytes] | None:
    """The kind of the first picture, its nominal size, and the bytes that exist."""
    at = 12
    while at + 8 < len(data):
        kind, size = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "little")
        at += 8
        if kind in _PICTURES:
            return kind, size, data[at : at + size]
        at += 16 if kind == b"ANMF" else size + size % 2  # a frame of an animation: its chunks follow its position
    return None


@dataclass(frozen=True, slots=True)
class ConvertedImage:
    """A picture as a model gets it; sides in pixels."""

    data: bytes
    mime: str
    width: int
    height: int
    damaged: bool = False
    """A part, usually the end, is missing."""
    pages: int = 1
    """The number of pages or frames in the file; this is the first."""


def convert_image(data: bytes) -> ConvertedImage:
    """Make a picture fit for sending; deterministic. Raises MediaError."""
    import PIL.Image
    import PIL.PngImagePlugin

    kind = picture_format(data)
    if kind is None:
        raise NotSupportedError("no picture of a known kind")
    PIL.Image.MAX_IMAGE_PIXELS = MOST_JPEG_PIXELS
    PIL.PngImagePlugin.MAX_TEXT_CHUNK = MOST_PROFILE
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about malformed metadata
            return _convert_or_rescue(strip_text_chunks(data), kind)
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
        raise UnreadableError(f"{type(exc).__name__}: {exc}") from exc  # whatever Pillow raises


def _convert_or_rescue(data: bytes, kind: str) -> ConvertedImage:
    try:
        return _convert(data, kind)
    except OSError:
        return _rescue(data, kind)


def _convert(data: bytes, kind: str, *, damaged: bool = False) -> ConvertedImage:
    import PIL.Image

    if kind == "HEIF":
        from pi_heif import register_heif_opener

        register_heif_opener(thumbnails=False)
    with PIL.Image.open(io.BytesIO(data), formats=[kind]) as opened:
        width, height = opened.size
        if width * height > _MOST_PIXELS.get(kind, MOST_PIXELS) or max(width, height) > MOST_SIDE:
            raise SwollenError(f"{width} x {height} pixels")
        if "progressive" in opened.info and _coefficients(opened) > MOST_COEFFICIENTS:
            raise SwollenError(f"a progressive JPEG of {width} x {height} pixels")
        large = max(opened.size) > LONGEST_SIDE
        if large and kind == "JPEG":
            opened.draft(None, (LONGEST_SIDE, LONGEST_SIDE))
        opened.load()
        if damaged and _is_empty(opened):
            raise UnreadableError("nothing of it is there")
        made = _fit(opened, data, large=large, damaged=damaged)
        pages = 1 if opened.format in _WITH_PREVIEWS else getattr(opened, "n_frames", 1)
        return replace(made, damaged=damaged, pages=pages)


def _rescue(data: bytes, kind: str) -> ConvertedImage:
    """What is left of a damaged picture."""
    import PIL.ImageFile

    for whole in pad_webp(data) if kind == "WEBP" else ():
        with suppress(OSError):
            return _convert(whole, kind, damaged=True)
    PIL.ImageFile.LOAD_TRUNCATED_IMAGES = True
    try:
        return _convert(data, kind, damaged=True)
    finally:
        PIL.ImageFile.LOAD_TRUNCATED_IMAGES = False


def _is_empty(opened: "Pillow") -> bool:
    """Whether it is nearly all black or grey, as undecoded areas are."""
    greys = opened.convert("L").histogram()
    return max(greys[0], greys[128]) > 0.95 * sum(greys)


def _fit(opened: "ImageFile", data: bytes, *, large: bool, damaged: bool) -> ConvertedImage:
    kind = opened.format or ""
    orientation = _orientation(opened)
    moving = getattr(opened, "n_frames", 1) > 1
    heavy = len(data) > MOST_DATA
    turned = orientation in _UPRIGHT
    usual = opened.mode not in _UNUSUAL
    if kind in _SENT_AS_IT_IS and usual and not (turned or large or moving or heavy or damaged or orientation is None):
        return ConvertedImage(data, _SENT_AS_IT_IS[kind], *opened.size)
    made = _encode(opened, orientation, keep=kind == "JPEG" and not (turned or large or heavy or damaged))
    return made if len(made.data) <= MOST_DATA else _compress(made)


def _orientation(opened: "Pillow") -> int | None:
    """The EXIF orientation; 0 if there is no metadata at all, None for metadata without one."""
    try:
        exif = opened.getexif()
        held = exif.get(_ORIENTATION)
    except (OSError, ValueError, SyntaxError, KeyError, IndexError, EOFError, TypeError, AttributeError):
        return None  # malformed
    if held in _UPRIGHT:
        return int(held)
    return None if exif or opened.info.keys() - _NO_METADATA else 0


def _encode(opened: "Pillow", held: int | None, *, keep: bool) -> ConvertedImage:
    """The picture encoded again, without metadata; `keep`: a JPEG that only loses its metadata."""
    import PIL.Image

    opened.info = {key: value for key, value in opened.info.items() if key in ("icc_profile", "transparency")}
    written = io.BytesIO()
    if keep and opened.mode in ("L", "RGB"):
        opened.save(written, "JPEG", quality="keep", exif=b"", icc_profile=opened.info.get("icc_profile"))
        return ConvertedImage(written.getvalue(), "image/jpeg", *opened.size)
    clear = opened.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in opened.info
    picture = _reduce(opened, "RGBA" if clear else "RGB")
    picture.thumbnail((LONGEST_SIDE, LONGEST_SIDE), PIL.Image.Resampling.LANCZOS, reducing_gap=None)
    if held in _UPRIGHT:  # last, because it makes a copy
        picture = picture.transpose(PIL.Image.Transpose(_UPRIGHT[held]))
    picture.info = {}
    if clear:
        picture.save(written, "PNG", optimize=False)
        return ConvertedImage(written.getvalue(), "image/png", *picture.size)
    picture.save(written, "JPEG", quality=QUALITY, exif=b"")
    return ConvertedImage(written.getvalue(), "image/jpeg", *picture.size)


def _coefficients(opened: "ImageFile") -> float:
    """How many coefficients a JPEG has, given how its channels are sampled."""
    samplings: list[int] = [across * down for _, across, down, _ in getattr(opened, "layer", ())]
    return opened.width * opened.height * sum(samplings) / max(samplings, default=1)


def _reduce(opened: "Pillow", mode: str) -> "Pillow":
    """The picture in this mode; a large one is reduced to about LONGEST_SIDE, band by band."""
    import PIL.Image

    deep = _range(opened) if opened.mode.startswith(("I", "F")) else None
    factor = max(1, max(opened.size) // LONGEST_SIDE) if opened.width * opened.height > BAND else 1
    if factor == 1:
        return _converted(opened, mode, deep)
    whole = PIL.Image.new(mode, (ceil(opened.width / factor), ceil(opened.height / factor)))
    for top, band in _bands(opened, factor):
        whole.paste(_converted(band, mode, deep).reduce(factor), (0, top // factor))
    return whole


def _bands(opened: "Pillow", factor: int = 1) -> Iterator[tuple[int, "Pillow"]]:
    """The picture from top to bottom in bands, whose heights are multiples of `factor`."""
    height = max(1, BAND // opened.width // factor) * factor
    for top in range(0, opened.height, height):
        yield top, opened.crop((0, top, opened.width, min(top + height, opened.height)))


def _converted(picture: "Pillow", mode: str, deep: tuple[float, float] | None) -> "Pillow":
    if picture.mode.startswith(("I", "F")):
        picture = _eight_bits(picture, deep)
    return picture if picture.mode == mode else picture.convert(mode)


def _range(picture: "Pillow") -> tuple[float, float] | None:
    """The lowest value, at most 0, and the range in powers of two of a picture with more than 8 bits; None if unclear.

    Pillow would keep only the low bits of each value.
    """
    lowest, highest = 0.0, 0.0
    for _, band in _bands(picture):
        low, high = (float(bound) for bound in band.convert("F").getextrema())  # type: ignore[arg-type]
        lowest, highest = min(lowest, low), max(highest, high)
        if not (isfinite(low) and isfinite(high)):
            return None
    return lowest, 2.0 ** ceil(log2(highest - lowest)) if highest > lowest else 1.0


def _eight_bits(picture: "Pillow", deep: tuple[float, float] | None) -> "Pillow":
    values = picture.convert("F")
    if deep is None:
        return values.convert("L")
    start, reach = deep
    return values.point(lambda value: value * (255 / reach) - start * 255 / reach).convert("L")


def _compress(made: ConvertedImage) -> ConvertedImage:
    """Convert to a JPEG on white, reduced until it is small enough."""
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
