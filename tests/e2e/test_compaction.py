"""A long conversation is compacted: rarely, beside the turns, from the cached prefix, and without losing a word."""

import itertools

import pytest

from sandbox.model import Cut, Fail, HoldStream, Say
from sandbox.model.behaviour import Behaviour
from sandbox.model.request import ChatRequest
from tests.e2e.conftest import PATIENCE_S, Stage
from tests.e2e.quick import hurry  # noqa: F401 - a fixture
from tests.selection import first

SMALL = {"CONTEXT_WINDOW": "8192", "COMPACT_AT": "0.5"}
"""Compacted from about 4,100 tokens on, at its cap from 7,000 on."""
INSTRUCTION = "Write the notes that stand in its place"
WORDS = "a sentence about the harbour, the ferry and the weather there; " * 18
"""About 300 tokens."""


def is_compaction(request: ChatRequest) -> bool:
    return INSTRUCTION in request.last_words


class Model:
    """Answers, and writes notes when it is asked for them."""

    def __init__(self, stage: Stage) -> None:
        self.notes: Behaviour = Say("## People\nAnn sails.")
        self.compactions: list[ChatRequest] = []
        self.answers: list[ChatRequest] = []
        self.before_compaction: list[ChatRequest] = []
        stage.model.answer_with(self.answer)

    def answer(self, request: ChatRequest) -> Behaviour:
        if is_compaction(request):
            self.compactions.append(request)
            self.before_compaction.append(self.answers[-1])
            return self.notes
        self.answers.append(request)
        return Say(f"Answer {len(self.answers)}.")


@pytest.fixture
def model(stage: Stage) -> Model:
    return Model(stage)


async def talk(stage: Stage, rounds: int) -> None:
    for _ in range(rounds):
        number = len(stage.home.replies) + 1
        await stage.ann.say(stage.home, f"{number}: {WORDS}")
        await stage.replies(number)


def opening(request: ChatRequest) -> str:
    """The first user message, where the memory is."""
    return request.messages[1].text


def continues(before: ChatRequest, after: ChatRequest) -> bool:
    """Whether a request repeats the one before it, up to the end of the words that were newest there."""
    *shared, newest = before.messages
    return after.messages[: len(shared)] == tuple(shared) and newest.text.startswith(after.messages[len(shared)].text)


async def until_compacted(stage: Stage, model: Model, count: int = 1) -> None:
    for _ in range(40):
        await talk(stage, 1)
        if len(model.compactions) >= count:
            return
    raise AssertionError("never compacted")


async def test_compacted_turns_move_to_memory_and_stay_stored(stage: Stage, model: Model) -> None:
    """What leaves the window is in the memory, and the transcript keeps it."""
    await stage.start(**SMALL)
    await until_compacted(stage, model)
    compaction = model.compactions[0].messages
    # The next turn may have been asked for before the compaction was.
    continued = [one for one in model.answers if compaction[: len(one.messages)] == one.messages]
    before = continued[-1]
    assert [message.role for message in compaction[len(before.messages) :]] == ["assistant", "user"]
    await until_memory(stage, model)
    after = model.answers[-1]
    assert "<memory>" not in opening(before)
    assert len(after.messages) < len(before.messages)
    assert after.messages[1].role == "user"


async def test_requests_between_compactions_share_a_growing_prefix(stage: Stage, model: Model) -> None:
    """Each request continues the one before byte for byte, which is what prompt caches need."""
    await stage.start(**SMALL)
    await until_compacted(stage, model, 3)
    pairs = enumerate(itertools.pairwise(model.answers))
    broken = [number for number, (before, after) in pairs if not continues(before, after)]
    assert 2 <= len(broken) <= 3  # the third one may have been stored by now
    assert min(later - earlier for earlier, later in itertools.pairwise(broken)) > 2
    assert "Ann sails." in opening(model.compactions[2])


async def test_turn_during_compaction_uses_the_current_window(stage: Stage, model: Model) -> None:
    hold = HoldStream("headers")
    model.notes = Say("- Ann sails.", hold=hold)
    await stage.start(**SMALL)
    await until_compacted(stage, model)
    await hold.reached()
    await talk(stage, 1)
    assert "Ann sails." not in opening(model.answers[-1])
    hold.release()
    await until_memory(stage, model)
    assert len(model.compactions) == 1


async def until_memory(stage: Stage, model: Model) -> None:
    for _ in range(10):
        await talk(stage, 1)
        if "Ann sails." in opening(model.answers[-1]):
            return
    raise AssertionError("the memory never came")


@pytest.mark.parametrize(
    "notes",
    first(
        [
            *(Fail(401), Cut("half of the notes")),
            *(Say("   "), Say("far too long " * 400, chunk=100), Say("cut", finish_reason="length")),
        ],
        2,
    ),
    ids=["refused", "broken", "empty", "overlong", "cut by length"],
)
async def test_failed_compaction_changes_nothing_and_waits(stage: Stage, model: Model, notes: Behaviour) -> None:
    """It is not tried again at once."""
    model.notes = notes
    await stage.start(**SMALL)
    await until_compacted(stage, model)
    tries = 2 if isinstance(notes, Cut) or (isinstance(notes, Say) and not notes.text.strip()) else 1
    before = model.answers[-1].messages
    await talk(stage, 2)
    assert model.answers[-1].messages[: len(before)] == before
    assert len(model.compactions) == tries


@pytest.mark.long
async def test_cap_without_summary_drops_oldest_rounds_at_once(stage: Stage, model: Model) -> None:
    """They leave in one step, not one by one."""
    model.notes = Fail(401)
    await stage.start(**SMALL)
    await talk(stage, 26)
    lengths = [len(request.messages) for request in model.answers]
    drops = [number for number, (one, two) in enumerate(itertools.pairwise(lengths)) if two < one]
    assert len(drops) >= 1
    assert all(lengths[number] - lengths[number + 1] >= 4 for number in drops)
    assert stage.model.refused == []


async def test_full_memory_drops_rounds_only_at_cap(stage: Stage, model: Model) -> None:
    await stage.start(**SMALL, MEMORY="full")
    await talk(stage, 26)
    assert model.compactions == []
    lengths = [len(request.messages) for request in model.answers]
    assert 1 <= sum(two < one for one, two in itertools.pairwise(lengths)) <= 2


@pytest.mark.long
async def test_truncating_keeps_the_last_rounds_in_big_steps(stage: Stage, model: Model) -> None:
    await stage.start(MEMORY="truncate", KEEP_ROUNDS="3")
    await talk(stage, 18)
    assert model.compactions == []
    lengths = [len(request.messages) for request in model.answers]
    drops = [number for number, (one, two) in enumerate(itertools.pairwise(lengths)) if two < one]
    assert len(drops) >= 2
    kept = 1 + 2 * 3 + 1
    # The turns that come beside it are answered from the window as it was, and kept.
    assert all(kept <= lengths[number + 1] <= lengths[number] - 2 * 2 for number in drops)
    assert min(later - earlier for earlier, later in itertools.pairwise(drops)) >= 3


async def test_too_long_prompt_is_retried_once_with_less(stage: Stage, model: Model) -> None:
    await stage.start()
    await talk(stage, 8)
    stage.model.script(Fail(400, "This model's maximum context length is 600 tokens", code="context_length_exceeded"))
    await talk(stage, 1)
    assert stage.home.replies[-1].text == "Answer 9."
    assert len(model.answers[-1].messages) < 2 * 8


async def test_message_exceeding_window_is_refused_next_is_answered(stage: Stage, model: Model) -> None:
    await stage.start(**SMALL)
    await talk(stage, 2)
    await stage.ann.say(stage.home, "too much " * 6000)
    replies = await stage.replies(3)
    assert "longer than the model can read" in replies[-1]
    await stage.ann.say(stage.home, "and now?")
    assert (await stage.replies(4))[-1] == "Answer 3."
    assert stage.model.requests[-1].last_words.endswith("and now?")
    await stage.home.wait(4, PATIENCE_S)


async def test_server_refusing_every_length_is_asked_twice(stage: Stage, model: Model) -> None:
    """The next message begins with a fresh window."""
    await stage.start()
    await talk(stage, 3)
    refusal = Fail(400, "Range of input length should be [1, 100]")
    stage.model.script(refusal, refusal)
    await stage.ann.say(stage.home, "one more")
    assert "longer than the model can read" in (await stage.replies(4))[-1]
    await stage.ann.say(stage.home, "and now?")
    await stage.replies(5)
    assert [message.role for message in stage.model.requests[-1].messages] == ["system", "user"]
