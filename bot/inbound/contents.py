"""What the bytes of a file say of it, and as much of its text as there is room for."""

from bot.conversation.tokens import TokenCounter

_PICTURES = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF8")
_SOUNDS = (b"OggS", b"ID3", b"fLaC", b"\xff\xfb", b"\xff\xf3", b"\xff\xf2", b"\xff\xf1", b"\xff\xf9", b"#!AMR")
_MP4_SOUNDS = (b"M4A ", b"M4B ")


def looks_like_picture(data: bytes) -> bool:
    """Whether it begins like a JPEG, PNG, GIF or WebP."""
    return data.startswith(_PICTURES) or (data.startswith(b"RIFF") and data[8:12] == b"WEBP")


def looks_like_sound(data: bytes) -> bool:
    """Whether it begins like Ogg, MP3, FLAC, AAC, AMR, WAV or M4A."""
    if data.startswith(b"RIFF"):
        return data[8:12] == b"WAVE"
    return data.startswith(_SOUNDS) or (data[4:8] == b"ftyp" and data[8:12] in _MP4_SOUNDS)


def fitting(text: str, most_tokens: int, count_tokens: TokenCounter) -> str:
    """The beginning of a text that has at most so many tokens."""
    while (tokens := count_tokens(text)) > most_tokens:
        text = text[: min(len(text) - 1, int(len(text) * most_tokens / tokens))]
    return text
