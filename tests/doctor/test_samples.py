"""What is made here is what it says it is."""

import io

import av
import PIL.Image
import pytest

from bot.doctor.media_checks import (
    COLOURS,
    DIGITS,
    SIDE,
    colours_in,
    digits_in,
    picture,
    speech,
    two_colours,
    two_digits,
)
from tests.doctor.conftest import look


def test_the_picture_has_its_colours() -> None:
    left, right = two_colours()
    made = picture(left, right)
    assert left != right
    assert look(made.data) == f"{left} and {right}"
    with PIL.Image.open(io.BytesIO(made.data)) as image:
        assert (image.format, image.size, len(COLOURS)) == ("PNG", (SIDE, SIDE), 6)


@pytest.mark.parametrize("digit", DIGITS)
def test_the_voice_is_heard(digit: str) -> None:
    with av.open(io.BytesIO(speech(digit, two_digits()[0]).data), "r") as sound:
        frames = [frame.to_ndarray() for frame in sound.decode(audio=0)]
    assert sum(frame.shape[1] for frame in frames) > 14_000
    assert max(abs(float(frame.max())) for frame in frames) > 0.1


def test_colours_and_digits_are_found_in_words() -> None:
    assert colours_in("**Red** (left), and blue. A reddish red.") == ["red", "blue"]
    assert digits_in("Seven; 3, and someone") == ["seven", "three"]
