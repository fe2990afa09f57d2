"""Pictures: upright, without metadata, and no larger than a model can use; otherwise left as they are."""

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.media.errors import NotSupportedError, TooLargeError, UnreadableError
from bot.media.signatures import picture_format

if TYPE_CHECKING:
    from PIL.Image import Image as Pillow

LONGEST_SIDE = 2048
"""Pixels; Qwen3-VL takes a token for 32 x 32 of them, so that a larger picture costs more than 4,000 tokens."""
MOST_PIXELS = 100_000_000
"""A picture with more is not even decoded: it would take 400 MB."""
QUALITY = 88
MOST_DATA = 7_000_000
"""Bytes; as a data URL a third more, of which Model Studio takes 10 MB ("Exceeded limit on max bytes per data-uri")."""
_ORIENTATION = 0x0112
_SENT_AS_IT_IS = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp"}
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


@dataclass(frozen=True, slots=True)
class Image:
    """A picture as a model gets it; sides in pixels."""

    data: bytes
    mime: str
    width: int
    height: int


def image(data: bytes) -> Image:
    """Make a picture fit to be sent; the same bytes always give the same. Raises MediaError."""
    import PIL.Image

    kind = picture_format(data)
    if kind is None:
        raise NotSupportedError("no picture of a known kind")
    PIL.Image.MAX_IMAGE_PIXELS = MOST_PIXELS
    try:
        with PIL.Image.open(io.BytesIO(data), formats=[kind]) as opened:
            if opened.width * opened.height > MOST_PIXELS:
                raise TooLargeError(f"{opened.width} x {opened.height} pixels")
            opened.load()
            return _fit(opened, data)
    except PIL.UnidentifiedImageError as exc:
        raise UnreadableError(str(exc)) from exc
    except (PIL.Image.DecompressionBombError, PIL.Image.DecompressionBombWarning, MemoryError) as exc:
        raise TooLargeError(str(exc)) from exc
    except (OSError, ValueError, SyntaxError, KeyError, IndexError, EOFError, TypeError, AttributeError) as exc:
        raise UnreadableError(f"{type(exc).__name__}: {exc}") from exc  # whatever Pillow stumbles over


def _fit(opened: "Pillow", data: bytes) -> Image:
    kind = opened.format or ""
    turned = opened.getexif().get(_ORIENTATION, 1) not in (0, 1)
    large = max(opened.size) > LONGEST_SIDE
    moving = getattr(opened, "n_frames", 1) > 1
    heavy = len(data) > MOST_DATA
    if kind in _SENT_AS_IT_IS and not (turned or large or moving or heavy or _has_metadata(opened)):
        return Image(data, _SENT_AS_IT_IS[kind], *opened.size)
    made = _encoded(opened, keep=kind == "JPEG" and not (turned or large or heavy))
    return made if len(made.data) <= MOST_DATA else _lighter(made)


def _has_metadata(opened: "Pillow") -> bool:
    return bool(opened.info.keys() - _NO_METADATA) or bool(opened.getexif())


def _encoded(opened: "Pillow", *, keep: bool) -> Image:
    """The picture written anew, without what is not picture; `keep`: a JPEG that only loses its metadata."""
    import PIL.Image
    import PIL.ImageOps

    opened.info = {key: value for key, value in opened.info.items() if key in ("icc_profile", "transparency")}
    written = io.BytesIO()
    if keep and opened.mode in ("L", "RGB"):
        opened.save(written, "JPEG", quality="keep", exif=b"", icc_profile=opened.info.get("icc_profile"))
        return Image(written.getvalue(), "image/jpeg", *opened.size)
    upright = PIL.ImageOps.exif_transpose(opened)
    if upright.mode.startswith(("I", "F")):  # 16 bits a pixel, of which Pillow would keep the lower eight
        upright = upright.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    clear = upright.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in upright.info
    picture = upright.convert("RGBA" if clear else "RGB")
    picture.thumbnail((LONGEST_SIDE, LONGEST_SIDE), PIL.Image.Resampling.LANCZOS)
    picture.info = {}
    if clear:
        picture.save(written, "PNG", optimize=False)
        return Image(written.getvalue(), "image/png", *picture.size)
    picture.save(written, "JPEG", quality=QUALITY)
    return Image(written.getvalue(), "image/jpeg", *picture.size)


def _lighter(made: Image) -> Image:
    """As a JPEG, on white where it was clear, and smaller until it is light enough."""
    import PIL.Image

    with PIL.Image.open(io.BytesIO(made.data)) as opened:
        clear = opened.convert("RGBA")
    picture = PIL.Image.alpha_composite(PIL.Image.new("RGBA", clear.size, "white"), clear).convert("RGB")
    while True:
        written = io.BytesIO()
        picture.save(written, "JPEG", quality=QUALITY)
        if written.tell() <= MOST_DATA:
            return Image(written.getvalue(), "image/jpeg", *picture.size)
        picture = picture.reduce(2)
