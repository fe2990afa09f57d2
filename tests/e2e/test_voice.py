"""Voice messages to the bot, and of the bot."""

import io
import json
from typing import Any

import av
import pytest

from bot.inbound.unchanged import RecentMessages
from bot.media.sound import voice_note
from sandbox.botapi import sent_media
from sandbox.model import Fail, Say
from tests.e2e.conftest import Stage
from tests.e2e.groups import group
from tests.e2e.quick import hurry as hurry
from tests.e2e.test_settings import choose
from tests.media.files import picture, recorded, samples, wav
from tests.selection import first


async def test_a_model_that_hears_gets_the_sound(stage: Stage, hurry: None) -> None:
    await stage.start(OPENAI_MODEL="qwen3-omni-flash")
    await stage.ann.voice(stage.home, voice_note(samples(1.0)), 12)
    await stage.replies(1)
    [message] = [one for one in stage.model.requests[0].messages if one.role == "user"]
    assert [part["type"] for part in json.loads(message.raw)["content"]] == ["input_audio", "text"]
    assert message.text.endswith("[voice message, 0:12]")
    assert _seconds(message.sounds[0]) == pytest.approx(1.0, abs=0.2)


async def test_where_nobody_can_listen_the_user_is_told(stage: Stage, hurry: None) -> None:
    await stage.start(OPENAI_MODEL="qwen-plus")
    await stage.ann.voice(stage.home, voice_note(samples(1.0)), 12)
    assert "can't listen" in (await stage.replies(1))[0]
    assert stage.model.requests == []


async def test_transcript_is_quoted_answered_and_kept(stage: Stage, hurry: None) -> None:
    stage.model.transcriptions.script("Do you remember\nthe whisk?")
    await stage.start(OPENAI_MODEL="qwen-plus", TRANSCRIPTION_MODEL="whisper-1")
    spoken = await stage.ann.voice(stage.home, voice_note(samples(1.0)), 12)
    quote, _ = await stage.replies(2)
    assert quote == "Do you remember\nthe whisk?"
    shown = stage.home.replies[0]
    assert shown.reply_to in (None, spoken.id)
    assert [entity.type for entity in shown.entities] == ["expandable_blockquote"]
    [heard] = stage.model.transcriptions.requests
    assert (heard.model, heard.name) == ("whisper-1", "voice.mp3")
    assert _seconds(heard.sound) == pytest.approx(1.0, abs=0.2)
    await stage.ann.say(stage.home, "well?")
    await stage.replies(3)
    first, second = stage.model.requests
    assert first.last_words.endswith("[voice message, 0:12]\nDo you remember\nthe whisk?")
    assert second.messages[1].raw == first.messages[1].raw
    assert b"audio" not in first.body


@pytest.mark.parametrize("restarted", [False, True])
async def test_a_reaction_has_nothing_written_down_again(
    stage: Stage, hurry: None, monkeypatch: pytest.MonkeyPatch, restarted: bool
) -> None:
    if restarted:  # then what was heard lately is known by the transcript alone
        monkeypatch.setattr(RecentMessages, "knows", lambda *_: False)
    stage.model.transcriptions.script("hello there", "hello again")
    await stage.start(OPENAI_MODEL="qwen-plus", TRANSCRIPTION_MODEL="whisper-1")
    spoken = await stage.ann.voice(stage.home, voice_note(samples(0.3)), 1)
    await stage.replies(2)
    await stage.ann.react(spoken)
    await stage.ann.say(stage.home, "well?")
    await stage.replies(3)
    assert len(stage.model.transcriptions.requests) == 1
    assert len(stage.home.replies) == 3


async def test_new_words_beside_a_sound_cost_no_transcription(stage: Stage, hurry: None) -> None:
    stage.model.transcriptions.script("hello there", "hello again")
    await stage.start(OPENAI_MODEL="qwen-plus", TRANSCRIPTION_MODEL="whisper-1")
    content = sent_media.voice(stage.ann.files, voice_note(samples(0.3)), 1)
    spoken = await stage.ann.send(stage.home, content, "lissen")
    await stage.replies(2)
    await stage.ann.edit(spoken, "listen")
    await stage.ann.say(stage.home, "well?")
    await stage.replies(3)
    assert len(stage.model.transcriptions.requests) == 1
    assert "listen\nhello there" in stage.model.requests[-1].messages[1].content


async def test_what_is_written_down_is_counted(stage: Stage, hurry: None) -> None:
    took = b'"usage": {"input_tokens": 700000, "output_tokens": 7, "input_token_details": {"audio_tokens": 700000}}'
    stage.model.transcriptions.script(Fail(200, body=b'{"text": "hello there", %s}' % took))
    await stage.start(OPENAI_MODEL="qwen-plus", TRANSCRIPTION_MODEL="whisper-1", BUDGET_USER="500k")
    await stage.ann.voice(stage.home, voice_note(samples(0.3)), 1)
    await stage.replies(1)
    await stage.ann.say(stage.home, "/usage")
    told = "\n".join(await stage.replies(3))
    assert "used up your budget" in told
    assert "700,00" in told


@pytest.mark.long
async def test_audio_files_and_round_videos_are_transcribed(stage: Stage, hurry: None) -> None:
    stage.model.transcriptions.script("first words", "second words")
    await stage.start(OPENAI_MODEL="qwen-plus", TRANSCRIPTION_MODEL="whisper-1")
    files, ann = stage.ann.files, stage.ann
    await ann.send(stage.home, sent_media.audio(files, wav(), 1, "Song", "Ann", "song.wav"), "what is this?")
    await stage.replies(2)
    await ann.send(stage.home, sent_media.video_note(files, wav(), 1, picture()))
    await stage.replies(4)
    first, second = stage.model.requests
    assert "first words" in first.last_words
    assert "what is this?" in first.last_words
    assert "second words" in second.last_words


async def test_failed_transcription_is_reported_next_message_answered(stage: Stage, hurry: None) -> None:
    stage.model.transcriptions.script(Fail(401, "Incorrect API key provided."))
    await stage.start(OPENAI_MODEL="qwen-plus", TRANSCRIPTION_MODEL="whisper-1")
    await stage.ann.voice(stage.home, voice_note(samples(0.3)), 1)
    [told] = await stage.replies(1)
    assert "Incorrect" not in told
    assert stage.model.requests == []
    await stage.ann.say(stage.home, "hello?")
    await stage.replies(2)
    assert stage.model.requests[0].last_words.endswith("hello?")


async def test_quoted_voice_message_in_group_is_transcribed(stage: Stage, hurry: None) -> None:
    stage.model.transcriptions.script("the train leaves at nine")
    await stage.start(OPENAI_MODEL="qwen-plus", TRANSCRIPTION_MODEL="whisper-1")
    friends, [ann, bob] = group(stage, "Bob")
    spoken = await bob.voice(friends, voice_note(samples(0.3)), 3)
    await ann.say(friends, "Keepsake, when does it leave?", reply_to=spoken)
    quote, _ = await stage.replies(2, friends)
    assert quote == "the train leaves at nine"
    assert "the train leaves at nine" in stage.model.requests[0].last_words


async def test_chat_can_choose_answers_by_voice(stage: Stage, hurry: None) -> None:
    """The words come with the voice message."""
    stage.model.always(Say("Good morning.", speech=samples(1.0)))
    await stage.start(OPENAI_MODEL="qwen3-omni-flash")
    await stage.ann.say(stage.home, "hello")
    await stage.replies(1)
    await choose(stage, "Voice", "on")
    await stage.ann.say(stage.home, "hello again")
    await stage.replies(4)
    first, second = stage.model.requests
    assert "modalities" not in first.options
    assert second.options["modalities"] == ["text", "audio"]
    words, voice = stage.home.replies[2:]
    assert words.text == "Good morning."
    assert voice.voice is not None
    assert voice.voice.startswith(b"OggS")
    sent = {call.method: call.params.get("disable_notification") for call in stage.telegram.calls}
    assert (sent["sendMessage"], sent["sendVoice"]) == (True, None), "the last of both rings"
    assert _seconds(voice.voice) == pytest.approx(1.0, abs=0.2)
    assert second.messages[:3] == first.messages + second.messages[2:3]


async def test_voice_setting_needs_a_speaking_model(stage: Stage, hurry: None) -> None:
    await stage.start(OPENAI_MODEL="qwen-plus")
    await stage.ann.say(stage.home, "/settings")
    await stage.replies(1)
    assert not any(button.text.startswith("Voice") for button in stage.home.replies[0].buttons)


def _seconds(sound: bytes) -> float:
    with av.open(io.BytesIO(sound), "r") as source:
        return sum(frame.samples / frame.sample_rate for frame in source.decode(source.streams.audio[0]))


@pytest.mark.parametrize(
    ("name", "mime"), first([("song.wav", "audio/x-wav"), ("note.ogg", "application/octet-stream")])
)
async def test_a_sound_sent_as_a_file_is_heard(stage: Stage, hurry: None, name: str, mime: str) -> None:
    stage.model.transcriptions.script("hello there")
    await stage.start(OPENAI_MODEL="qwen-plus", TRANSCRIPTION_MODEL="whisper-1")
    await stage.ann.document(stage.home, wav() if name.endswith("wav") else voice_note(samples(0.5)), name, mime)
    assert (await stage.replies(2))[0] == "hello there"


async def test_large_audio_is_not_called_too_long(stage: Stage, hurry: None) -> None:
    await stage.start(OPENAI_MODEL="qwen3-omni-flash")
    song: Any = sent_media.audio(stage.ann.files, wav(), 180, "Song", "Ann", "song.flac")
    song["audio"]["file_size"] = 25_000_000
    await stage.ann.send(stage.home, song)
    assert "20 MB" in (await stage.replies(1))[0]


async def test_of_a_round_video_one_half_is_enough(stage: Stage, hurry: None) -> None:
    stage.model.transcriptions.script("hello there")
    await stage.start(OPENAI_MODEL="qwen-plus", TRANSCRIPTION_MODEL="whisper-1")
    video: Any = sent_media.video_note(stage.ann.files, wav(), 1, picture())
    video["video_note"]["thumbnail"]["file_id"] = "gone"
    await stage.ann.send(stage.home, video)
    assert (await stage.replies(2))[0] == "hello there"


async def test_a_recording_without_words_is_told(stage: Stage, hurry: None) -> None:
    stage.model.transcriptions.script("")
    await stage.start(OPENAI_MODEL="qwen-plus", TRANSCRIPTION_MODEL="whisper-1")
    await stage.ann.voice(stage.home, voice_note(samples(0.3)), 1)
    assert await stage.replies(1) == ["I couldn't hear any words in that."]
    assert stage.model.requests == []


async def test_voice_message_after_photo_reaches_multimodal_model(stage: Stage, hurry: None) -> None:
    await stage.start(OPENAI_MODEL="qwen3-omni-flash", VISION_MODEL="qwen3-vl-plus")
    await stage.ann.photo(stage.home, picture(), "look")
    await stage.replies(1)
    await stage.ann.voice(stage.home, voice_note(samples(0.3)), 1)
    await stage.replies(2)
    first, second = stage.model.requests
    assert (first.model, second.model) == ("qwen3-vl-plus", "qwen3-omni-flash")
    assert len(second.messages[-1].sounds) == 1


async def test_the_sound_of_a_video_is_heard(stage: Stage, hurry: None) -> None:
    stage.model.transcriptions.script("happy birthday", "")
    await stage.start(OPENAI_MODEL="qwen3-vl-plus", TRANSCRIPTION_MODEL="whisper-1")
    await stage.ann.send(stage.home, sent_media.video(stage.ann.files, picture(), 1, recorded("mp4", "aac")), "look")
    assert (await stage.replies(2))[0] == "happy birthday"
    await stage.ann.send(stage.home, sent_media.video(stage.ann.files, picture(), 1, wav()), "and this?")
    await stage.replies(3)
    assert len(stage.model.requests) == 2
    assert "no words were heard" in stage.model.requests[1].last_words
