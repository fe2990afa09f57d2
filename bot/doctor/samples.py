"""What is shown and played to a model to see what it can do: words, a picture and a voice.

A model that neither sees nor hears may guess; so nobody knows before what is in the picture, and what the voice says.
"""

import re
import secrets
import struct
import zlib
from importlib import resources
from itertools import permutations

from bot.llm.interface import Image, Sound

LONG_TEXT = "\n".join(f"Line {number}: the quick brown fox jumps over the lazy dog." for number in range(1, 151))
"""Well over the 1,024 tokens that a server's cache asks for at least, whoever counts them."""
SIDE = 256
"""Pixels: Qwen refuses pictures of 10 and less, and pads what is below 32."""
COLOURS = {
    "red": b"\xe0\x10\x10",
    "green": b"\x10\xa0\x20",
    "blue": b"\x10\x20\xe0",
    "yellow": b"\xff\xe0\x00",
    "black": b"\x00\x00\x00",
    "white": b"\xff\xff\xff",
}
DIGITS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
"""Each was spoken by a machine, and stands in ``spoken`` as an MP3."""
_DIGIT = re.compile(rf"\b(?:{'|'.join(DIGITS)})\b|[1-9]")
_COLOUR = re.compile(rf"\b(?:{'|'.join(COLOURS)})\b")


def two_colours() -> tuple[str, str]:
    """Two that differ."""
    return secrets.choice(list(permutations(COLOURS, 2)))


def two_digits() -> tuple[str, str]:
    """Two that differ."""
    return secrets.choice(list(permutations(DIGITS, 2)))


def picture(left: str, right: str) -> Image:
    """A square in two colours as a PNG."""
    header = struct.pack(">IIBBBBB", SIDE, SIDE, 8, 2, 0, 0, 0)
    row = b"\x00" + COLOURS[left] * (SIDE // 2) + COLOURS[right] * (SIDE // 2)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(row * SIDE)), (b"IEND", b""))
    return Image("image/png", b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in chunks))


def speech(first: str, second: str) -> Sound:
    """A voice that says two digits, in a second and a half."""
    spoken = resources.files(__package__) / "spoken"
    return Sound("mp3", b"".join((spoken / f"{digit}.mp3").read_bytes() for digit in (first, second)))


def colours_in(text: str) -> list[str]:
    """The colours that a text names, each once, in their order."""
    return list(dict.fromkeys(_COLOUR.findall(text.lower())))


def digits_in(text: str) -> list[str]:
    """The digits that a text names, in words or numerals, in their order."""
    found = _DIGIT.findall(text.lower())
    return [DIGITS[int(digit) - 1] if digit.isdecimal() else digit for digit in found]


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
