"""What is shown to a model to see what it can do: words, a picture and a sound, made here."""

import io
import math
import struct
import wave
import zlib

from bot.llm.interface import Image, Sound

LONG_TEXT = "\n".join(f"Line {number}: the quick brown fox jumps over the lazy dog." for number in range(1, 151))
"""Well over the 1,024 tokens that a server's cache asks for at least, whoever counts them."""
SIDE = 64
"""Pixels: Qwen refuses pictures of 10 and less, and pads what is below 32."""
RATE = 16_000
TONE_HZ = 440


def red_picture() -> Image:
    """A red square as a PNG."""
    header = struct.pack(">IIBBBBB", SIDE, SIDE, 8, 2, 0, 0, 0)
    rows = (b"\x00" + b"\xff\x00\x00" * SIDE) * SIDE
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return Image("image/png", b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in chunks))


def tone() -> Sound:
    """A second of a tone as a WAV file."""
    samples = (round(8000 * math.sin(2 * math.pi * TONE_HZ * at / RATE)) for at in range(RATE))
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE)
        out.writeframes(b"".join(struct.pack("<h", sample) for sample in samples))
    return Sound("wav", file.getvalue())


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
