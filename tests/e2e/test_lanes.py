"""Order inside a chat, no waiting between chats, and messages that belong together."""

import asyncio
import re
from functools import partial

import pytest

from sandbox.model import ChatRequest, HoldStream, Say
from tests.e2e.conftest import PATIENCE_S, Stage
from tests.selection import first


def _echo(request: ChatRequest) -> Say:
    last = str(request.messages[-1].content)
    return Say(f"You said {' and '.join(re.findall(r'w[0-9]+m[0-9]+', last))}.")


@pytest.mark.parametrize("count", first([15, 50]))
async def test_concurrent_chats_keep_order_and_lose_nothing(stage: Stage, count: int) -> None:
    stage.model.answer_with(_echo)
    people = [stage.telegram.user(f"User {number}") for number in range(count)]
    chats = [stage.telegram.private(person) for person in people]
    await stage.start()
    for message in range(3):
        for number, (person, chat) in enumerate(zip(people, chats, strict=True)):
            await person.say(chat, f"w{number}m{message}")

    def said(number: int) -> list[str]:
        return re.findall(r"w[0-9]+m[0-9]+", " ".join(reply.text for reply in chats[number].replies))

    wanted = [[f"w{number}m{message}" for message in range(3)] for number in range(count)]
    for number in range(count):  # one by one, since all would be read again with whatever happens in any of them
        await stage.telegram.changed(partial(lambda number: len(said(number)) >= 3, number), 40)
    assert [said(number) for number in range(count)] == wanted
    assert stage.model.refused == []


async def test_a_chat_whose_model_hangs_delays_no_other(stage: Stage) -> None:
    hold = HoldStream("headers")
    bob = stage.telegram.user("Bob")
    bobs = stage.telegram.private(bob)
    stage.model.script(Say("late", hold=hold), Say("quick"))
    await stage.start()
    await stage.ann.say(stage.home, "slow one")
    await hold.reached(PATIENCE_S)
    await bob.say(bobs, "quick one")
    assert await stage.replies(1, bobs) == ["quick"]
    assert stage.home.replies == []
    hold.release()
    assert await stage.replies(1) == ["late"]


async def test_messages_during_an_answer_form_one_turn(stage: Stage) -> None:
    hold = HoldStream("finish")
    stage.model.script(Say("one", hold=hold), Say("two"))
    await stage.start()
    await stage.ann.say(stage.home, "first")
    await hold.reached(PATIENCE_S)
    for text in ("second", "third", "fourth"):
        await stage.ann.say(stage.home, text)
    await stage.fetched()
    hold.release()
    assert await stage.replies(2) == ["one", "two"]
    assert stage.model.requests[1].messages[-1].content == "second\nthird\nfourth"


async def test_split_long_paste_becomes_one_message_again(stage: Stage) -> None:
    text = " ".join(f"word{number}" for number in range(2000))
    await stage.start()
    await stage.ann.say(stage.home, text)
    await stage.replies(1)
    assert len(stage.model.requests) == 1
    assert str(stage.model.requests[0].messages[-1].content).partition("] ")[2].split() == text.split()


async def test_forward_joins_the_comment_being_answered(stage: Stage) -> None:
    """The answer to the comment alone is given up."""
    hold = HoldStream("headers")
    stage.model.script(Say("too early", hold=hold), Say("with both"))
    await stage.start()
    await stage.ready()
    await stage.ann.say(stage.home, "what do you think of this?")
    await hold.reached(PATIENCE_S)
    await stage.ann.forward(stage.home, "the moon is made of cheese", "Bob")
    assert await stage.replies(1) == ["with both"]
    await stage.model.wait_abandoned(1)
    content = str(stage.model.requests[1].messages[-1].content)
    assert content.partition("] ")[2].splitlines() == [
        "what do you think of this?",
        "",
        "[forwarded from Bob]",
        "the moon is made of cheese",
        "[end of what was forwarded]",
    ]


@pytest.mark.parametrize("gap", [0.0, 0.005, 0.01, 0.02, 0.05])
async def test_comment_and_forward_form_one_turn_after_gap(stage: Stage, gap: float) -> None:
    """They are one turn whether the forward comes early or late."""
    never = HoldStream("headers")

    def answer(request: ChatRequest) -> Say:
        words = str(request.messages[-1].content)
        return Say("cheese") if "cheese" in words else Say("too early", hold=never)

    stage.model.answer_with(answer)
    await stage.start()
    await stage.ready()
    await stage.ann.say(stage.home, "look at this")
    await asyncio.sleep(gap)
    await stage.ann.forward(stage.home, "the moon is made of cheese", "Bob")
    await stage.telegram.changed(lambda: any("cheese" in reply.text for reply in stage.home.replies), PATIENCE_S)
    assert [reply.text for reply in stage.home.replies] == ["cheese"]


async def test_group_forward_joins_comment_that_calls_bot(stage: Stage) -> None:
    hold = HoldStream("headers")
    group = stage.telegram.group("Friends", [stage.ann])
    stage.model.script(Say("too early", hold=hold), Say("with both"))
    await stage.start()
    await stage.ready()
    await stage.ann.say(group, "@keepsake_sandbox_bot what do you think?")
    await hold.reached(PATIENCE_S)
    await stage.ann.forward(group, "the moon is made of cheese", "Bob")
    (answer,) = await group.wait(1, PATIENCE_S)
    assert answer.text == "with both"
    assert b"cheese" in stage.model.requests[1].body


async def test_group_paste_cut_inside_word_is_joined(stage: Stage) -> None:
    group = stage.telegram.group("Friends", [stage.ann])
    await stage.start(GROUP_TRIGGER="always")
    await stage.ann.say(group, "x" * 5000)
    await group.wait(1, PATIENCE_S)
    assert str(stage.model.requests[0].messages[-1].content).endswith("Ann: " + "x" * 5000)


async def test_each_asker_in_group_gets_quoting_reply(stage: Stage) -> None:
    hold = HoldStream("headers")
    bob = stage.telegram.user("Bob")
    group = stage.telegram.group("Friends", [stage.ann, bob])
    stage.model.script(Say("to Ann", hold=hold), Say("to Bob"), Say("to Ann again"))
    await stage.start(GROUP_TRIGGER="always")
    first = await stage.ann.say(group, "one")
    await hold.reached(PATIENCE_S)
    second = await bob.say(group, "two")
    third = await stage.ann.say(group, "three")
    fourth = await stage.ann.say(group, "four")
    hold.release()
    replies = await group.wait(3, PATIENCE_S)
    await stage.telegram.changed(lambda: group.replies[-1].text == "to Ann again", PATIENCE_S)
    assert [reply.reply_to for reply in replies] == [first.id, second.id, fourth.id]
    contents = [str(request.messages[-1].content).partition("] ")[2] for request in stage.model.requests[:1]]
    assert contents == ["Ann: one"]
    assert stage.model.requests[1].messages[-1].content == "Bob: two"
    assert stage.model.requests[2].messages[-1].content == "Ann: three\nAnn: four"
    assert third.id < fourth.id


async def test_group_answers_only_when_bot_is_called(stage: Stage) -> None:
    group = stage.telegram.group("Friends", [stage.ann])
    await stage.start()
    await stage.ann.say(group, "nobody in particular")
    await stage.ann.say(group, "@keepsake_sandbox_bot hello")
    (answer,) = await group.wait(1, PATIENCE_S)
    await stage.ann.say(group, "and you?", reply_to=answer)
    await group.wait(2, PATIENCE_S)
    assert len(stage.model.requests) == 2


async def test_unparseable_update_does_not_block_others(process: Stage) -> None:
    await process.start()
    process.telegram.push_update({"message": {"message_id": "not a number at all", "chat": []}})
    await process.ann.say(process.home, "hello")
    await process.replies(1)
    assert "can't be parsed" in process.log()
