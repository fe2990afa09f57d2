"""Repair of damaged zip-based documents (Word, slides, workbooks, books), and placeholders for pictures in documents.

A damaged part doesn't cost the other parts. Pictures aren't shown to the model, but it learns that they are there and
their descriptions.
"""

import io
import posixpath
import re
import zipfile
import zlib

MOST_NAMED = 12
MOST_PARSED = 20_000_000
"""The largest part that is parsed, in bytes; its tree takes ten times as much memory."""
PIECE = 4096
"""The read size in bytes; the piece with the damage is lost."""
MOST_TEXTS = 200_000
"""The most shared strings of a workbook, which cells refer to by number."""
_XML = (".xml", ".rels", ".opf", ".ncx")
_TEXTS = "xl/sharedStrings.xml"
_TEXT_ASKED = re.compile(rb't="s"[^<>]{0,200}>\s{0,20}<(?:\w+:)?v>([0-9]{1,7})<')
_LOST_TEXT = "<si><t>[a text that is missing]</t></si>"
UNSAID = "[picture, not shown here]"


def repair(data: bytes) -> tuple[bytes, str]:
    """The package with its damaged parts as far as readable, and their names."""
    damaged: list[str] = []
    parts: dict[str, bytes] = {}
    with zipfile.ZipFile(io.BytesIO(data)) as before:
        for name in dict.fromkeys(before.namelist()):
            part, is_whole = _unpack(before, name)
            is_xml = name.endswith(_XML)
            if is_xml and len(part) <= MOST_PARSED and (rest := _readable_rest(part)) is not None:
                part, is_whole = rest, False
            if not is_whole:
                damaged.append(name)
            if is_whole or (is_xml and part):
                parts[name] = part
    if _fill_texts(parts) and _TEXTS not in damaged:
        damaged.append(_TEXTS)
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as after:
        for name, part in parts.items():
            after.writestr(name, part)
    named = [posixpath.basename(name) for name in damaged[:MOST_NAMED]]
    return written.getvalue(), ", ".join(named) + (", ..." if len(damaged) > MOST_NAMED else "")


def _unpack(archive: zipfile.ZipFile, name: str) -> tuple[bytes, bool]:
    """A part up to the damage, and whether it is complete."""
    pieces: list[bytes] = []
    left = archive.getinfo(name).file_size
    try:
        with archive.open(name) as part:
            while left > 1:  # the last byte triggers the checksum test, which would lose the whole piece
                pieces.append(part.read(min(PIECE, left - 1)))
                left -= len(pieces[-1]) or left
            pieces.append(part.read())
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError):
        return b"".join(pieces), False
    return b"".join(pieces), True


def _readable_rest(part: bytes) -> bytes | None:
    """The readable rest of a damaged part; None if it is intact."""
    from lxml import etree

    if _is_whole(part):
        return None
    root = etree.fromstring(part, etree.XMLParser(resolve_entities=False, no_network=True, recover=True))
    rest = b"" if root is None else etree.tostring(root, xml_declaration=True, encoding="UTF-8", standalone=True)
    return rest if _is_whole(rest) else b""


def _is_whole(part: bytes) -> bool:
    from lxml import etree

    try:
        etree.fromstring(part, etree.XMLParser(resolve_entities=False, no_network=True))
    except etree.XMLSyntaxError:
        return False
    return True


def _fill_texts(parts: dict[str, bytes]) -> bool:
    """Insert placeholders for missing shared strings of a workbook; returns whether any were missing."""
    if "xl/workbook.xml" not in parts:
        return False
    asked = max((int(number) for part in parts.values() for number in _TEXT_ASKED.findall(part)), default=-1)
    texts = parts.get(_TEXTS, b'<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"></sst>')
    missing = min(asked, MOST_TEXTS) + 1 - len(re.findall(rb"<(?:\w+:)?si[\s/>]", texts))
    if missing <= 0:
        return False
    body = re.sub(rb"<((?:\w+:)?sst\b[^<>]*)/>", rb"<\1></sst>", texts)
    head, end, tail = body.rpartition(b"</")
    parts[_TEXTS] = head + _LOST_TEXT.encode() * missing + end + tail
    return True


def picture_note(description: str) -> str:
    """The placeholder for a picture."""
    words = " ".join(description.split())
    return f"[picture, not shown here: {words}]" if words else UNSAID


def is_wordless(text: str) -> bool:
    """Whether the text consists only of placeholders without descriptions."""
    return not text.replace(UNSAID, "").strip()
