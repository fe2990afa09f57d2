"""PNG files without the words that programs write into them, which are no part of the picture."""

_HEAD = b"\x89PNG\r\n\x1a\n"
_WORDS = (b"tEXt", b"zTXt", b"iTXt")


def without_words(data: bytes) -> bytes:
    """The same picture; any other file is left as it is."""
    if not data.startswith(_HEAD) or not any(kind in data for kind in _WORDS):
        return data
    kept, at = [_HEAD], len(_HEAD)
    while at < len(data):
        end = at + 12 + int.from_bytes(data[at : at + 4])
        if data[at + 4 : at + 8] not in _WORDS:
            kept.append(data[at:end])
        at = end
    return b"".join(kept)
