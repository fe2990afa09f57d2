"""An answer is tried again once when it breaks, and never waited for without end.

What a model puts before its answer is taken off, however long the answer is.
"""

import asyncio
from time import thread_time

import pytest

from bot.conversation import generation as module
from bot.conversation.generation import Generation
from bot.conversation.speaker_prefix import MOST_BLANKS, SpeakerPrefix
from bot.errors import ContentRefused, EmptyAnswer, NoAnswerInTime, StreamCut, ThoughtsTooLong, WrongKey
from bot.language import texts
from bot.llm.interface import Message
from bot.llm.stream_events import (
    Call,
    ExtraRequest,
    ExtraRequestStarted,
    Finish,
    Finished,
    Queued,
    ReasoningDelta,
    StreamEvent,
    SwitchedModel,
    TextDelta,
    TextRetracted,
    ToolCalls,
    Usage,
    UsageReported,
)
from tests.scripted import Script, ScriptedModel, Seen, says

ASKED = [Message("user", "hello")]
PREFIX = SpeakerPrefix(["Keepsake", "Großer Bär"])


def _draft(*scripts: Script, bound: float = 5.0) -> tuple[Generation, ScriptedModel, Seen]:
    model, seen = ScriptedModel(list(scripts)), Seen()
    return Generation(seen, bound, SpeakerPrefix(["Keepsake"])), model, seen


async def test_answer_is_shown_growing_and_kept_whole() -> None:
    draft, model, seen = _draft(says("Hel", "lo", usage=Usage(9, 3, 2)))
    await draft.write(model, ASKED)
    assert (draft.text, draft.finish, draft.own_request.usage) == ("Hello", Finish.STOP, Usage(9, 3, 2))
    assert seen.texts == ["Hel", "Hello"]


async def test_reasoning_is_shown_as_thinking_and_not_kept() -> None:
    draft, model, seen = _draft([ReasoningDelta("hmm"), *says("Hello")])
    await draft.write(model, ASKED)
    assert draft.text == "Hello"
    assert seen.thought


async def test_broken_stream_starts_over() -> None:
    draft, model, _ = _draft([TextDelta("half"), StreamCut("gone")], says("whole"))
    await draft.write(model, ASKED)
    assert draft.text == "whole"
    assert len(model.requests) == 2


async def test_a_stream_that_breaks_twice_is_told() -> None:
    draft, model, _ = _draft([StreamCut("gone")])
    with pytest.raises(StreamCut):
        await draft.write(model, ASKED)
    assert len(model.requests) == 2


async def test_an_empty_answer_is_asked_for_once_more() -> None:
    draft, model, _ = _draft(says("  "))
    with pytest.raises(EmptyAnswer):
        await draft.write(model, ASKED)
    assert len(model.requests) == 2


async def test_thoughts_without_end_are_paid_for_once() -> None:
    draft, model, _ = _draft([ReasoningDelta("hm"), Finished(Finish.LENGTH)])
    with pytest.raises(ThoughtsTooLong):
        await draft.write(model, ASKED)
    assert len(model.requests) == 1


async def test_filter_before_first_word_fails_at_once() -> None:
    draft, model, _ = _draft([Finished(Finish.FILTER)])
    with pytest.raises(ContentRefused):
        await draft.write(model, ASKED)
    assert len(model.requests) == 1


async def test_other_failures_are_not_tried_again_here() -> None:
    draft, model, _ = _draft([WrongKey("401")])
    with pytest.raises(WrongKey):
        await draft.write(model, ASKED)
    assert len(model.requests) == 1


async def test_silence_is_bounded() -> None:
    draft, model, _ = _draft([asyncio.Event()], bound=0.05)
    with pytest.raises(NoAnswerInTime):
        await draft.write(model, ASKED)


async def test_every_delta_renews_the_bound() -> None:
    draft, model, _ = _draft(says("ready"), bound=0.4)
    script: list[StreamEvent | asyncio.Event] = []
    for word in "abcde":
        pause = asyncio.Event()
        asyncio.get_running_loop().call_later(0.1 * (len(script) / 2 + 1), pause.set)
        script += [pause, TextDelta(word)]
    model.scripts = [[*script, Finished(Finish.STOP)]]
    await draft.write(model, ASKED)
    assert draft.text == "abcde"


async def test_user_sees_that_retries_are_under_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PATIENCE_S", 0.01)
    pause = asyncio.Event()
    asyncio.get_running_loop().call_later(0.1, pause.set)
    draft, model, seen = _draft([pause, *says("at last")])
    await draft.write(model, ASKED)
    assert len(seen.notes) == 1
    assert draft.text == "at last"


@pytest.mark.parametrize(
    "head", ["[Mon 2026-11-23 12:00] Keepsake: ", "Keepsake:\n", "[Mon 2026-11-23 12:00] ", "assistant: "]
)
async def test_imitated_speaker_prefix_is_never_shown(head: str) -> None:
    draft, model, seen = _draft(says(*f"{head}Hello there"))
    await draft.write(model, ASKED)
    assert draft.text == "Hello there"
    assert [text for text in seen.texts if text] == ["Hello there"[:end] for end in range(1, 12)]


@pytest.mark.parametrize("text", ["[1] first", "Keep it", "Ann: says who?", "[a list]", "K"])
async def test_what_only_looks_like_a_head_stays(text: str) -> None:
    draft, model, _ = _draft(says(*text))
    await draft.write(model, ASKED)
    assert draft.text == text


async def test_queued_user_is_notified_and_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PATIENCE_S", 0.001)
    turn = asyncio.Event()
    draft, model, seen = _draft([Queued(waiting=True), turn, Queued(waiting=False), *says("hello")], bound=0.05)
    writing = asyncio.create_task(draft.write(model, ASKED))
    await asyncio.sleep(0.1)  # twice as long as an answer may take
    assert seen.notes == [texts.IN_LINE]
    turn.set()
    await writing
    assert draft.text == "hello"


async def test_zero_output_counts_for_empty_answer() -> None:
    zero = Usage(input=9, cached=0, output=0)
    draft, model, _ = _draft(says("", usage=zero), says("Hello", usage=zero))
    await draft.write(model, ASKED)
    assert draft.own_request.usage is None
    assert [one.usage for one in draft.extra_requests(9, len)] == [zero]


LONG_ENOUGH = Usage(10, 0, 2)
FALLBACK = SwitchedModel("other", WrongKey("401"))
CALLED: Script = [TextDelta("Let me see."), ToolCalls((Call("1", "look", "{}"),))]
COSTS: dict[str, tuple[list[Script], Usage | None, list[ExtraRequest]]] = {
    "one request": ([says("Hi", usage=LONG_ENOUGH)], LONG_ENOUGH, []),
    "nothing is reported": ([says("Hi")], None, []),
    "a stream that broke": ([[TextDelta("half"), StreamCut("gone")], says("Hi")], None, [ExtraRequest(9, 4, None)]),
    "a stream that broke after a report": (
        [[UsageReported(LONG_ENOUGH), TextDelta("half"), StreamCut("gone")], says("Hi")],
        None,
        [ExtraRequest(9, 4, LONG_ENOUGH)],
    ),
    "thoughts that broke off": (
        [[ReasoningDelta("hm"), StreamCut("gone")], says("Hi")],
        None,
        [ExtraRequest(9, 2, None)],
    ),
    "a stream that broke at once": ([[StreamCut("gone")], says("Hi")], None, []),
    "a request after tool calls": (
        [[*CALLED, UsageReported(LONG_ENOUGH), ExtraRequestStarted(30), *says("Hi", usage=Usage(40, 0, 1))]],
        LONG_ENOUGH,
        [ExtraRequest(30, 2, Usage(40, 0, 1))],
    ),
    "what each of two requests said": (
        [[*CALLED, ExtraRequestStarted(30), ReasoningDelta("hm"), *says("Hi")]],
        None,
        [ExtraRequest(30, 4, None)],
    ),
    "another model after tool calls": (
        [[*CALLED, ExtraRequestStarted(30), FALLBACK, *says("Hi")]],
        None,
        [ExtraRequest(30, 2, None, FALLBACK)],
    ),
    "a stream that broke after tool calls": (
        [[*CALLED, ExtraRequestStarted(30), TextDelta("half"), StreamCut("gone")], says("Hi")],
        None,
        [ExtraRequest(9, 11, None), ExtraRequest(30, 4, None)],
    ),
    "a refusal after tool calls": (
        [[*CALLED, ExtraRequestStarted(30), StreamCut("gone")], says("Hi")],
        None,
        [ExtraRequest(9, 11, None)],
    ),
}


@pytest.mark.parametrize("case", COSTS)
async def test_every_request_is_counted_once(case: str) -> None:
    scripts, usage, extra = COSTS[case]
    draft, model, _ = _draft(*scripts)
    await draft.write(model, ASKED)
    assert draft.own_request.usage == usage
    assert draft.extra_requests(9, len) == extra


@pytest.mark.parametrize("case", COSTS)
async def test_unkept_answer_counts_its_own_request(case: str) -> None:
    scripts, usage, extra = COSTS[case]
    draft, model, _ = _draft(*scripts)
    await draft.write(model, ASKED)
    own = draft.own_request
    counted = draft.extra_requests(9, len, kept=False)
    assert len(counted) == len(extra) + 1
    assert ExtraRequest(9, len(own.text + own.reasoning), usage) in counted


async def test_text_around_tool_calls_is_one_answer() -> None:
    draft, model, seen = _draft([*CALLED, ExtraRequestStarted(30), *says("Both", " are here.")])
    await draft.write(model, ASKED)
    assert draft.text == "Let me see.\n\nBoth are here."
    assert seen.texts == ["Let me see.", "Let me see.\n\nBoth", "Let me see.\n\nBoth are here."]


async def test_retracted_text_is_reasoning_of_its_request() -> None:
    """What was said before the tool calls stays."""
    script = [*CALLED, ExtraRequestStarted(30), TextDelta("hm"), TextRetracted(), *says("Hi")]
    draft, model, _ = _draft(script)
    await draft.write(model, ASKED)
    assert (draft.text, draft.reasoning) == ("Let me see.\n\nHi", "hm")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Hello", "Hello"),
        (" Hello", " Hello"),
        ("[Mon 2026-11-23 12:00] Hello", "Hello"),
        ("  [Mon 2026-11-23 12:00]  Keepsake:\n Hello\n", "Hello\n"),
        ("keepsake: Hello: you", "Hello: you"),
        ("GROSSER BÄR: Hello", "Hello"),
        ("Großer Bär: Hello", "Hello"),
        ("[1] is a note", "[1] is a note"),
        ("Keepsake is a word", "Keepsake is a word"),
        (" " * 9 * MOST_BLANKS + "Hello", " " * 9 * MOST_BLANKS + "Hello"),
        ("Keepsake:" + " " * 9 * MOST_BLANKS + "Hello", "Hello"),
    ],
)
def test_a_head_is_taken_off_and_nothing_else(text: str, shown: str) -> None:
    assert PREFIX.strip_from(text) == shown


@pytest.mark.parametrize("head", ["", "[Mon 2026-11-23 12:00] ", "Keepsake: "])
def test_growing_speaker_prefix_is_never_shown(head: str) -> None:
    text = f"{head}Hello"
    grown = [PREFIX.strip_from(text[:end], more=True) for end in range(1, len(text) + 1)]
    assert all("Hello".startswith(shown.strip()) for shown in grown)
    assert grown[-1] == "Hello"


@pytest.mark.parametrize("letter", ["a", "ß", " "])
def test_looking_at_a_long_answer_costs_no_more(letter: str) -> None:
    def took(length: int) -> float:
        text, began = letter * length, thread_time()
        for _ in range(200):
            PREFIX.strip_from(text, more=True)
        return thread_time() - began

    took(1_000)
    assert min(took(1_000_000) for _ in range(3)) < 20 * max(took(2_000), 0.0005)


ENDED: dict[str, tuple[Script, list[ExtraRequest]]] = {
    "before the first word": ([asyncio.Event()], [ExtraRequest(9, 0, None)]),
    "in its thoughts": ([ReasoningDelta("hm"), asyncio.Event()], [ExtraRequest(9, 2, None)]),
    "in a request after tool calls": (
        [*CALLED, ExtraRequestStarted(30), asyncio.Event()],
        [ExtraRequest(9, 11, None), ExtraRequest(30, 0, None)],
    ),
    "while it waited for its turn": ([Queued(waiting=True), asyncio.Event()], []),
}


@pytest.mark.parametrize("case", ENDED)
async def test_cancelled_request_counts_if_it_was_sent(case: str) -> None:
    script, extra = ENDED[case]
    draft, model, _ = _draft(script)
    begun: list[int | None] = []
    writing = asyncio.create_task(draft.write(model, ASKED, begun=begun.append))
    await asyncio.sleep(0.02)
    writing.cancel()
    await asyncio.wait([writing])
    assert draft.extra_requests(9, len, kept=False) == extra
    assert begun == [None, 30][: max(1, len(extra))]
