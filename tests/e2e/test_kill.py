"""Killed at any point of a turn, the bot owes nothing after the restart, and nothing comes twice.

Each point is a place where the outside world holds the bot: Telegram or the model has got this far and no further when
the process is killed with SIGKILL.
"""

from collections.abc import Awaitable, Callable

import pytest

from sandbox.botapi import Chat
from sandbox.model import HoldStream, Say
from sandbox.model.behaviour import Behaviour
from sandbox.model.request import ChatRequest
from tests.e2e.conftest import PATIENCE_S, Stage
from tests.selection import some

ANSWER = Say("A fine answer of some seven words.", delay=0.02)
LONG = Say("\n\n".join(f"Paragraph {number} " + "of many words " * 70 for number in range(12)), chunk=500)
"""Some 12,000 characters: three messages."""

Drive = Callable[[Stage], Awaitable[None]]


def _model_held(point: HoldStream) -> Drive:
    async def drive(process: Stage) -> None:
        process.model.script(Say(ANSWER.text, delay=0.02, hold=point))
        await process.ann.say(process.home, "hello")
        await point.reached(PATIENCE_S)

    return drive


def _telegram_held(method: str, moment: str, nth: int = 1, answer: Say = ANSWER) -> Drive:
    async def drive(process: Stage) -> None:
        assert moment in ("before", "after")
        hold = process.telegram.faults.hold(method, "before" if moment == "before" else "after", nth)
        process.model.script(answer)
        await process.ann.say(process.home, "hello")
        await hold.reached(PATIENCE_S)

    return drive


POINTS = {
    "update on its way to the bot": _telegram_held("getUpdates", "after"),
    "model asked": _model_held(HoldStream("headers")),
    "first word": _model_held(HoldStream(1)),
    "middle of the answer": _model_held(HoldStream(4)),
    "end of the answer": _model_held(HoldStream("finish")),
    "draft on its way": _telegram_held("sendMessageDraft", "before"),
    "answer on its way": _telegram_held("sendMessage", "before"),
    "first part of three arrived": _telegram_held("sendMessage", "before", 2, LONG),
    "second part of three arrived": _telegram_held("sendMessage", "before", 3, LONG),
    "draft shown, model at work": _telegram_held("sendMessageDraft", "after", 1, Say(ANSWER.text, delay=0.3)),
}


def _words(chat: Chat) -> list[str]:
    return " ".join(message.text for message in chat.replies).split()


async def _killed_and_started_again(point: str, stage: Stage) -> None:
    stage.model.always(ANSWER)
    await stage.start()
    await POINTS[point](stage)
    await stage.kill()
    await stage.start()
    expected = (LONG if "part" in point else ANSWER).text.split()
    await stage.telegram.changed(lambda: len(_words(stage.home)) >= len(expected), PATIENCE_S)
    assert _words(stage.home) == expected
    await stage.ann.say(stage.home, "and now?")
    await stage.telegram.changed(lambda: len(_words(stage.home)) > len(expected), PATIENCE_S)
    said = [message.content for message in stage.model.requests[-1].messages[1:]]
    assert [str(words).partition("] ")[2] for words in said[:1]] == ["hello"]
    assert str(said[1]).split() == expected
    assert said[2] == "and now?"
    assert len(said) == 3


@pytest.mark.parametrize("point", some(POINTS, 2))
async def test_answer_survives_kill_exactly_once(point: str, process: Stage) -> None:
    """The conversation goes on afterwards."""
    await _killed_and_started_again(point, process)


@pytest.mark.long
async def test_answer_survives_kill_of_separate_program(program: Stage) -> None:
    """The same with a new interpreter for each start, instead of a fork."""
    await _killed_and_started_again("middle of the answer", program)


async def test_complete_answer_is_not_paid_twice(process: Stage) -> None:
    await process.start()
    await _telegram_held("sendMessage", "before")(process)
    await process.kill()
    await process.start()
    assert await process.replies(1) == [ANSWER.text]
    assert len(process.model.requests) == 1


async def test_rest_of_answer_keeps_form_after_kill(process: Stage) -> None:
    answer = Say("| a |\n|---|\n| b |\n\n" + "word " * 8000, chunk=5000)
    await process.start()
    await _telegram_held("sendRichMessage", "before", 2, answer)(process)
    await process.kill()
    await process.start()
    first, second, *_ = await process.home.wait(2, PATIENCE_S)
    assert first.html
    assert "<table>" in first.html
    assert second.html
    assert "word" in second.html


async def test_group_message_in_progress_is_edited_after_kill(process: Stage) -> None:
    """No second message is sent."""
    group = process.telegram.group("Friends", [process.ann])
    hold = HoldStream(6)
    process.model.script(Say(ANSWER.text, delay=0.3, hold=hold))
    process.model.always(ANSWER)
    await process.start(GROUP_TRIGGER="always")
    await process.ann.say(group, "hello")
    (begun,) = await group.wait(1, PATIENCE_S)
    await hold.reached(PATIENCE_S)
    await process.kill()
    await process.start()
    await process.telegram.changed(lambda: group.message(begun.id).text == ANSWER.text, PATIENCE_S)
    assert [message.id for message in group.replies] == [begun.id]


UNCONFIRMED = {
    "quick answer": (1, Say("A fine answer of some seven words.")),
    "beginning of an answer": (1, Say("A fine answer of some seven words.", delay=0.3)),
    "second part of three": (2, LONG),
    "last part": (3, LONG),
}


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("case", some(UNCONFIRMED, 2))
async def test_group_gets_answer_once_despite_kill(case: str, moment: str, process: Stage) -> None:
    """Whether Telegram took the message, or not, is not known to the bot when it dies."""
    group = process.telegram.group("Friends", [process.ann])
    nth, answer = UNCONFIRMED[case]
    hold = process.telegram.faults.hold("sendMessage", "before" if moment == "before" else "after", nth)
    process.model.always(answer)
    await process.start(GROUP_TRIGGER="always")
    await process.ann.say(group, "hello")
    await hold.reached(PATIENCE_S)
    await process.kill()
    await process.ann.say(group, "anyone?")
    await process.start()
    expected = answer.text.split()
    await process.telegram.changed(lambda: len(_words(group)) >= 2 * len(expected), PATIENCE_S)
    assert _words(group) == expected * 2
    assert not any(message.buttons for message in group.replies)


@pytest.mark.parametrize("moment", ["before", "after"])
async def test_group_gets_notice_once_despite_kill(moment: str, process: Stage) -> None:
    group = process.telegram.group("Friends", [process.ann])
    hold = process.telegram.faults.hold("sendMessage", "before" if moment == "before" else "after")
    await process.start(GROUP_TRIGGER="always")
    await process.ann.say(group, "/settings")
    await hold.reached(PATIENCE_S)
    await process.kill()
    await process.start()
    await process.ann.say(group, "hello")

    def both_are_whole(it: Chat) -> bool:  # questions go before notices in groups, so either may be first
        return [bool(one.buttons) == one.text.startswith("The settings") for one in it.replies] == [True, True]

    await group.wait(both_are_whole, PATIENCE_S)


async def test_executed_command_is_answered_but_not_repeated(process: Stage) -> None:
    await process.start()
    await process.ann.say(process.home, "hello")
    await process.replies(1)
    hold = process.telegram.faults.hold("sendMessage")
    await process.ann.say(process.home, "/reset")
    await hold.reached(PATIENCE_S)
    await process.kill()
    await process.ann.say(process.home, "after")
    await process.start()
    replies = await process.replies(3)
    assert replies[1].startswith("Done")
    assert [message.role for message in process.model.requests[-1].messages] == ["system", "user"]


async def test_messages_queued_at_kill_are_answered_in_order(process: Stage) -> None:
    hold = HoldStream("headers")
    process.model.script(Say("held", hold=hold))
    process.model.answer_with(lambda request: Say(f"To: {str(request.messages[-1].content)[-5:]}"))
    await process.start()
    await process.ann.say(process.home, "first")
    await hold.reached(PATIENCE_S)
    await process.ann.say(process.home, "/help")
    await process.ann.say(process.home, "third")
    await process.fetched()
    await process.kill()
    await process.start()
    first, helped, third = await process.replies(3)
    assert first == "To: first"
    assert helped.startswith("Just write")
    assert third == "To: third"


async def test_unconfirmed_send_may_repeat_but_never_vanishes(
    process: Stage,
) -> None:
    """If Telegram took a message but could not say so, it may arrive twice."""
    await process.start()
    await _telegram_held("sendMessage", "after")(process)
    await process.kill()
    await process.start()
    await process.ready()
    await process.telegram.changed(lambda: len(process.home.replies) == 2, PATIENCE_S)
    assert {message.text for message in process.home.replies} == {ANSWER.text}
    assert len(process.model.requests) == 1


async def test_compaction_survives_kill_without_loss(process: Stage) -> None:
    """It is done after the restart."""
    hold, notes = HoldStream("headers"), Say("- Ann sails.")
    compactions: list[ChatRequest] = []

    def answer(request: ChatRequest) -> Behaviour:
        if "Write the notes" not in request.last_words:
            return Say("Yes.")
        compactions.append(request)
        return Say(notes.text, hold=hold) if len(compactions) == 1 else notes

    process.model.answer_with(answer)
    await process.start(CONTEXT_WINDOW="4096", COMPACT_AT="0.6", RECALL_TOKENS="0")
    count = 0
    while not compactions:
        count += 1
        await process.ann.say(process.home, f"{count}: " + "a sentence about the harbour and the ferry there; " * 30)
        await process.replies(count)
    await hold.reached(PATIENCE_S)
    await process.kill()
    await process.start()
    await process.ann.say(process.home, "and now?")
    await process.replies(count + 1)
    while "Ann sails" not in process.model.requests[-1].messages[1].text:
        count += 1
        await process.ann.say(process.home, "and now?")
        await process.replies(count + 1)
    assert len(compactions) == 2
    assert compactions[1].messages[: len(compactions[0].messages) - 1] == compactions[0].messages[:-1]
