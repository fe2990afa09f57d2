"""What becomes of an answer that has ended, for each way in which it may end."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

import pytest

from bot.conversation.answer import AnswerInFlight, Interruption, StopOrder
from bot.conversation.prompt_builder import Request
from bot.conversation.turn_result import Charge, TurnResult, notices_of, result_of
from bot.conversation.usage_recorder import CountedRequest
from bot.errors import CannotSee, StreamCut, WrongKey
from bot.language import texts
from bot.llm.interface import Message
from bot.llm.stream_events import Finish, ReasoningDelta, StreamEvent, SwitchedModel, TextDelta, Usage, piece
from storage.records import Chat, ChatKey, ChatSettings, File, FileKind, NewReply, Notice
from tests.conversation.test_answer_basis import contents
from tests.scripted import Script, ScriptedModel, SeenPreview, in_flight, says

HOME = ChatKey(5)
CHAT = Chat(1, HOME, private=True, stamped_at=None)
ASKED = (Message("user", "hello"),)
USED = Usage(10, 0, 2)
FALLBACK = SwitchedModel("other", WrongKey("401"), share=0.5)


def charge(model: str, counted: int, said: int, usage: Usage | None) -> Charge:
    return Charge(CountedRequest(model, counted, said, 3), usage)


async def ended(*scripts: Script, order: StopOrder | None = None, chat: Chat = CHAT) -> AnswerInFlight:
    """An answer to somebody's question, asked with 40 tokens, that has ended."""
    answer, model = in_flight(chat, SeenPreview(message_id=8)), ScriptedModel(list(scripts))
    answer.user_id = 3

    async def work() -> None:
        answer.request = Request(model, ASKED, 40, marked=True, lasting=True, contents=contents())
        try:
            await answer.generation.write(model, ASKED)
        finally:
            if order is not None:
                answer.interrupt(order)

    with suppress(StreamCut):
        await answer.run(work())
    return answer


KEPT = NewReply("Hi", 2, True)
STOP = StopOrder(Interruption.STOPPED, (4,))
BREAKS: Script = [TextDelta("Hi"), StreamCut("gone")]
NO_WORD: Script = [ReasoningDelta("hm"), StreamCut("gone")]
RESULTS: dict[str, tuple[list[Script], StopOrder | None, TurnResult]] = {
    "written": (
        [says("Hi", usage=USED)],
        None,
        TurnResult(reply=KEPT, own=charge("scripted", 40, 2, USED)),
    ),
    "written at the second try": (
        [BREAKS, says("Hi", usage=USED)],
        None,
        TurnResult(reply=KEPT, own=charge("scripted", 40, 2, USED), extra=(charge("scripted", 40, 2, None),)),
    ),
    "written by another model": (
        [[FALLBACK, *says("Hi")]],
        None,
        TurnResult(
            reply=KEPT,
            own=charge("other", 20, 2, None),
            notices=(Notice(HOME, True, texts.BY_FALLBACK.format(model="other")),),
        ),
    ),
    "stopped with text": (
        [BREAKS],
        STOP,
        TurnResult(
            reply=KEPT,
            own=charge("scripted", 40, 2, None),
            extra=(charge("scripted", 40, 2, None),),
            update_ids=(4,),
        ),
    ),
    "stopped before the first word": (
        [NO_WORD],
        STOP,
        TurnResult(
            gives_up=True,
            extra=(charge("scripted", 40, 2, None),) * 2,
            notices=(Notice(HOME, True, texts.STOPPED, edits=8),),
            update_ids=(4,),
        ),
    ),
    "begun again": (
        [BREAKS],
        StopOrder(Interruption.RESTARTED),
        TurnResult(extra=(charge("scripted", 40, 2, None),) * 2),
    ),
    "failed": ([BREAKS], None, TurnResult(extra=(charge("scripted", 40, 2, None),) * 2)),
}


@pytest.mark.parametrize("case", RESULTS)
async def test_result_of_an_ended_answer(case: str) -> None:
    scripts, order, result = RESULTS[case]
    assert result_of(await ended(*scripts, order=order), len) == result


async def test_answer_that_asked_nothing_costs_nothing() -> None:
    answer = in_flight(CHAT)
    answer.stop((4,))
    await answer.run(_nothing())
    assert result_of(answer, len) == TurnResult(
        gives_up=True, notices=(Notice(HOME, True, texts.STOPPED),), update_ids=(4,)
    )


def with_voice(answer: AnswerInFlight) -> None:
    answer.voice = File(FileKind.VOICE, b"ogg")


def without_media(answer: AnswerInFlight) -> None:
    answer.media_refusal = CannotSee("no pictures")


def without_words(answer: AnswerInFlight) -> None:
    answer.left_out = [texts.EARLIER_REFUSED]


def as_it_is(_: AnswerInFlight) -> None: ...


THINKS = replace(CHAT, settings=ChatSettings(show_thinking=True))
THOUGHT = ReasoningDelta(" hm ")
NOTICES: dict[str, tuple[Chat, list[StreamEvent], Callable[[AnswerInFlight], None], list[str]]] = {
    "nothing": (CHAT, [], as_it_is, []),
    "thoughts that are shown": (THINKS, [THOUGHT], as_it_is, ["hm"]),
    "thoughts that are not shown": (CHAT, [THOUGHT], as_it_is, []),
    "a voice message": (CHAT, [], with_voice, [""]),
    "another model": (CHAT, [FALLBACK], as_it_is, [texts.BY_FALLBACK.format(model="other")]),
    "refused words": (CHAT, [], without_words, [texts.EARLIER_REFUSED]),
    "cut by length": (CHAT, piece(finish=Finish.LENGTH), as_it_is, [texts.CUT_BY_LENGTH]),
    "cut by a filter": (CHAT, piece(finish=Finish.FILTER), as_it_is, [texts.CUT_BY_FILTER]),
}


@pytest.mark.parametrize("case", NOTICES)
async def test_what_is_said_besides_the_answer(case: str) -> None:
    chat, events, prepare, told = NOTICES[case]
    answer = await ended([TextDelta("Hi"), *events], chat=chat)
    prepare(answer)
    assert [notice.text for notice in notices_of(answer)] == told


async def test_all_notices_come_in_one_order() -> None:
    answer = await ended([THOUGHT, FALLBACK, TextDelta("Hi"), *piece(finish=Finish.LENGTH)], chat=THINKS)
    for prepare in (with_voice, without_media, without_words):
        prepare(answer)
    first, thought, voice, model, media, words, cut = notices_of(answer, is_first=True)
    assert (first.text, thought.text, thought.quote, voice.file) == (texts.ONE_AT_A_TIME, "hm", True, answer.voice)
    assert (model.text, words.text, cut.text) == (
        texts.BY_FALLBACK.format(model="other"),
        texts.EARLIER_REFUSED,
        texts.CUT_BY_LENGTH,
    )
    assert media.text
    assert [button.data for button in cut.buttons] == ["continue:9"]


async def _nothing() -> None: ...
