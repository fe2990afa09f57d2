"""Provisional."""

import io
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Image:
    """Provisional."""

    data: bytes
    mime: str
    width: int
    height: int


def image(data: bytes) -> Image:
    """Provisional."""
    from PIL import Image as Pillow

    with Pillow.open(io.BytesIO(data)) as opened:
        return Image(data, f"image/{(opened.format or '').lower()}", *opened.size)
