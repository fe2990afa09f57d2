"""A picture or a sound that the server refuses, in whatever words, costs itself and not the conversation."""

import pytest

from bot.media.sound import voice_note
from sandbox.model import Fail, Say
from tests.e2e.conftest import Stage
from tests.e2e.quick import hurry as hurry
from tests.media.files import picture, samples

WORDS = (
    "<400> InternalError.Algo.InvalidParameter: Exceeded limit on max bytes per data-uri item : 10485760'.",
    "<400> InternalError.Algo.InvalidParameter: The audio format is illegal and cannot be opened.",
    "<400> InternalError.Algo.InvalidParameter: The media format is not supported or incorrect.",
)
"""Alibaba Cloud Model Studio, "Error codes"."""


@pytest.mark.parametrize("failure", [*(Fail(400, words) for words in WORDS), Fail(413, "Request Entity Too Large")])
@pytest.mark.parametrize("kind", ["voice", "photo"])
async def test_the_rest_is_answered_and_what_was_refused_is_not_sent_again(
    stage: Stage, hurry: None, kind: str, failure: Fail
) -> None:
    stage.model.answer_with(lambda asked: failure if any(one.media for one in asked.messages) else Say("fine"))
    await stage.start(OPENAI_MODEL="qwen3-omni-flash")
    await stage.ann.say(stage.home, "My slate is called Ben.")
    await stage.replies(1)
    if kind == "voice":
        await stage.ann.voice(stage.home, voice_note(samples(0.3)), 1)
    else:
        await stage.ann.photo(stage.home, picture(), "look")
    answer, told = (await stage.replies(3))[1:]
    assert (answer, "another file" in told or "another one" in told) == ("fine", True)
    count = len(stage.model.requests)
    await stage.ann.say(stage.home, "hello?")
    assert (await stage.replies(4))[-1] == "fine"
    assert len(stage.model.requests) == count + 1
    assert "Ben" in stage.model.requests[-1].messages[1].text


async def test_a_request_that_is_wrong_for_another_reason_leaves_the_pictures_alone(stage: Stage, hurry: None) -> None:
    wrong = Fail(400, "parameter.enable_thinking must be set to false for non-streaming calls")
    stage.model.script(wrong, wrong)
    await stage.start()
    await stage.ann.photo(stage.home, picture(), "look")
    assert "did not accept the request" in (await stage.replies(1))[0]
    await stage.ann.say(stage.home, "and now?")
    await stage.replies(2)
    assert sum(len(message.images) for message in stage.model.requests[-1].messages) == 1


@pytest.mark.parametrize("text", [b"v=0\r\nm=audio 9 RTP/AVP 0\r\n", b"ffconcat version 1.0\nfile keepsake.db\n"])
async def test_a_text_sent_as_voice_is_refused_in_words(stage: Stage, hurry: None, text: bytes) -> None:
    await stage.start(OPENAI_MODEL="qwen3-omni-flash")
    await stage.ann.voice(stage.home, text, 1)
    assert "can't read that kind of file" in (await stage.replies(1))[0]
    assert stage.model.requests == []


@pytest.mark.parametrize("later", [Fail(401, "wrong key"), Fail(402, "no credit"), Fail(404, "no such model")])
async def test_pictures_come_back_when_the_second_try_fails(stage: Stage, hurry: None, later: Fail) -> None:
    stage.model.script(Fail(400, WORDS[2]), later)
    await stage.start()
    await stage.ann.photo(stage.home, picture(), "look")
    await stage.replies(1)
    assert len(stage.model.requests) == 2
    await stage.ann.say(stage.home, "and now?")
    await stage.replies(2)
    assert sum(len(message.images) for message in stage.model.requests[-1].messages) == 1
