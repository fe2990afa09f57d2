"""A picture or a sound that the server refuses, in whatever words, costs itself and not the conversation."""

from collections.abc import Callable

import pytest

from bot.media.sound import voice_note
from sandbox.model import Behaviour, ChatRequest, Fail, Say
from tests.e2e.conftest import Stage
from tests.e2e.quick import hurry as hurry
from tests.media.files import picture, samples
from tests.selection import first

WORDS = (
    "<400> InternalError.Algo.InvalidParameter: Exceeded limit on max bytes per data-uri item : 10485760'.",
    "<400> InternalError.Algo.InvalidParameter: The audio format is illegal and cannot be opened.",
    "<400> InternalError.Algo.InvalidParameter: The media format is not supported or incorrect.",
)
"""Alibaba Cloud Model Studio, "Error codes"."""


@pytest.mark.parametrize(
    "failure", first([*(Fail(400, words) for words in WORDS), Fail(413, "Request Entity Too Large")])
)
@pytest.mark.parametrize("kind", ["voice", "photo"])
async def test_refused_picture_is_dropped_and_rest_answered(
    stage: Stage, hurry: None, kind: str, failure: Fail
) -> None:
    """It is not sent again."""
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


async def test_unrelated_request_error_keeps_the_pictures(stage: Stage, hurry: None) -> None:
    wrong = Fail(400, "parameter.enable_thinking must be set to false for non-streaming calls")
    stage.model.script(wrong, wrong)
    await stage.start()
    await stage.ann.photo(stage.home, picture(), "look")
    assert "refused the request" in (await stage.replies(1))[0]
    await stage.ann.say(stage.home, "and now?")
    await stage.replies(2)
    assert sum(len(message.images) for message in stage.model.requests[-1].messages) == 1


@pytest.mark.parametrize("text", [b"v=0\r\nm=audio 9 RTP/AVP 0\r\n", b"ffconcat version 1.0\nfile keepsake.db\n"])
async def test_text_sent_as_voice_is_refused_clearly(stage: Stage, hurry: None, text: bytes) -> None:
    await stage.start(OPENAI_MODEL="qwen3-omni-flash")
    await stage.ann.voice(stage.home, text, 1)
    assert "may be damaged" in (await stage.replies(1))[0]
    assert stage.model.requests == []


@pytest.mark.parametrize("later", first([Fail(401, "wrong key"), Fail(402, "no credit"), Fail(404, "no such model")]))
async def test_pictures_come_back_when_the_second_try_fails(stage: Stage, hurry: None, later: Fail) -> None:
    stage.model.script(Fail(400, WORDS[2]), later)
    await stage.start()
    await stage.ann.photo(stage.home, picture(), "look")
    await stage.replies(1)
    assert len(stage.model.requests) == 2
    await stage.ann.say(stage.home, "and now?")
    await stage.replies(2)
    assert sum(len(message.images) for message in stage.model.requests[-1].messages) == 1


def _takes(most: int, refusal: Fail) -> Callable[[ChatRequest], Behaviour]:
    return lambda asked: refusal if sum(len(one.images) for one in asked.messages) > most else Say("fine")


def _shown(request: ChatRequest) -> list[bytes]:
    return [image for message in request.messages for image in message.images]


@pytest.mark.long
@pytest.mark.parametrize(
    ("api", "refusal"),
    first(
        [
            ("chat", Fail(400, "Request contains 4 images, exceeding the maximum of 3 allowed per request")),
            ("chat", Fail(500, "too many pictures")),
            ("responses", Fail(422, "The number of images must not be greater than 3")),
            ("dashscope", Fail(400, "图片数量超过限制，最多支持3张", code="InvalidParameter")),
        ]
    ),
)
async def test_of_too_many_pictures_the_newest_are_shown(stage: Stage, hurry: None, api: str, refusal: Fail) -> None:
    stage.model.answer_with(_takes(3, refusal))
    await stage.start(LLM_API=api, OPENAI_MODEL="qwen3-vl-plus")
    for count, width in enumerate((50, 60, 70, 80), 1):
        await stage.ann.photo(stage.home, picture(width, 40), "look")
        replies = await stage.replies(count if count < 4 else 5)
    assert replies[-2] == "fine"
    assert "oldest" in replies[-1]
    assert len(stage.model.requests) == 5
    assert _shown(stage.model.requests[-1]) == _shown(stage.model.requests[-2])[1:]
    await stage.ann.photo(stage.home, picture(90, 40), "look")
    assert (await stage.replies(6))[-1] == "fine"
    assert len(stage.model.requests) == 6
    assert len(_shown(stage.model.requests[-1])) == 3
