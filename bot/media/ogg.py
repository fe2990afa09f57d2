"""Ogg files that were joined: each of them is a file of its own, which FFmpeg expects to be like the first."""

from collections.abc import Iterator

MOST_LINKS = 100
_HEAD = 27
"""Bytes of a page before the table of its lengths."""
_BEGINS, _ENDS = 0x02, 0x04
"""The flags of the first page of a stream, and of the last."""


def links(data: bytes) -> list[bytes]:
    """The files that an Ogg file was joined from, mostly one; what is no whole page belongs to the one before it."""
    starts, before = [0], True
    for at, begins in _pages(data):
        if begins and not before:
            starts.append(at)
        before = begins
    starts = starts[:MOST_LINKS]
    return [data[start:end] for start, end in zip(starts, (*starts[1:], len(data)), strict=True)]


def is_ended(data: bytes) -> bool:
    """Whether its last page is there, and says that it is the last."""
    last = data.rfind(b"OggS\0")
    lengths = data[last + _HEAD : last + _HEAD + data[last + 26]] if last != -1 and last + _HEAD <= len(data) else b""
    whole = bool(lengths) and last + _HEAD + len(lengths) + sum(lengths) <= len(data)
    return whole and bool(data[last + 5] & _ENDS)


def _pages(data: bytes) -> Iterator[tuple[int, bool]]:
    """Where each page begins, and whether it is the first of its stream."""
    at = 0
    while at != -1 and at + _HEAD <= len(data):
        if not data.startswith(b"OggS\0", at):  # damage
            at = data.find(b"OggS\0", at + 1)
            continue
        yield at, bool(data[at + 5] & _BEGINS)
        lengths = data[at + _HEAD : at + _HEAD + data[at + 26]]
        at += _HEAD + len(lengths) + sum(lengths)
