"""What a file is by its first bytes, looked at before anything is done with it: people name files as they like.

Only what is known here is given to a decoder, and to none but its own. Other libraries guess more widely: to FFmpeg a
text is a playlist, a list of files to read or an address to listen on; to Pillow a drawing is a program to run.
"""

import re
from dataclasses import dataclass

HEAD = 4096
"""Bytes of the beginning that are looked at."""
PDF_WITHIN = 1024
"""Bytes in which a PDF's header is to come; readers allow for something before it."""
_PDF = re.compile(rb"%PDF-\d")
_PDF_LINE = re.compile(rb"(?:^|[^\t -~])%PDF-\d\.\d[\s%]")
"""A header behind something else: at the beginning of a line, and alone on it."""
_PDF_END = re.compile(rb"%%EOF\s*\Z")
_CONTROLS = bytes({*range(32), 127} - {*b"\t\n\x0b\x0c\r\x1a\x1b"})
"""Bytes that no text has in any encoding of single bytes or UTF-8 (colours and an old end of file aside)."""

_OLD_OFFICE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_BINARY = (
    *(b"\x7fELF", b"\xca\xfe\xba\xbe", b"\xcf\xfa\xed\xfe", b"\xce\xfa\xed\xfe", b"\0asm", b"dex\n"),
    *(b"Rar!\x1a\x07", b"7z\xbc\xaf\x27\x1c", b"\x1f\x8b", b"BZh", b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd", b"MSCF\0"),
    *(b"Creative Voice File\x1a", b".SoX", b"DSD ", b"FUJIFILMCCD-RAW", b"\xd7\xcd\xc6\x9a"),
    *(_OLD_OFFICE, b"SQLite format 3\0", b"8BPS", b"wOF"),
)
"""Programs, archives, old Office files, databases, and pictures and sounds of a kind that is not read."""

_AVIF, _HEIF = (b"avif", b"avis"), (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
_ISO_BRANDS_SEEN = (*_AVIF, *_HEIF, b"crx ", b"jp2 ")
"""Pictures in the container that films and music come in."""
_ISO_BOXES = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot")


@dataclass(frozen=True, slots=True)
class Signature:
    """Bytes at places of a file's beginning, and the format that has them there."""

    name: str
    places: tuple[tuple[int, bytes], ...]

    def matches(self, data: bytes) -> bool:
        """Whether the file begins so."""
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
    """Pillow's name for the format of a picture that is read; None: it is no such picture."""
    return None if is_plain(data[:HEAD]) else _first(_PICTURES, data) or _iso_picture(data)


def sound_format(data: bytes) -> str | None:
    """FFmpeg's name for the format of a sound or a film that is read; None: it is none."""
    if is_plain(data[:HEAD]):
        return None
    if data.startswith(b"ID3"):
        return _behind_tag(data)
    return _first(_SOUNDS, data) or _iso_format(data) or _frames_format(data.lstrip(b"\0"))


def is_pdf(data: bytes) -> bool:
    """Whether it is a PDF, also with something before its header; a program that only speaks of PDFs is none."""
    if _PDF.match(data):
        return True
    if not _PDF_LINE.search(data[: PDF_WITHIN + len(b"%PDF-1.7\n")]):
        return False
    return not is_plain(data) or _PDF_END.search(data[-PDF_WITHIN:].rstrip(b"\0")) is not None


def is_binary(data: bytes) -> bool:
    """Whether it begins like a file that holds no text that could be read."""
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
    """Whether it is a file of an office program of before 2007, or a newer one with a password."""
    return data.startswith(_OLD_OFFICE)


def is_plain(data: bytes) -> bool:
    """Whether a text could have all these bytes, in an encoding of single bytes or UTF-8."""
    return not controls(data)


def controls(data: bytes) -> int:
    """How many of the bytes are in no such text."""
    return len(data) - len(data.translate(None, _CONTROLS))


def _first(signatures: tuple[Signature, ...], data: bytes) -> str | None:
    return next((one.name for one in signatures if one.matches(data)), None)


def _iso_picture(data: bytes) -> str | None:
    """By the kinds that its first box names, of which the first may be one for all."""
    if data[4:8] != b"ftyp" or data[8:12] not in (*_AVIF, *_HEIF):
        return None
    named = data[8 : max(12, min(int.from_bytes(data[:4]), 128))]
    return "AVIF" if any(named[at : at + 4] in _AVIF for at in range(0, len(named), 4)) else "HEIF"


def _iso_format(data: bytes) -> str | None:
    if data[4:8] not in _ISO_BOXES or (data[4:8] == b"ftyp" and data[8:12] in _ISO_BRANDS_SEEN):
        return None
    return "mov"


def _behind_tag(data: bytes) -> str:
    """What comes behind the title and the cover of a piece of music, whose length is in four bytes of seven bits."""
    length = sum((byte & 0x7F) << shift for byte, shift in zip(data[6:10], (21, 14, 7, 0), strict=False))
    inside = data[10 + length :].lstrip(b"\0")
    return "flac" if inside.startswith(b"fLaC") else _frames_format(inside) or "mp3"


def _frames_format(start: bytes) -> str | None:
    """MPEG audio without a container: eleven bits that are set, then version, layer, and the rates in a table."""
    if len(start) < 3 or start[0] != 0xFF:
        return None
    if start[1] & 0xF6 == 0xF0:
        return "aac"
    version, layer = start[1] & 0x18, start[1] & 0x06
    known = start[1] & 0xE0 == 0xE0 and version != 0x08 and layer in (0x02, 0x04)
    return "mp3" if known and start[2] & 0xF0 != 0xF0 and start[2] & 0x0C != 0x0C else None
