"""A WebP file whose end is missing is a picture as far as it goes."""

import io

import PIL.Image
import pytest

from bot.media.image import FILLERS, completed, image
from bot.media.media_errors import UnreadableError


def _webp(**more: object) -> bytes:
    made, written = PIL.Image.new("RGB", (160, 120), "green"), io.BytesIO()
    made.paste(PIL.Image.effect_noise((160, 60), 90).convert("RGB"), (0, 60))
    made.save(written, "WEBP", **more)
    return written.getvalue()


KINDS: dict[str, dict[str, object]] = {
    "lossy": {"quality": 80},
    "lossless": {"lossless": True},
    "words of a camera": {"quality": 80, "exif": b"Exif\0\0II*\0\x08\0\0\0\0\0\0\0\0\0"},
    "moving": {"quality": 80, "save_all": True, "append_images": [PIL.Image.new("RGB", (160, 120), "red")]},
}


@pytest.mark.parametrize("share", [0.99, 0.6])
@pytest.mark.parametrize("kind", KINDS)
def test_a_webp_without_its_end_is_read(kind: str, share: float) -> None:
    data = _webp(**KINDS[kind])
    made = image(data[: int(len(data) * share)])
    assert (made.damaged, made.width, made.height) == (True, 160, 120)
    with PIL.Image.open(io.BytesIO(made.data)) as seen:
        red, green, blue = seen.convert("RGB").getpixel((80, 10))  # type: ignore[misc]
    assert (red < 60, green > 90, blue < 60) == (True, True, True)


@pytest.mark.parametrize(
    "data",
    [
        b"RIFF\xff\0\xff\xffWEBP",
        b"RIFF\xff\0\xff\xffWEBPVP8 \xff\xff\xff\xff\0",
        b"RIFF\xff\0\xff\xffWEBP" + b"ANMF\xff\0\xff\xff" * 9,
        _webp(quality=80)[:24],
    ],
)
def test_what_holds_no_picture_is_told(data: bytes) -> None:
    assert all(len(one) < 30_000_000 for one in completed(data))
    assert len(list(completed(data))) in (0, len(FILLERS))
    with pytest.raises(UnreadableError):
        image(data)
