"""Sounds for models that hear, and from models that speak."""

import io

import av
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.media.media_errors import MediaError, NotSupportedError, TooLargeError, UnreadableError
from bot.media.sound import convert_sound, voice_note
from tests.media.files import picture, recorded, samples, wav


def _told(data: bytes) -> tuple[str, str, int, float]:
    with av.open(io.BytesIO(data), "r") as opened:
        stream = opened.streams.audio[0]
        seconds = sum(frame.samples for frame in opened.decode(stream)) / stream.rate
        return opened.format.name, stream.codec_context.name, stream.channels, seconds


def test_any_sound_becomes_a_small_mp3() -> None:
    for data in (wav(2.0), voice_note(samples(2.0))):
        made = convert_sound(data, most_seconds=60)
        kind, codec, channels, seconds = _told(made.data)
        assert (made.format, kind, channels) == ("mp3", "mp3", 1)
        assert codec.startswith("mp3")
        assert made.seconds == pytest.approx(2.0, abs=0.1)
        assert seconds == pytest.approx(2.0, abs=0.2)
        assert len(made.data) < 16_000


def test_a_spoken_answer_becomes_a_voice_message() -> None:
    kind, codec, channels, seconds = _told(voice_note(samples(1.5)))
    assert (kind, codec, channels) == ("ogg", "opus", 1) or codec == "libopus"
    assert seconds == pytest.approx(1.5, abs=0.1)


def test_a_sound_that_is_too_long_is_told() -> None:
    with pytest.raises(TooLargeError):
        convert_sound(wav(3.0), most_seconds=2)


def test_what_has_no_sound_is_told() -> None:
    with pytest.raises(NotSupportedError):
        convert_sound(picture(kind="GIF", mode="P", color=0), most_seconds=2)


@settings(deadline=None)
@given(st.binary(max_size=300), st.integers(0, 400))
def test_no_bytes_raise_anything_else(data: bytes, at: int) -> None:
    whole = wav(0.05)
    for attempt in (data, whole[:at] + data + whole[at:]):
        try:
            convert_sound(attempt, most_seconds=60)
        except MediaError:
            continue


@pytest.mark.parametrize(
    ("kind", "codec"), [("mp3", "libmp3lame"), ("flac", "flac"), ("webm", "libopus"), ("wav", "pcm_s16le")]
)
def test_a_missing_end_is_noticed(kind: str, codec: str) -> None:
    data = recorded(kind, codec, 3.0)
    assert convert_sound(data, most_seconds=60).whole is None
    made = convert_sound(data[: len(data) // 3], most_seconds=60)
    assert made.seconds < 1.5
    assert made.whole == pytest.approx(3.0, abs=0.1)


def test_unknown_length_in_header_loses_nothing() -> None:
    data = bytearray(wav(2.0, 8000))
    data[4:8] = data[40:44] = b"\xff" * 4
    assert convert_sound(bytes(data), most_seconds=60).whole is None
    assert convert_sound(recorded("mp3", "libmp3lame") * 2, most_seconds=60).whole is None


def test_a_film_without_its_table_is_not_silent() -> None:
    data = recorded("mp4", "aac")
    for missing in range(200, len(data), 700):
        with pytest.raises(UnreadableError):
            convert_sound(data[:-missing], most_seconds=60)


def test_damage_in_the_middle_costs_only_itself() -> None:
    whole = convert_sound(wav(5.0), most_seconds=60).data
    assert convert_sound(whole[:9000] + b"\0" * 3000 + whole[9000:], most_seconds=60).seconds > 4


@pytest.mark.parametrize(("kind", "codec"), [("mp3", "libmp3lame"), ("adts", "aac"), ("ogg", "libopus")])
def test_recordings_that_were_joined_are_heard_whole(kind: str, codec: str) -> None:
    one = recorded(kind, codec, rate=48_000, layout="stereo")
    other = recorded(kind, codec, rate=48_000 if kind == "ogg" else 24_000)
    assert convert_sound(one + other + one, most_seconds=60).seconds == pytest.approx(3.0, abs=0.3)
    assert convert_sound(other + one, most_seconds=60).seconds == pytest.approx(2.0, abs=0.2)
