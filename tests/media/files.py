"""Files as people send them, made on the spot."""

import base64
import io
import struct
import wave
import zlib
from math import pi, sin

import av
import PIL.Image
from docx import Document
from PIL.TiffImagePlugin import ImageFileDirectory_v2
from pypdf import PdfReader, PdfWriter
from pypdf.generic import DecodedStreamObject, DictionaryObject, NameObject


def picture(
    width: int = 64, height: int = 48, kind: str = "JPEG", mode: str = "RGB", color: object = "red", **more: object
) -> bytes:
    """A picture of one colour, its left half blue."""
    made = PIL.Image.new(mode, (width, height), color)  # type: ignore[arg-type]
    if mode == "RGB":
        made.paste("blue", (0, 0, width // 2, height))
    written = io.BytesIO()
    made.save(written, kind, **more)
    return written.getvalue()


def exif(orientation: int = 1, *, place: bool = False) -> PIL.Image.Exif:
    """What a camera writes into its photos."""
    found = PIL.Image.Exif()
    found[0x0112] = orientation
    found[0x010F] = "Camera of Ann"
    if place:
        gps = ImageFileDirectory_v2()
        gps[1], gps[2] = "N", (46.0, 57.0, 0.0)
        found[0x8825] = dict(gps)
    return found


def png_bomb(side: int = 30_000) -> bytes:
    """A PNG of a few kilobytes that unpacks to gigabytes."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    rows = zlib.compress(b"\0" * (side * 3 + 1) * 20, 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def wav(seconds: float = 1.0, rate: int = 24_000) -> bytes:
    """A tone."""
    written = io.BytesIO()
    with wave.open(written, "wb") as target:
        target.setnchannels(1)
        target.setsampwidth(2)
        target.setframerate(rate)
        target.writeframes(samples(seconds, rate))
    return written.getvalue()


def samples(seconds: float = 1.0, rate: int = 24_000) -> bytes:
    """A tone as 16-bit samples."""
    count = int(seconds * rate)
    return struct.pack(f"<{count}h", *(int(9000 * sin(2 * pi * 440 * at / rate)) for at in range(count)))


def pdf(*pages: str, password: str | None = None) -> bytes:
    """A PDF with a line of text on each page."""
    writer = PdfWriter()
    font = DictionaryObject(
        {
            NameObject("/Type"): NameObject("/Font"),
            NameObject("/Subtype"): NameObject("/Type1"),
            NameObject("/BaseFont"): NameObject("/Helvetica"),
        }
    )
    for words in pages:
        page = writer.add_blank_page(200, 200)
        page[NameObject("/Resources")] = DictionaryObject(
            {NameObject("/Font"): DictionaryObject({NameObject("/F1"): font})}
        )
        content = DecodedStreamObject()
        content.set_data(f"BT /F1 12 Tf 10 100 Td ({words}) Tj ET".encode())
        page[NameObject("/Contents")] = writer._add_object(content)
    if password:
        writer.encrypt(password)
    written = io.BytesIO()
    writer.write(written)
    return written.getvalue()


def scan(*pages: str | None, stamp: str = "") -> bytes:
    """A PDF with pages of words, where there are some, else with pictures of pages; None: a blank one."""
    writer = PdfWriter()
    for number, words in enumerate(pages):
        if words is None:
            writer.add_blank_page(595, 842)
            continue
        side = io.BytesIO(pdf(words))
        if not words:
            side = io.BytesIO()
            made = PIL.Image.new("RGB", (595, 842), "white")
            made.paste("black", (50, 50 + 20 * number, 500, 60 + 20 * number))
            made.save(side, "PDF")
        writer.append(side)
        if stamp and not words:
            page = writer.pages[-1]
            fonts = PdfReader(io.BytesIO(pdf(stamp))).pages[0]
            page.merge_page(fonts)
    written = io.BytesIO()
    writer.write(written)
    return written.getvalue()


def word(*paragraphs: str, table: tuple[tuple[str, ...], ...] = ()) -> bytes:
    """A Word file with paragraphs, and a table behind them."""
    made = Document()
    for text in paragraphs:
        made.add_paragraph(text)
    if table:
        cells = made.add_table(len(table), len(table[0]))
        for row, texts in enumerate(table):
            for column, text in enumerate(texts):
                cells.cell(row, column).text = text
    written = io.BytesIO()
    made.save(written)
    return written.getvalue()


def recorded(kind: str, codec: str, seconds: float = 1.0, *, rate: int = 48_000, layout: str = "mono") -> bytes:
    """A tone in a container, by FFmpeg's names."""
    written = io.BytesIO()
    with av.open(io.BytesIO(wav(seconds, 48_000)), "r") as source, av.open(written, "w", format=kind) as target:
        stream = target.add_stream(codec, rate=rate, layout=layout)
        assert isinstance(stream, av.AudioStream)
        stream.bit_rate = 64_000
        for frame in source.decode(audio=0):
            frame.pts = None
            target.mux(stream.encode(frame))
        target.mux(stream.encode(None))
    return written.getvalue()


def heic() -> bytes:
    """The same picture as a phone writes it, which no library here can."""
    return zlib.decompress(base64.b85decode(_HEIC))


_HEIC = (
    "c-muNV30{GsVvAy%}izhg51nBLl8SRGck>Ufw49>wIq=N0u(b+a*CjAhJwuG5(YG&l$nzcHpIn&fe{FSfN>#&1_D(eR?f`KO9S&j"
    "qM|@fDif5KQI>27V)7MamgK^f{LL&VDge@VGYgXQfpi&AnKL6ZNN56Bk=zG{KYxGxU|`^9P5|nVaA4$N{Qn=MfElEM8HD6^F*zgx"
    "CAFLw8PQ}GC^WK8d-Y`5&K(>X1`0qSW)Q)km;_YL=E8We_&_Jn65-_hoT9wsoC=^QF9TZxP)H=RxF8kkGY2TvNX|(tfU-f3H-OS0"
    "!1VwB{|_J<hy@BVD>6ZX%p4pXKuRLBAQu+Mz;I)2WMXD*0kU;-QxZXetf;}bUb5l6=hFTEKde`jFALn?wn@D8(?|DzD&^0wJ#o&>"
    "2LM3uTBZ"
)
