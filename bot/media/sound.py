"""Sounds: from any audio or video file to MP3 for a model, and from a model's speech to a voice message.

Ogg files may be chained (concatenated); each link is decoded as a file of its own, because FFmpeg expects all to be
like the first.
"""

import io
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Never

from bot.media.media_errors import MediaError, NotSupportedError, SilentError, TooLongError, UnreadableError
from bot.media.signatures import sound_format

if TYPE_CHECKING:
    from collections.abc import Iterable

    from av import AudioFrame
    from av.container import InputContainer, OutputContainer

MOST_LINKS = 100
_HEAD = 27
"""Bytes of an Ogg page before its segment table."""
_BEGINS, _ENDS = 0x02, 0x04
"""The flags of a stream's first and last page."""
RATE = 16_000
"""The sample rate in Hz; speech models use no more."""
BITS = 48_000
"""The MP3 bit rate; speech at 16 kHz needs no more."""
OPUS_RATE, OPUS_BITS = 48_000, 32_000
CODECS = (
    *(
        "aac",
        "aac_latm",
        "alac",
        "mp1float",
        "mp2float",
        "mp3float",
        "mp3",
        "mp2",
        "opus",
        "libopus",
        "vorbis",
        "libvorbis",
    ),
    *("flac", "speex", "libspeex", "amrnb", "amrwb", "libopencore_amrnb", "libopencore_amrwb", "gsm", "gsm_ms"),
    *("wmav1", "wmav2", "wmapro", "ac3", "eac3", "wavpack", "adpcm_ms", "adpcm_ima_wav", "adpcm_ima_qt"),
    *("pcm_u8", "pcm_s8", "pcm_s16le", "pcm_s16be", "pcm_s24le", "pcm_s24be", "pcm_s32le", "pcm_s32be"),
    *("pcm_f32le", "pcm_f32be", "pcm_f64le", "pcm_f64be", "pcm_alaw", "pcm_mulaw"),
)
"""FFmpeg's names of the decoders that may process untrusted bytes."""
TOLD = ("mov", "mp3", "flac", "matroska", "aiff", "caf", "au", "wv", "asf", "flv")
"""Formats that state their duration; for others FFmpeg estimates it."""
_MP3_FRAME, _MP3_LENGTH = re.compile(rb"\xff[\xe0-\xff]"), re.compile(rb"(?:Xing|Info)\0\0\0")
"""An MP3 states its length, if at all, in a frame of its own."""
MOST_BEFORE_LENGTH = 68
"""Bytes from the beginning of that frame."""
MOST_MISSING_S = 1.0
"""A tolerance at the end: formats count in packets, and include the time before the first sound."""
STREAMED = 0x7FFF0000
"""The size of a file whose length was unknown when it was started."""
FORMATS = {"mov": "mov,mp4,m4a,3gp,3g2,mj2", "matroska": "matroska,webm"}
"""FFmpeg's whitelist names where they differ from the name of the format."""


def split_links(data: bytes) -> list[bytes]:
    """The links of a chained Ogg file, usually one; an incomplete page belongs to the one before it."""
    starts, before = [0], True
    for at, begins in _pages(data):
        if begins and not before:
            starts.append(at)
        before = begins
    starts = starts[:MOST_LINKS]
    return [data[start:end] for start, end in zip(starts, (*starts[1:], len(data)), strict=True)]


def is_ended(data: bytes) -> bool:
    """Whether the last page is complete and marked as the last."""
    last = data.rfind(b"OggS\0")
    lengths = data[last + _HEAD : last + _HEAD + data[last + 26]] if last != -1 and last + _HEAD <= len(data) else b""
    whole = bool(lengths) and last + _HEAD + len(lengths) + sum(lengths) <= len(data)
    return whole and bool(data[last + 5] & _ENDS)


def _pages(data: bytes) -> Iterator[tuple[int, bool]]:
    """The offset of each page, and whether it begins a stream."""
    at = 0
    while at != -1 and at + _HEAD <= len(data):
        if not data.startswith(b"OggS\0", at):  # damage
            at = data.find(b"OggS\0", at + 1)
            continue
        yield at, bool(data[at + 5] & _BEGINS)
        lengths = data[at + _HEAD : at + _HEAD + data[at + 26]]
        at += _HEAD + len(lengths) + sum(lengths)


@dataclass(frozen=True, slots=True)
class ConvertedSound:
    """A sound as a model gets it: ``mp3``, mono, 16 kHz."""

    data: bytes
    format: str
    seconds: float
    whole: float | None = None
    """The stated duration in seconds, if part of it is missing."""
    ended: bool = True
    """False: its format marks the end, and the mark is missing."""


@dataclass(slots=True)
class _Reach:
    """The time that decoded frames reach, including gaps."""

    seconds: float = 0.0


def convert_sound(data: bytes, *, most_seconds: float) -> ConvertedSound:
    """Convert an audio or video file. Raises MediaError; TooLongError beyond `most_seconds`."""
    import av

    kind = sound_format(data)
    if kind is None:
        raise NotSupportedError("no sound of a known kind")
    written = io.BytesIO()
    try:
        reach = _Reach()
        frames = _limit(_frames(split_links(data) if kind == "ogg" else [data], kind), most_seconds, reach)
        with av.open(written, "w", format="mp3") as target:  # no tags, which may contain private names
            seconds = _encode(frames, target, "libmp3lame", RATE, BITS)
    except MediaError:
        raise
    except (av.FFmpegError, ValueError, OSError, EOFError, IndexError, MemoryError) as exc:
        raise UnreadableError(f"{type(exc).__name__}: {exc}") from exc
    if not seconds:
        raise UnreadableError("nothing to hear in it")
    whole = _stated_duration(data, kind, seconds)
    is_cut = reach.seconds < whole - MOST_MISSING_S
    return ConvertedSound(
        written.getvalue(), "mp3", seconds, whole if is_cut else None, kind != "ogg" or is_ended(data)
    )


def _stated_duration(data: bytes, kind: str, seconds: float) -> float:
    """The stated duration in seconds; 0 if there is none."""
    import av

    if kind in ("wav", "avi") and data.startswith(b"RIFF"):
        size = int.from_bytes(data[4:8], "little")
        return seconds * size / len(data) if len(data) < size < STREAMED else 0.0
    if kind not in TOLD or (kind == "mp3" and not _says_length(data)):
        return 0.0
    with suppress(MediaError, av.FFmpegError, EOFError), _open(data, kind) as source:
        [sound, *_] = source.streams.audio
        if sound.duration is not None and sound.time_base is not None:
            return float(sound.duration * sound.time_base)
        if len(source.streams) == 1 and source.duration is not None:
            return source.duration / av.time_base
    return 0.0


def _says_length(data: bytes) -> bool:
    found = (at.start() for at in _MP3_LENGTH.finditer(data))
    return any(_MP3_FRAME.search(data, max(0, at - MOST_BEFORE_LENGTH), at) for at in found)


def _frames(files: "Iterable[bytes]", kind: str) -> "Iterator[AudioFrame]":
    """The frames of one or more files; a damaged one loses only what follows the damage."""
    import av

    has_frames, failure = False, None
    for data in files:
        try:
            with _open(data, kind) as source:
                if not source.streams:  # its list of streams is missing
                    raise UnreadableError("nothing in it")
                if not source.streams.audio:
                    raise SilentError("no sound in it")
                if (codec := source.streams.audio[0].codec_context.name) not in CODECS:
                    raise NotSupportedError(f"a sound in {codec}")
                for frame in _decode(source):
                    has_frames = True
                    yield frame
        except (MediaError, av.FFmpegError, EOFError) as exc:
            failure = failure or exc
    if failure is not None and not has_frames:
        raise failure


def _open(data: bytes, kind: str) -> "InputContainer":
    """Open the file as the type of its signature. Files and addresses that it refers to are never opened."""
    import av

    options = {
        "format_whitelist": FORMATS.get(kind, kind),
        "protocol_whitelist": "none",
        "codec_whitelist": ",".join(CODECS),
    }
    return av.open(
        io.BytesIO(data), "r", format=kind, container_options=options, metadata_errors="replace", io_open=_refuse
    )


def _refuse(*_: object) -> Never:
    raise PermissionError("a file that names others")


def voice_note(samples: bytes, *, rate: int = 24_000) -> bytes:
    """A model's speech (16-bit mono samples) as Ogg with Opus, which Telegram shows as a voice message."""
    import av
    from av.audio.frame import AudioFrame

    frame = AudioFrame(format="s16", layout="mono", samples=len(samples) // 2)
    frame.planes[0].update(samples[: len(samples) // 2 * 2].ljust(frame.planes[0].buffer_size, b"\0"))
    frame.sample_rate = rate
    written = io.BytesIO()
    with av.open(written, "w", format="ogg") as target:
        _encode(iter([frame]), target, "libopus", OPUS_RATE, OPUS_BITS)
    return written.getvalue()


def _decode(source: "InputContainer") -> "Iterator[AudioFrame]":
    """The frames of the first audio stream; a damaged packet is skipped."""
    import av

    for packet in source.demux(source.streams.audio[0]):
        try:
            yield from packet.decode()
        except av.InvalidDataError:
            continue


def _limit(frames: "Iterable[AudioFrame]", most_seconds: float, reach: _Reach) -> "Iterator[AudioFrame]":
    """Pass frames on, and raise TooLongError beyond the limit, whatever duration the file states."""
    seconds = 0.0
    for frame in frames:
        lasts = frame.samples / frame.sample_rate
        seconds += lasts
        if seconds > most_seconds:
            raise TooLongError(f"more than {most_seconds:.0f} s")
        reach.seconds = max(reach.seconds, seconds, (frame.time or 0.0) + lasts)
        yield frame


def _encode(frames: "Iterable[AudioFrame]", target: "OutputContainer", codec: str, rate: int, bits: int) -> float:
    """Encode frames in mono; returns the duration in seconds."""
    from av import AudioStream

    stream = target.add_stream(codec, rate=rate, layout="mono")
    assert isinstance(stream, AudioStream), "the codecs are those of sounds"
    stream.bit_rate = bits
    seconds = 0.0
    for frame in _resample(frames, rate):
        seconds += frame.samples / frame.sample_rate
        frame.pts = None  # gaps and jumps of the source aren't kept
        target.mux(stream.encode(frame))
    target.mux(stream.encode(None))
    return seconds


def _resample(frames: "Iterable[AudioFrame]", rate: int) -> "Iterator[AudioFrame]":
    """Resample frames to mono at one rate; the format may change on the way, as in joined recordings."""
    from av import AudioResampler

    resampler, shape = None, None
    for frame in frames:
        found = (frame.format.name, frame.layout.name, frame.sample_rate)
        if resampler is None or shape != found:
            if resampler is not None:
                yield from resampler.resample(None)
            resampler, shape = AudioResampler("s16", "mono", rate), found
        frame.pts = None
        yield from resampler.resample(frame)
    if resampler is not None:
        yield from resampler.resample(None)
