"""A file is what its first bytes say, and a text that speaks of a format is none of it."""

import pytest

from bot.media.signatures import is_binary, is_pdf, picture_format, sound_format
from bot.media.sound import convert_sound
from tests.media.files import pdf, picture, recorded, word

TEXTS = {
    "sdp": b"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 9 RTP/AVP 0\n",
    "ffconcat": b"ffconcat version 1.0\nfile secret.wav\n",
    "m3u8": b"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nsecret.ts\n#EXT-X-ENDLIST\n",
    "asx": b'<asx version="3.0"><entry><ref href="http://127.0.0.1/a"/></entry></asx>',
    "pls": b"[playlist]\nFile1=http://127.0.0.1/a.mp3\n",
    "smil": b'<smil><body><audio src="secret.wav"/></body></smil>',
    "dash": b'<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011"/>',
    "svg": b'<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/hostname"/></svg>',
    "mvg": b"push graphic-context\nimage over 0,0 0,0 'https://127.0.0.1/'\npop graphic-context\n",
    "postscript": b"%!PS-Adobe-3.0 EPSF-3.0\n(secret) (r) file\n",
    "html": b"<!DOCTYPE html><html><body>404 Not Found</body></html>",
    "subtitles": b"1\n00:00:01,000 --> 00:00:02,000\nhello\n",
    "metadata": b";FFMETADATA1\ntitle=x\n",
    "filters": b"amovie=secret.wav",
    "about GIF": b"GIF89a is a format of pictures.\n",
    "about ID3": b"ID3 tags hold titles.\n",
    "about Ogg": b"OggS is what a page begins with.\n",
    "about AMR": b"#!AMR\nis a header\n",
    "about ftyp": b"the ftypM4A box\n",
    "cp1251": "яы is how it begins".encode("cp1251"),
    "utf-16": "fine words".encode("utf-16"),
    "utf-16-le": "fine words".encode("utf-16-le"),
    "utf-16-be": "fine words".encode("utf-16-be"),
    "empty": b"",
}


@pytest.mark.parametrize("data", TEXTS.values(), ids=TEXTS)
def test_a_text_is_neither_picture_nor_sound(data: bytes) -> None:
    assert (picture_format(data), sound_format(data), is_binary(data)) == (None, None, False)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF", "AVIF", "JPEG2000"])
def test_the_pictures_that_are_read_are_known(kind: str) -> None:
    data = picture(kind=kind, mode="L" if kind == "GIF" else "RGB", color=0)
    assert picture_format(data) == kind
    assert is_binary(data)
    assert sound_format(data) is None


@pytest.mark.parametrize("kind", ["ICO", "PPM", "EPS", "PDF"])
def test_pictures_of_other_kinds_are_refused(kind: str) -> None:
    data = picture(kind=kind)
    assert picture_format(data) is None
    assert sound_format(data) is None


@pytest.mark.parametrize(
    ("kind", "codec", "found"),
    [
        ("ogg", "libopus", "ogg"),
        ("mp3", "libmp3lame", "mp3"),
        ("ipod", "aac", "mov"),
        ("mp4", "aac", "mov"),
        ("mov", "pcm_s16le", "mov"),
        ("matroska", "libopus", "matroska"),
        ("webm", "libopus", "matroska"),
        ("wav", "pcm_s16le", "wav"),
        ("flac", "flac", "flac"),
        ("adts", "aac", "aac"),
        ("aiff", "pcm_s16be", "aiff"),
        ("caf", "pcm_s16be", "caf"),
        ("asf", "wmav2", "asf"),
        ("3gp", "aac", "mov"),
        ("au", "pcm_s16be", "au"),
        ("w64", "pcm_s16le", "w64"),
        ("wv", "wavpack", "wv"),
        ("avi", "libmp3lame", "avi"),
        ("flv", "aac", "flv"),
        ("mpegts", "aac", "mpegts"),
        ("mpeg", "mp2", "mpeg"),
    ],
)
def test_common_audio_formats_are_recognized_and_decoded(kind: str, codec: str, found: str) -> None:
    data = recorded(kind, codec, 0.5)
    assert sound_format(data) == found
    assert convert_sound(data, most_seconds=60).seconds == pytest.approx(0.5, abs=0.2)
    assert picture_format(data) is None


def test_amr_is_known() -> None:
    assert sound_format(b"#!AMR\n\x3c\x91\x17\x16\xbe\x66") == "amr"


def test_format_is_found_behind_id3_tag() -> None:
    """The tag may hold a cover, and any format may follow."""

    def tagged(inside: bytes) -> bytes:
        return b"ID3\x04\0\0\0\0\x02\0" + b"\0" * 256 + inside

    assert sound_format(tagged(recorded("flac", "flac", 0.1))) == "flac"
    assert sound_format(tagged(recorded("adts", "aac", 0.1))) == "aac"
    music = tagged(recorded("mp3", "libmp3lame", 0.5))
    assert sound_format(music) == "mp3"
    assert convert_sound(music, most_seconds=60).seconds > 0.4


@pytest.mark.parametrize(
    "before", [b"", b"\n\n", b"HTTP/1.1 200 OK\r\n\r\n", b"\xef\xbb\xbf", b"\0" * 500, b"x" * 900 + b"\n"]
)
def test_a_pdf_may_come_behind_something_else(before: bytes) -> None:
    data = before + pdf("hello")
    assert is_pdf(data)
    assert not is_binary(data) or is_pdf(data)


@pytest.mark.parametrize(
    "program",
    [
        b'if data.startswith(b"%PDF-"):\n    print("a PDF")\n',
        b'HEADER = """\n%PDF-1.4\n1 0 obj\n%%EOF\n"""\nprint(HEADER)\n',
        b"# %PDF-1.7 is the header\nprint(1)\n",
        "заголовок:\n%PDF-1.4\nи так далее\n".encode("cp1251"),
    ],
)
def test_a_program_that_speaks_of_pdfs_is_none(program: bytes) -> None:
    assert not is_pdf(program)
    assert not is_binary(program)


@pytest.mark.parametrize(
    "data",
    [
        b"\x7fELF\x02\x01\x01" + b"\0" * 50,
        b"MZ\x90\0\x03\0\0\0\x04" + b"\0" * 200 + b"PE\0\0",
        b"\x1f\x8b\x08\0\0",
        b"Rar!\x1a\x07\x01\0",
        b"SQLite format 3\0\x10\0",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\0\0",
        b"Creative Voice File\x1a\x1a\0\x0a\x01" + b"\x80\x90\xa0" * 50,
        b"FUJIFILMCCD-RAW \0\0",
        b"name" + b"\0" * 253 + b"ustar\x0000",
    ],
)
def test_what_holds_no_text_is_known_at_once(data: bytes) -> None:
    assert is_binary(data)


def test_word_files_and_logs_are_let_through() -> None:
    assert not is_binary(word("x"))
    assert not is_binary(b"a log line\n" * 9 + b"\0\0\0" + b"another\n")
    assert not is_binary(b"MZ is where an executable begins")


@pytest.mark.parametrize("brand", [b"heic", b"avif", b"isom", b"M4A "])
def test_containers_of_films_hold_no_text(brand: bytes) -> None:
    assert is_binary(b"\0\0\0\x18ftyp" + brand + b"\0\0\0\0 and words " * 20)
