"""What is made here is what it says it is."""

import io
import wave

import PIL.Image

from bot.doctor.samples import RATE, SIDE, red_picture, tone


def test_the_picture_is_red() -> None:
    with PIL.Image.open(io.BytesIO(red_picture().data)) as picture:
        picture.load()
        assert (picture.format, picture.size) == ("PNG", (SIDE, SIDE))
        assert picture.getpixel((SIDE - 1, SIDE - 1)) == (255, 0, 0)


def test_the_sound_is_a_second_long() -> None:
    with wave.open(io.BytesIO(tone().data)) as sound:
        assert sound.getnframes() / sound.getframerate() == 1
        assert sound.getframerate() == RATE
