"""WebP files whose end is missing, of which no decoder takes anything: what is there is put into one that is whole."""

from collections.abc import Iterator

MOST_MISSING = 20_000_000
"""Bytes that are made up for, however long a file says that it is."""
FILLERS = (b"\0", b"\xff", b"\x55")
"""What is read as colours, mostly; a picture without loss takes it for more of its tables now and then."""
_PICTURES = (b"VP8 ", b"VP8L")


def completed(data: bytes) -> Iterator[bytes]:
    """The file with nothing but its (first) picture, which is filled up in one way after the other."""
    found = _picture(data)
    if found is None:
        return
    kind, said, there = found
    for filler in FILLERS:
        whole = there + filler * max(0, min(said - len(there), MOST_MISSING))
        chunk = kind + len(whole).to_bytes(4, "little") + whole + b"\0" * (len(whole) % 2)
        yield b"RIFF" + (len(chunk) + 4).to_bytes(4, "little") + b"WEBP" + chunk


def _picture(data: bytes) -> tuple[bytes, int, bytes] | None:
    """The kind of the first picture, how many bytes it is said to have, and those that there are."""
    at = 12
    while at + 8 < len(data):
        kind, size = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "little")
        at += 8
        if kind in _PICTURES:
            return kind, size, data[at : at + size]
        at += 16 if kind == b"ANMF" else size + size % 2  # a frame of what moves: its chunks come behind its place
    return None
