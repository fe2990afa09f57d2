"""What is in a message that is replied to belongs to whoever sent it, is read whole, and once."""

from bot.media.sound import voice_note
from sandbox.model.request import ChatRequest
from tests.e2e.conftest import Stage
from tests.e2e.groups import group
from tests.e2e.quick import hurry as hurry
from tests.media.files import picture, samples

LONG = "".join(f"Line number {at} of the report.\n" for at in range(600)) + "The code is 4711.\n"
WRITES = {"OPENAI_MODEL": "qwen-plus", "TRANSCRIPTION_MODEL": "whisper-1"}


def _pictures(request: ChatRequest) -> int:
    return sum(len(message.images) for message in request.messages)


async def test_a_document_is_read_whole(stage: Stage, hurry: None) -> None:
    await stage.start(CONTEXT_WINDOW="131072")
    friends, [ann, bob] = group(stage, "Bob")
    report = await bob.document(friends, LONG.encode(), "report.txt")
    await ann.say(friends, "Keepsake, what is the code?", reply_to=report)
    await stage.replies(1, friends)
    words = stage.model.requests[0].last_words
    assert ">   The code is 4711." in words.splitlines()
    assert words.endswith("Ann: Keepsake, what is the code?")


async def test_what_can_not_be_read_is_told(stage: Stage, hurry: None) -> None:
    await stage.start()
    friends, [ann, bob] = group(stage, "Bob")
    program = await bob.document(friends, bytes(range(256)) * 30, "program.exe", "application/octet-stream")
    await ann.say(friends, "Keepsake, what is this?", reply_to=program)
    assert any("can't read that kind" in text for text in await stage.replies(2, friends))


async def test_quoted_recording_is_not_credited_to_asker(stage: Stage, hurry: None) -> None:
    stage.model.transcriptions.script("I hate the boss")
    await stage.start(**WRITES)
    friends, [ann, bob] = group(stage, "Bob")
    spoken = await bob.voice(friends, voice_note(samples(0.3)), 3)
    await ann.say(friends, "Keepsake, what does he say?", reply_to=spoken)
    await stage.replies(2, friends)
    before, asked = stage.model.requests[0].last_words.split("Ann:")
    assert before.rstrip().endswith("> Bob: [voice message, 0:03]\n>   I hate the boss")
    assert "boss" not in asked


async def test_a_recording_is_written_down_once(stage: Stage, hurry: None) -> None:
    stage.model.transcriptions.script("my cat is Mog")
    await stage.start(**WRITES)
    spoken = await stage.ann.voice(stage.home, voice_note(samples(0.3)), 3)
    await stage.replies(2)
    await stage.ann.say(stage.home, "I mean this cat", reply_to=spoken)
    await stage.replies(3)
    assert len(stage.model.transcriptions.requests) == 1


async def test_a_document_in_view_is_not_repeated(stage: Stage, hurry: None) -> None:
    await stage.start(CONTEXT_WINDOW="131072")
    report = await stage.ann.document(stage.home, LONG.encode(), "report.txt", "text/plain", "read it")
    await stage.replies(1)
    await stage.ann.say(stage.home, "how many lines?", reply_to=report)
    await stage.replies(2)
    assert len(stage.model.requests[1].last_words) < 1000


async def test_quoted_picture_is_shown_only_once(stage: Stage, hurry: None) -> None:
    """However often it is asked about."""
    await stage.start()
    friends, [ann, bob] = group(stage, "Bob")
    shown = await bob.photo(friends, picture(), "our cat")
    for at, question in enumerate(("which animal?", "and which colour?"), start=1):
        await ann.say(friends, f"Keepsake, {question}", reply_to=shown)
        await stage.replies(at, friends)
    assert [_pictures(request) for request in stage.model.requests] == [1, 1]
