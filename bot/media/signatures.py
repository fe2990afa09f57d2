"""File types by their first bytes, checked before anything else, because file names may say anything.

A file goes only to the decoder of its type. Libraries that guess are more permissive: FFmpeg may take a text for a
playlist, a list of files to read or an address to listen on, and Pillow a drawing for a program to run.
"""

import re
from dataclasses import dataclass

HEAD = 4096
"""Bytes at the beginning that are examined."""
PDF_WITHIN = 1024
"""Bytes within which a PDF's header must appear; readers tolerate something before it."""
_PDF = re.compile(rb"%PDF-\d")
_PDF_LINE = re.compile(rb"(?:^|[^\t -~])%PDF-\d\.\d[\s%]")
"""A header after something else: on a line of its own."""
_PDF_END = re.compile(rb"%%EOF\s*\Z")
_CONTROLS = bytes({*range(32), 127} - {*b"\t\n\x0b\x0c\r\x1a\x1b"})
"""Bytes that no text has in UTF-8 or a single-byte encoding (except terminal colors and an old end-of-file mark)."""

_OLD_OFFICE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_BINARY = (
    *(b"\x7fELF", b"\xca\xfe\xba\xbe", b"\xcf\xfa\xed\xfe", b"\xce\xfa\xed\xfe", b"\0asm", b"dex\n"),
    *(b"Rar!\x1a\x07", b"7z\xbc\xaf\x27\x1c", b"\x1f\x8b", b"BZh", b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd", b"MSCF\0"),
    *(b"Creative Voice File\x1a", b".SoX", b"DSD ", b"FUJIFILMCCD-RAW", b"\xd7\xcd\xc6\x9a"),
    *(_OLD_OFFICE, b"SQLite format 3\0", b"8BPS", b"wOF"),
)
"""Programs, archives, old Office files, databases, and unsupported pictures and sounds."""

_AVIF, _HEIF = (b"avif", b"avis"), (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
_ISO_BRANDS_SEEN = (*_AVIF, *_HEIF, b"crx ", b"jp2 ")
"""Pictures in the container format of videos and music."""
_ISO_BOXES = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot")


@dataclass(frozen=True, slots=True)
class Signature:
    """Bytes at certain offsets, and the format that they identify."""

    name: str
    places: tuple[tuple[int, bytes], ...]

    def matches(self, data: bytes) -> bool:
        """Whether the file has these bytes."""
        return all(data[at : at + len(wanted)] == wanted for at, wanted in self.places)


_PICTURES = (
    Signature("JPEG", ((0, b"\xff\xd8\xff"),)),
    Signature("PNG", ((0, b"\x89PNG\r\n\x1a\n"),)),
    Signature("GIF", ((0, b"GIF87a"),)),
    Signature("GIF", ((0, b"GIF89a"),)),
    Signature("WEBP", ((0, b"RIFF"), (8, b"WEBP"))),
    Signature("BMP", ((0, b"BM"), (6, b"\0\0\0\0"), (15, b"\0\0\0"))),
    Signature("TIFF", ((0, b"II*\0"),)),
    Signature("TIFF", ((0, b"MM\0*"),)),
    Signature("TIFF", ((0, b"II+\0"),)),
    Signature("TIFF", ((0, b"MM\0+"),)),
    Signature("JPEG2000", ((0, b"\0\0\0\x0cjP  \r\n\x87\n"),)),
    Signature("JPEG2000", ((0, b"\xff\x4f\xff\x51"),)),
)
"""Pillow's names."""
_SOUNDS = (
    Signature("ogg", ((0, b"OggS\0"),)),
    Signature("flac", ((0, b"fLaC"),)),
    Signature("wav", ((0, b"RIFF"), (8, b"WAVE"))),
    Signature("wav", ((0, b"RF64"), (8, b"WAVE"))),
    Signature("amr", ((0, b"#!AMR"),)),
    Signature("matroska", ((0, b"\x1a\x45\xdf\xa3"),)),
    Signature("aiff", ((0, b"FORM"), (8, b"AIF"))),
    Signature("caf", ((0, b"caff\0"),)),
    Signature("au", ((0, b".snd\0"),)),
    Signature("w64", ((0, b"riff\x2e\x91\xcf\x11"),)),
    Signature("wv", ((0, b"wvpk"),)),
    Signature("avi", ((0, b"RIFF"), (8, b"AVI "))),
    Signature("flv", ((0, b"FLV\x01"),)),
    Signature("mpeg", ((0, b"\0\0\x01\xba"),)),
    Signature("mpegts", ((0, b"G"), (188, b"G"), (376, b"G"))),
    Signature("mpegts", ((4, b"G"), (196, b"G"), (388, b"G"))),
    Signature("asf", ((0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11"),)),
)
"""FFmpeg's names."""


def picture_format(data: bytes) -> str | None:
    """Pillow's name for a supported picture format, or None."""
    return None if is_plain(data[:HEAD]) else _first(_PICTURES, data) or _iso_picture(data)


def sound_format(data: bytes) -> str | None:
    """FFmpeg's name for a supported sound or video format, or None."""
    if is_plain(data[:HEAD]):
        return None
    if data.startswith(b"ID3"):
        return _behind_tag(data)
    return _first(_SOUNDS, data) or _iso_format(data) or _frames_format(data.lstrip(b"\0"))


def is_pdf(data: bytes) -> bool:
    """Whether it is a PDF, possibly with something before its header; a program that mentions PDFs isn't."""
    if _PDF.match(data):
        return True
    if not _PDF_LINE.search(data[: PDF_WITHIN + len(b"%PDF-1.7\n")]):
        return False
    return not is_plain(data) or _PDF_END.search(data[-PDF_WITHIN:].rstrip(b"\0")) is not None


def is_binary(data: bytes) -> bool:
    """Whether it begins like a file without readable text."""
    if is_plain(data[:HEAD]):
        return False
    program = data.startswith(b"MZ") and b"PE\0\0" in data[:HEAD]
    return (
        program
        or data.startswith(_BINARY)
        or data[4:8] in _ISO_BOXES
        or data[257:262] == b"ustar"
        or _first((*_PICTURES, *_SOUNDS), data) is not None
    )


def is_old_office(data: bytes) -> bool:
    """Whether it is an Office file from before 2007, or a newer one with a password."""
    return data.startswith(_OLD_OFFICE)


def is_plain(data: bytes) -> bool:
    """Whether all bytes may occur in text (UTF-8 or a single-byte encoding)."""
    return not controls(data)


def controls(data: bytes) -> int:
    """The number of bytes that can't occur in text."""
    return len(data) - len(data.translate(None, _CONTROLS))


def _first(signatures: tuple[Signature, ...], data: bytes) -> str | None:
    return next((signature.name for signature in signatures if signature.matches(data)), None)


def _iso_picture(data: bytes) -> str | None:
    """The type by the brands in the first box; the major brand may be generic."""
    if data[4:8] != b"ftyp" or data[8:12] not in (*_AVIF, *_HEIF):
        return None
    named = data[8 : max(12, min(int.from_bytes(data[:4]), 128))]
    return "AVIF" if any(named[at : at + 4] in _AVIF for at in range(0, len(named), 4)) else "HEIF"


def _iso_format(data: bytes) -> str | None:
    if data[4:8] not in _ISO_BOXES or (data[4:8] == b"ftyp" and data[8:12] in _ISO_BRANDS_SEEN):
        return None
    return "mov"


def _behind_tag(data: bytes) -> str:
    """The type of what follows an ID3 tag, whose length has four bytes of seven bits."""
    length = sum((byte & 0x7F) << shift for byte, shift in zip(data[6:10], (21, 14, 7, 0), strict=False))
    inside = data[10 + length :].lstrip(b"\0")
    return "flac" if inside.startswith(b"fLaC") else _frames_format(inside) or "mp3"


def _frames_format(start: bytes) -> str | None:
    """MPEG audio without a container: eleven set bits, then version, layer and rates."""
    if len(start) < 3 or start[0] != 0xFF:
        return None
    if start[1] & 0xF6 == 0xF0:
        return "aac"
    version, layer = start[1] & 0x18, start[1] & 0x06
    known = start[1] & 0xE0 == 0xE0 and version != 0x08 and layer in (0x02, 0x04)
    return "mp3" if known and start[2] & 0xF0 != 0xF0 and start[2] & 0x0C != 0x0C else None
