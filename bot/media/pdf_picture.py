"""A page of a PDF as a picture, for pages that are pictures already: scans, and words without their letters."""

import io
from math import sqrt
from typing import TYPE_CHECKING

from bot.media.errors import EmptyError, LockedError, SwollenError, UnreadableError
from bot.media.image import Image

if TYPE_CHECKING:
    from PIL.Image import Image as Pillow

MOST_PIXELS, LONGEST_SIDE, MOST_SCALE = 1_800_000, 2048, 4.0
"""Of a page as a picture: A4 has 136 pixels an inch then; a small one is not blown up more than to 288."""
MOST_DATA = 400_000
"""Bytes of it, so that several pages weigh what one photo may."""
QUALITIES = (80, 60, 40)


def page_picture(data: bytes, number: int) -> Image:
    """A page, counted from 1; the same bytes always give the same. Raises MediaError, EmptyError where it is blank."""
    import pypdfium2

    try:
        with pypdfium2.PdfDocument(data) as opened:
            opened.init_forms()
            page = opened[number - 1]
            width, height = page.get_size()
            scale = min(sqrt(MOST_PIXELS / (width * height)), LONGEST_SIDE / max(width, height), MOST_SCALE)
            picture = page.render(scale=scale).to_pil().convert("RGB")
    except pypdfium2.PdfiumError as exc:
        raise (LockedError if "password" in str(exc).lower() else UnreadableError)(str(exc)) from exc
    except (OSError, ValueError, IndexError, ZeroDivisionError) as exc:
        raise UnreadableError(f"{type(exc).__name__}: {exc}") from exc
    except MemoryError as exc:
        raise SwollenError("a page that takes too much memory") from exc
    if all(low == high for low, high in picture.getextrema()):
        raise EmptyError("a blank page")
    return _light(picture)


def _light(picture: "Pillow") -> Image:
    while True:
        for quality in QUALITIES:
            written = io.BytesIO()
            picture.save(written, "JPEG", quality=quality)
            if written.tell() <= MOST_DATA:
                return Image(written.getvalue(), "image/jpeg", *picture.size)
        picture = picture.reduce(2)
