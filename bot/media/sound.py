"""Sounds: of any audio or video file to what models hear, and of what models speak to a voice message."""

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.media.errors import MediaError, NotSupportedError, TooLongError, UnreadableError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from av import AudioFrame
    from av.container import InputContainer, OutputContainer

RATE = 16_000
"""Samples a second: speech models work with no more."""
BITS = 48_000
"""A second, of mp3: speech at 16 kHz needs no more."""
OPUS_RATE, OPUS_BITS = 48_000, 32_000


@dataclass(frozen=True, slots=True)
class Sound:
    """A sound as a model gets it: ``mp3``, mono, 16 kHz."""

    data: bytes
    format: str
    seconds: float


def sound(data: bytes, *, most_seconds: float) -> Sound:
    """The sound of an audio or video file. Raises MediaError; TooLongError when it is longer than that."""
    import av

    written = io.BytesIO()
    try:
        with av.open(io.BytesIO(data), "r", metadata_errors="replace") as source:
            if not source.streams.audio:
                raise NotSupportedError("no sound in it")
            frames = _up_to(_decoded(source), most_seconds)
            with av.open(
                written, "w", format="mp3"
            ) as target:  # no tags: what the file was called is nobody's business
                seconds = _encode(frames, target, "libmp3lame", RATE, BITS)
    except MediaError:
        raise
    except (av.FFmpegError, ValueError, OSError, EOFError, IndexError, MemoryError) as exc:
        raise UnreadableError(f"{type(exc).__name__}: {exc}") from exc
    if not seconds:
        raise UnreadableError("nothing to hear in it")
    return Sound(written.getvalue(), "mp3", seconds)


def voice_note(samples: bytes, *, rate: int = 24_000) -> bytes:
    """What a model spoke (16-bit samples, mono) as Ogg with Opus, which Telegram shows as a voice message."""
    import av
    from av.audio.frame import AudioFrame

    frame = AudioFrame(format="s16", layout="mono", samples=len(samples) // 2)
    frame.planes[0].update(samples[: len(samples) // 2 * 2].ljust(frame.planes[0].buffer_size, b"\0"))
    frame.sample_rate = rate
    written = io.BytesIO()
    with av.open(written, "w", format="ogg") as target:
        _encode(iter([frame]), target, "libopus", OPUS_RATE, OPUS_BITS)
    return written.getvalue()


def _decoded(source: "InputContainer") -> "Iterator[AudioFrame]":
    """The frames of the first sound; a damaged packet costs only itself."""
    import av

    for packet in source.demux(source.streams.audio[0]):
        try:
            yield from packet.decode()
        except av.InvalidDataError:
            continue


def _up_to(frames: "Iterable[AudioFrame]", most_seconds: float) -> "Iterator[AudioFrame]":
    """The frames of a sound; one that goes on and on ends in an error, whatever it said of its length."""
    seconds = 0.0
    for frame in frames:
        seconds += frame.samples / frame.sample_rate
        if seconds > most_seconds:
            raise TooLongError(f"more than {most_seconds:.0f} s")
        yield frame


def _encode(frames: "Iterable[AudioFrame]", target: "OutputContainer", codec: str, rate: int, bits: int) -> float:
    """Write the frames in mono; the encoder resamples them. Returns their seconds."""
    from av import AudioStream

    stream = target.add_stream(codec, rate=rate, layout="mono")
    assert isinstance(stream, AudioStream), "the codecs are those of sounds"
    stream.bit_rate = bits
    seconds = 0.0
    for frame in frames:
        seconds += frame.samples / frame.sample_rate
        frame.pts = None  # gaps and jumps of the source are not kept
        target.mux(stream.encode(frame))
    target.mux(stream.encode(None))
    return seconds
