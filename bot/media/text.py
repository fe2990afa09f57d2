"""Plain text in any encoding: by byte order mark, as valid Unicode, or by plausibility (``legacy_encodings``)."""

import codecs
import re
from collections.abc import Sequence
from dataclasses import dataclass

from bot.media.legacy_encodings import guess_encoding
from bot.media.media_errors import NotSupportedError
from bot.media.plausibility import faults
from bot.media.signatures import controls

MOST_STRANGE = 0.02
"""A larger share of control characters means that it isn't text."""
MOST_BROKEN = 0.1
"""The largest share of broken non-ASCII characters in UTF-8."""
MOST_WIDE_FAULTS, FEWEST_WIDE_FAULTS = 0.2, 0.02
"""Faults per character allowed in UTF-16 without a mark and without zeros: if its bytes are full of controls, and if
they are not."""
MOST_STRAY_ZEROS = 0.2
SAMPLE, SHORTEST_WIDE = 4096, 12
_MARKS = (
    (b"\xff\xfe\0\0", "utf-32"),
    (b"\0\0\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
_ZERO_PATTERNS = (
    ((False, True, True, True), "utf-32-le"),
    ((True, True, True, False), "utf-32-be"),
    ((False, False, True, True), "utf-32-le"),
    ((True, True, False, False), "utf-32-be"),
    ((False, True, False, True), "utf-16-le"),
    ((True, False, True, False), "utf-16-be"),
)
"""Which bytes of four are usually zero."""
_ZERO_RUN = re.compile(rb"\0{8,}")
"""Not in text: preallocated space in a log, or what preceded a truncation."""
_ZEROS = re.compile(r"\0+")
_ZEROS_AT_AN_END = re.compile(r"(?<!\0)\0++(?=\r?\n)|(?<=\n)\0++")
_TERMINAL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b\][^\x07\x1b\n]{0,300}(?:\x07|\x1b\\)|\x1b[()][0AB]|[^\n]\x08")
"""Terminal sequences for colors, titles and character sets, and overstriking."""
_DECLARED = re.compile(
    rb"""(?:<\?xml\s[^<>]{0,200}?encoding|<meta\s[^<>]{0,200}?charset|^["]?content-type:[^\n]{0,200}?charset"""
    rb"""|\A(?:[^\n]{0,200}\n)?\s{0,20}(?:#|//|/\*|;|%|--)[^\n]{0,200}?coding\s?(?=[:=])|\A@charset)"""
    rb"""\s?[=:]?\s?["']?([a-z][\w.:-]{2,30})""",
    re.IGNORECASE | re.MULTILINE,
)
DECLARED_WITHIN = 1024
"""Bytes within which a page, a program or an e-mail declares its encoding."""
_AS_BROWSERS = {"iso8859-1": "cp1252", "ascii": "cp1252", "iso8859-9": "cp1254", "gb2312": "gb18030", "gbk": "gb18030"}
"""The encodings that are actually meant by these names."""
FEWEST_OF_A_LINE, FEWEST_OF_THE_REST = 4, 4
"""UTF-8 characters in a line from which other lines may be in another encoding, and non-ASCII bytes needed there."""
MOST_FAULTS_BY_CHANCE = 0.3
"""Per character; lines of a language have fewer, and lines that are UTF-8 by chance five times as many."""
MOST_ODD = 0.1
"""The share of non-ASCII bytes that are replaced if the encoding remains unknown."""
_FOREIGN_BYTES = bytes(range(0x80, 0x100))
_SHIFTED = re.compile(rb"\x1b\$[@B]")
"""Japanese in seven bits, as in e-mail."""
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class DecodedText:
    """A text, and its encoding if that is a guess."""

    words: str
    encoding: str | None = None


def decode_text(data: bytes, language: str | None = None) -> DecodedText:
    """Decode a file; `language` (IETF) is its sender's. Raises NotSupportedError if it isn't text."""
    data = _ZERO_RUN.sub(lambda run: bytes(len(run[0]) % 4), data)
    unicode = _decode_unicode(data)
    read = (
        DecodedText(unicode) if unicode is not None else _decode_mixed(data, language) or _decode_legacy(data, language)
    )
    words = _TERMINAL.sub("", read.words).strip("\0\x1a").replace("\x0b", "\n").replace("\x0c", "\n")
    words = _without_zeros(words)
    if len(CONTROL.findall(words)) > MOST_STRANGE * len(words):
        raise NotSupportedError("no text")
    return DecodedText(words, read.encoding)


def _without_zeros(words: str) -> str:
    """Zeros end lines in some logs, pad columns in others, and separate entries if there are no lines."""
    if "\0" not in words:
        return words
    words = _ZEROS_AT_AN_END.sub("", words)
    return _ZEROS.sub(" " if "\n" in words else "\n", words)


def _decode_unicode(data: bytes) -> str | None:
    for read in (_by_mark, _wide, _shifted, _utf_8, _wide_throughout, _by_declaration):
        text = read(data)
        if text is not None:
            return text
    return None


def _decode_legacy(data: bytes, language: str | None) -> DecodedText:
    broken = _broken_utf_8(data)
    if broken is not None:
        return DecodedText(broken)
    found = guess_encoding(data.replace(b"\0", b""), language)
    if found is not None:
        return DecodedText(found.text, found.encoding)
    if _count_non_ascii(data) > MOST_ODD * len(data):
        raise NotSupportedError("no text of a known encoding")
    return DecodedText(data.decode("utf-8", "replace"))


def _decode_mixed(data: bytes, language: str | None) -> DecodedText | None:
    """A log with two encodings: some lines are UTF-8, the others share another encoding."""
    lines = data.splitlines(keepends=True)
    as_utf_8 = [line.decode() if line.isascii() else _broken_utf_8(line) for line in lines]
    rest = b"".join(line for line, text in zip(lines, as_utf_8, strict=True) if text is None)
    if _count_non_ascii(rest) < FEWEST_OF_THE_REST:
        return None
    if not any(text and _is_surely_utf_8(text) for text in as_utf_8):
        return None
    found = guess_encoding(rest.replace(b"\0", b""), language)
    if found is None:
        return None
    table = found.encoding
    words = (
        line.decode(table, "replace") if text is None else text for line, text in zip(lines, as_utf_8, strict=True)
    )
    return DecodedText("".join(words), f"UTF-8 and {table}")


def _is_surely_utf_8(line: str) -> bool:
    """Whether it reads well; with four two-byte characters, one line in eight hundred is UTF-8 by chance."""
    line = line[:SAMPLE]
    beyond = _beyond_ascii(line)
    return beyond >= FEWEST_OF_A_LINE and (max(line) >= "\U0001f000" or faults(line) <= MOST_FAULTS_BY_CHANCE * beyond)


def _count_non_ascii(data: bytes) -> int:
    """The number of non-ASCII bytes."""
    return len(data) - len(data.translate(None, _FOREIGN_BYTES))


def _beyond_ascii(text: str) -> int:
    return len(text) - len(text.encode("ascii", "ignore"))


def _by_declaration(data: bytes) -> str | None:
    """Decode by the declared encoding, if that is valid."""
    found = _DECLARED.search(data[:DECLARED_WITHIN])
    try:
        name = codecs.lookup(found[1].decode()).name if found else ""
        text = data.decode(_AS_BROWSERS.get(name, name)) if name else None
    except (LookupError, UnicodeError):
        return None
    return text if isinstance(text, str) else None  # some codecs yield bytes


def _by_mark(data: bytes) -> str | None:
    """Decode by the byte order mark, or by the zeros that UTF-16 and UTF-32 have in most scripts."""
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return data.decode(encoding, "replace")
    head = data[:SAMPLE]
    shares = [head[at::4].count(0) / max(1, len(head[at::4])) for at in range(4)]
    found = next((encoding for pattern, encoding in _ZERO_PATTERNS if _fits(shares, pattern)), None)
    return data.decode(found, "replace") if found else None


def _fits(shares: Sequence[float], pattern: Sequence[bool]) -> bool:
    """Mostly zeros where expected, and almost none elsewhere, where a zero would be half a letter."""
    return all(share > 0.5 if zero else share < MOST_STRAY_ZEROS for share, zero in zip(shares, pattern, strict=True))


def _shifted(data: bytes) -> str | None:
    if not data.isascii() or not _SHIFTED.search(data):
        return None
    try:
        return data.decode("iso2022_jp")
    except UnicodeDecodeError:
        return None


def _utf_8(data: bytes) -> str | None:
    """Decode as UTF-8, which may end within a character."""
    data = data.removeprefix(codecs.BOM_UTF8)
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(data)
    except UnicodeDecodeError:
        return None
    return None if text.isascii() and not data.isascii() else text  # the end alone may be a letter of another encoding


def _broken_utf_8(data: bytes) -> str | None:
    """Decode as UTF-8 with a few broken bytes."""
    text = data.removeprefix(codecs.BOM_UTF8).decode("utf-8", "replace")
    return text if text.count("\ufffd") <= MOST_BROKEN * _beyond_ascii(text) else None


def _wide(data: bytes) -> str | None:
    """UTF-16 in a script without zeros: its bytes are full of controls, and it reads well."""
    sample = data[:SAMPLE]
    return (
        _read_wide(data, MOST_WIDE_FAULTS)
        if controls(sample.replace(b"\0", b"")) > MOST_STRANGE * len(sample)
        else None
    )


def _wide_throughout(data: bytes) -> str | None:
    """UTF-16 in a script without controls either, such as Japanese: it reads well, and as nothing else."""
    return _read_wide(data, FEWEST_WIDE_FAULTS) if len(data) >= SHORTEST_WIDE else None


def _read_wide(data: bytes, most_faults: float) -> str | None:
    sample = data[: min(SAMPLE, len(data) // 2 * 2)]
    for encoding in ("utf-16-le", "utf-16-be"):
        text = sample.decode(encoding, "replace")
        strange = len(CONTROL.findall(text)) > MOST_STRANGE * len(text)
        if not strange and faults(text) <= most_faults * len(text):
            return data.decode(encoding, "replace")
    return None
