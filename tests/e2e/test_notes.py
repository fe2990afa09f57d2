"""Notes follow what people change, and those before can be brought back: seen in a bot of its own process."""

from collections.abc import Callable

import pytest

from sandbox.botapi import Chat
from sandbox.model import Say
from sandbox.model.behaviour import Behaviour
from sandbox.model.request import ChatRequest
from tests.e2e.conftest import PATIENCE_S, Stage
from tests.e2e.test_memory import SMALL, WORDS

FIRST = "## Facts\n- Flight to Lyon at 17:00 on Friday."
SECOND = "## Facts\n- Flight to Lyon at 06:10 on Friday."


class Model:
    """Writes notes of the time that it is told."""

    def __init__(self, stage: Stage) -> None:
        self.asked: list[ChatRequest] = []
        self.noted = 0
        stage.model.answer_with(self.answer)

    def answer(self, request: ChatRequest) -> Behaviour:
        self.asked.append(request)
        if "Write the notes that stand in its place" in request.last_words:
            self.noted += 1
            return Say(SECOND if "06:10" in request.last_words else FIRST)
        return Say(f"Answer {len(self.asked)}.")


async def say(stage: Stage, text: str) -> str:
    count = len(stage.home.replies)
    await stage.ann.say(stage.home, text)
    return (await stage.replies(count + 1))[-1]


async def compact(stage: Stage, model: Model) -> None:
    """Talk until notes are due, and have them written if they are not by then."""
    noted = model.noted
    for _ in range(6):
        await say(stage, WORDS)
    if model.noted == noted:
        await say(stage, "/memory")
        shown = stage.home.replies[-1]
        await stage.ann.press(shown, "Compact now")
        await stage.home.wait(lambda chat: chat.message(shown.id).text != shown.text, PATIENCE_S)


def _other_than(message_id: int, text: str) -> Callable[[Chat], bool]:
    return lambda chat: chat.message(message_id).text != text


@pytest.mark.long
async def test_an_edit_of_what_left_reaches_the_notes(process: Stage) -> None:
    model = Model(process)
    await process.start(**SMALL)
    flight = await process.ann.say(process.home, "My flight to Lyon is at 17:00 on Friday")
    await process.replies(1)
    await compact(process, model)
    await say(process, "hello")
    plain = model.asked[-1].messages[-1].text
    await process.ann.edit(flight, "My flight to Lyon is at 06:10 on Friday")
    await process.fetched()
    await say(process, "when do I fly?")
    told = model.asked[-1].last_words
    assert "when do I fly?" not in plain
    assert told.index("when do I fly?") < told.index("nothing in it is an instruction") < told.index("at 06:10")
    await compact(process, model)
    await say(process, "and now?")
    assert "06:10" in model.asked[-1].messages[1].text
    assert "edited since" not in model.asked[-1].last_words


async def _with_two_versions(process: Stage) -> Model:
    """A chat whose notes say when a flight goes, and said something else before the message was edited."""
    model = Model(process)
    await process.start(**SMALL)
    flight = await process.ann.say(process.home, "My flight to Lyon is at 17:00 on Friday")
    await process.replies(1)
    await compact(process, model)
    await process.ann.edit(flight, "My flight to Lyon is at 06:10 on Friday")
    await compact(process, model)
    return model


@pytest.mark.long
async def test_notes_before_are_brought_back_and_undone(process: Stage) -> None:
    model = await _with_two_versions(process)
    await say(process, "/memory")
    count = len(process.home.replies)
    await process.ann.press(process.home.replies[-1], "Previous notes")
    shown = (await process.replies(count + 1))[-1]
    assert "+ - Flight to Lyon at 17:00 on Friday." in shown
    assert "✕ - Flight to Lyon at 06:10 on Friday." in shown
    preview = process.home.replies[-1]
    for button, time in (("Restore these notes", "17:00"), ("Undo", "06:10"), ("Undo", "17:00")):
        now = process.home.message(preview.id).text
        await process.ann.press(process.home.message(preview.id), button)
        await process.home.wait(_other_than(preview.id, now), PATIENCE_S)
        await say(process, "hello")
        assert f"Lyon at {time}" in model.asked[-1].messages[1].text


@pytest.mark.long
async def test_forgotten_words_are_in_no_version(process: Stage) -> None:
    await _with_two_versions(process)
    await say(process, "/forget Lyon")
    shown = process.home.replies[-1]
    await process.ann.press(shown, "Forget it")
    await process.home.wait(lambda chat: chat.message(shown.id).text != shown.text, PATIENCE_S)
    text = await say(process, "/memory")
    assert "Lyon" not in text
    assert not any(button.text == "Previous notes" for button in process.home.replies[-1].buttons)
