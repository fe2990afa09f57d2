"""Pictures are upright, small enough and without metadata; others are left as they are.

A WebP file whose end is missing is a picture as far as it goes.
"""

import io
import random
import struct

import PIL.Image
import PIL.ImageChops
import PIL.ImageOps
import PIL.PngImagePlugin
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.media import image
from bot.media.image import FILLERS, LONGEST_SIDE, MOST_DATA, convert_image, pad_webp
from bot.media.media_errors import MediaError, NotSupportedError, SwollenError, TooLargeError, UnreadableError
from tests.media.files import exif, heic, picture, png_bomb

KINDS: dict[str, dict[str, object]] = {
    "lossy": {"quality": 80},
    "lossless": {"lossless": True},
    "words of a camera": {"quality": 80, "exif": b"Exif\0\0II*\0\x08\0\0\0\0\0\0\0\0\0"},
    "moving": {"quality": 80, "save_all": True, "append_images": [PIL.Image.new("RGB", (160, 120), "red")]},
}


def _opened(data: bytes) -> PIL.Image.Image:
    return PIL.Image.open(io.BytesIO(data))


@pytest.mark.parametrize(("kind", "mime"), [("JPEG", "image/jpeg"), ("PNG", "image/png"), ("WEBP", "image/webp")])
def test_suitable_picture_is_unchanged_byte_for_byte(kind: str, mime: str) -> None:
    data = picture(kind=kind)
    made = convert_image(data)
    assert (made.data, made.mime, made.width, made.height) == (data, mime, 64, 48)


def test_a_large_picture_is_made_smaller() -> None:
    made = convert_image(picture(4000, 1000))
    assert (made.width, made.height) == (LONGEST_SIDE, 512)
    assert _opened(made.data).size == (LONGEST_SIDE, 512)


def test_a_turned_picture_is_set_upright() -> None:
    made = convert_image(picture(64, 48, exif=exif(6)))
    upright = _opened(made.data).convert("RGB")
    assert upright.size == (made.width, made.height) == (48, 64)
    top, bottom = upright.getpixel((24, 5)), upright.getpixel((24, 60))
    assert isinstance(top, tuple)
    assert isinstance(bottom, tuple)
    assert (top[2] > 200, bottom[0] > 200) == (True, True)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_location_and_camera_data_are_removed(kind: str) -> None:
    data = picture(kind=kind, exif=exif(place=True))
    assert b"Camera of Ann" in data
    made = convert_image(data)
    assert b"Camera of Ann" not in made.data
    assert not _opened(made.data).getexif()
    assert convert_image(data).data == made.data


def test_a_comment_is_gone_too() -> None:
    data = picture(comment=b"drawn by Ann")
    assert b"drawn by Ann" in data
    assert b"drawn by Ann" not in convert_image(data).data


@pytest.mark.parametrize(
    ("mode", "kind", "mime"),
    [("CMYK", "JPEG", "image/jpeg"), ("L", "GIF", "image/jpeg"), ("P", "GIF", "image/jpeg")],
)
def test_other_colours_and_kinds_are_made_usual_ones(mode: str, kind: str, mime: str) -> None:
    data = (
        picture(mode=mode, kind=kind, color=0) if mode != "CMYK" else picture(mode=mode, kind=kind, color=0, width=3000)
    )
    made = convert_image(data)
    assert made.mime == mime
    assert _opened(made.data).mode == "RGB"


def test_moving_picture_keeps_its_first_frame() -> None:
    frames = [PIL.Image.new("RGB", (20, 20), color) for color in ("red", "blue")]
    written = io.BytesIO()
    frames[0].save(written, "GIF", save_all=True, append_images=frames[1:], duration=100)
    first = convert_image(written.getvalue())
    assert first.pages == 2
    pixel = _opened(first.data).convert("RGB").getpixel((10, 10))
    assert isinstance(pixel, tuple)
    assert pixel[0] > 200


def test_transparency_is_kept() -> None:
    made = convert_image(picture(3000, 100, kind="PNG", mode="RGBA", color=(255, 0, 0, 0)))
    assert made.mime == "image/png"
    assert _opened(made.data).getchannel("A").getextrema() == (0, 0)


@pytest.mark.parametrize(("mode", "code"), [("I", "i"), ("F", "f"), ("I;16", "H")])
@pytest.mark.parametrize("most", [2, 255, 4095, 60_000])
def test_deep_greys_are_seen_whatever_their_range(mode: str, code: str, most: int) -> None:
    values = [most * at / 99 if mode == "F" else most * at // 99 for at in range(100)]
    written = io.BytesIO()
    PIL.Image.frombytes(mode, (100, 1), struct.pack(f"<100{code}", *values)).save(written, "TIFF")
    made = _opened(convert_image(written.getvalue()).data).convert("L")
    lowest, highest = made.getextrema()
    assert lowest < 10  # type: ignore[operator]
    assert highest > 120  # type: ignore[operator]


@pytest.mark.parametrize(("mode", "kind"), [("CMYK", "JPEG"), ("I;16", "PNG")])
def test_colours_of_printers_and_scanners_become_usual_ones(mode: str, kind: str) -> None:
    assert _opened(convert_image(picture(mode=mode, kind=kind, color=0)).data).mode == "RGB"


def test_a_bomb_is_not_unpacked() -> None:
    with pytest.raises(TooLargeError):
        convert_image(png_bomb())


def test_damaged_picture_differs_from_no_picture() -> None:
    with pytest.raises(UnreadableError):
        convert_image(picture(500, 500, kind="PNG", mode="L", color=7)[:60])
    with pytest.raises(NotSupportedError):
        convert_image(b"hello")


@given(st.binary(max_size=300), st.integers(0, 600))
def test_no_bytes_raise_anything_else(data: bytes, at: int) -> None:
    whole = picture(16, 16)
    for attempt in (data, whole[:at] + data + whole[at:]):
        try:
            convert_image(attempt)
        except MediaError:
            continue


def test_heavy_picture_is_shrunk_for_data_url() -> None:
    noise = PIL.Image.frombytes("RGB", (2000, 2000), random.Random(1).randbytes(2000 * 2000 * 3))
    written = io.BytesIO()
    noise.save(written, "PNG", compress_level=1)
    made = convert_image(written.getvalue())
    assert len(made.data) <= MOST_DATA < len(written.getvalue())
    assert made == convert_image(written.getvalue())


def test_a_picture_of_sixteen_bits_keeps_its_greys() -> None:
    made = PIL.Image.new("I;16", (2100, 8))
    made.putdata([int(65535 * x / 2100) for _ in range(8) for x in range(2100)])
    written = io.BytesIO()
    made.save(written, "PNG")
    shown = PIL.Image.open(io.BytesIO(convert_image(written.getvalue()).data)).convert("L")
    assert shown.getpixel((1024, 4)) == pytest.approx(128, abs=6)


@pytest.mark.parametrize("kind", ["BMP", "TIFF", "AVIF", "JPEG2000", "HEIC"])
def test_pictures_of_cameras_and_scanners_are_seen(kind: str) -> None:
    made = convert_image(heic() if kind == "HEIC" else picture(kind=kind))
    assert (made.mime, made.width, made.height, made.pages) == ("image/jpeg", 64, 48, 1)
    left = _opened(made.data).getpixel((10, 20))
    assert isinstance(left, tuple)
    assert left[2] > 150 > left[0]


def test_of_a_scan_of_pages_it_is_said() -> None:
    written = io.BytesIO()
    pages = [PIL.Image.new("1", (20, 20), at) for at in (0, 1, 1)]
    pages[0].save(written, "TIFF", save_all=True, append_images=pages[1:])
    assert convert_image(written.getvalue()).pages == 3


def test_a_photo_with_a_preview_is_one_picture() -> None:
    """Cameras write such (MPO), and apps show the first picture only."""
    first, preview = (PIL.Image.new("RGB", sides, "red") for sides in ((64, 48), (16, 12)))
    written = io.BytesIO()
    first.save(written, "MPO", save_all=True, append_images=[preview])
    made = convert_image(written.getvalue())
    assert (made.mime, made.width, made.pages) == ("image/jpeg", 64, 1)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "BMP"])
def test_a_missing_end_costs_only_itself(kind: str) -> None:
    data = picture(640, 480, kind, compress_level=0)
    made = convert_image(data[: len(data) * 3 // 4])
    assert (made.width, made.height, made.damaged) == (640, 480, True)
    PIL.Image.open(io.BytesIO(made.data)).load()
    assert not convert_image(data).damaged


def test_without_anything_of_it_there_is_no_picture() -> None:
    for kind in ("JPEG", "PNG"):
        data = picture(640, 480, kind)
        start = data.index(b"\xff\xda") + 14 if kind == "JPEG" else data.index(b"IDAT") + 4
        with pytest.raises(UnreadableError):
            convert_image(data[:start])


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("words", [b"XXXXjunk", b"II*\0\xff\xff\xff\xff", b"MM\0*\0\0\0\x08\0\x09\x01\x12", b""])
def test_broken_words_of_cameras_are_no_matter(kind: str, words: bytes) -> None:
    made = convert_image(picture(kind=kind, exif=b"Exif\0\0" + words))
    assert (made.width, made.height, made.damaged) == (64, 48, False)
    assert b"XXXXjunk" not in made.data


def test_any_amount_of_words_is_no_matter() -> None:
    words = PIL.PngImagePlugin.PngInfo()
    for at in range(70):
        words.add_text(f"part {at}", "a" * 1_000_000, zip=True)
    assert convert_image(picture(kind="PNG", pnginfo=words)).data == picture(kind="PNG")
    assert convert_image(picture(kind="PNG", icc_profile=bytes(3_000_000))).width == 64


def test_huge_photo_is_reduced_while_decoding() -> None:
    made = convert_image(picture(11_000, 9_900, mode="L", color=9))
    assert (made.width, made.height) == (2048, 1843)
    with pytest.raises(TooLargeError):
        convert_image(picture(9_900, 9_900, "PNG", mode="1", color=1))


def _webp(**more: object) -> bytes:
    made, written = PIL.Image.new("RGB", (160, 120), "green"), io.BytesIO()
    made.paste(PIL.Image.effect_noise((160, 60), 90).convert("RGB"), (0, 60))
    made.save(written, "WEBP", **more)
    return written.getvalue()


@pytest.mark.parametrize("share", [0.99, 0.6])
@pytest.mark.parametrize("kind", KINDS)
def test_a_webp_without_its_end_is_read(kind: str, share: float) -> None:
    data = _webp(**KINDS[kind])
    made = convert_image(data[: int(len(data) * share)])
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
    assert all(len(one) < 30_000_000 for one in pad_webp(data))
    assert len(list(pad_webp(data))) in (0, len(FILLERS))
    with pytest.raises(UnreadableError):
        convert_image(data)


def _gradient(mode: str, width: int = 4200, height: int = 401) -> bytes:
    across = PIL.Image.linear_gradient("L").resize((width, height))
    if mode == "I;16":
        drawn = across.convert("I").point(lambda value: value * 200).convert("I;16")
    elif mode == "F":
        drawn = across.convert("F")
    else:
        bands = [across, PIL.ImageOps.flip(across), across, across.point(lambda value: 128 + value // 2)]
        drawn = PIL.Image.merge("RGBA", bands).convert(mode) if mode != "CMYK" else PIL.Image.merge("CMYK", bands)
    written = io.BytesIO()
    drawn.save(written, "TIFF" if mode in ("F", "CMYK") else "PNG")
    return written.getvalue()


@pytest.mark.parametrize("mode", ["RGBA", "P", "I;16", "F", "CMYK"])
def test_bands_of_large_picture_show_no_seams(mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    data = _gradient(mode)
    monkeypatch.setattr(image, "BAND", 100_000_000)
    whole = _opened(convert_image(data).data).convert("RGBA")
    monkeypatch.setattr(image, "BAND", 200_000)
    banded = _opened(convert_image(data).data).convert("RGBA")
    assert banded.size == whole.size
    rows = PIL.ImageChops.difference(whole, banded).convert("RGB").resize((1, whole.height))
    assert max(most for _, most in rows.getextrema()) <= 8  # type: ignore[misc]


def test_progressive_picture_needs_room_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.BytesIO()
    PIL.Image.new("RGB", (3000, 3000)).save(written, "JPEG", progressive=True, subsampling="4:2:0")
    assert convert_image(written.getvalue()).width == LONGEST_SIDE
    monkeypatch.setattr(image, "MOST_COEFFICIENTS", 3000 * 3000 * 1.4)
    with pytest.raises(SwollenError):
        convert_image(written.getvalue())


def test_endless_lines_are_refused() -> None:
    with pytest.raises(SwollenError):
        convert_image(picture(70_000, 2, kind="PNG"))
