"""/why tells what an answer was based on, and nothing that has been forgotten since."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sandbox.botapi import Chat, Message
from sandbox.model import Cut, Fail, HoldStream, Say
from tests.e2e.conftest import PATIENCE_S, Stage
from tests.e2e.quick import hurry as hurry
from tests.e2e.test_forget import confirm
from tests.e2e.test_memory import NOTES, SMALL, WORDS, Model, compact, say, talk
from tests.e2e.test_tools import ON, call

RECALLING = SMALL | {"RECALL_TOKENS": "600"}
SHORT = {"MEMORY": "truncate", "KEEP_ROUNDS": "1", "COMPACT_AT": "0.05", "GROUP_TRIGGER": "always"}
"""A window that loses its oldest rounds without notes."""
ZOE = "my sister Zoe is allergic to hazelnuts"
ASKED = "What is Zoe allergic to?"


async def asked_about_zoe(stage: Stage) -> Message:
    """What she is allergic to was said long ago, and is asked now; returns the message that said it."""
    told = await stage.ann.say(stage.home, ZOE)
    await stage.replies(1)
    await talk(stage, 6)
    await compact(stage)
    await say(stage, ASKED)
    return told


async def ask(stage: Stage, chat: Chat, text: str, thread: int | None = None, reply_to: int | None = None) -> str:
    count = len(chat.replies)
    await stage.ann.say(chat, text, thread=thread, reply_to=reply_to)
    return (await chat.wait(count + 1, PATIENCE_S))[-1].text


async def test_it_tells_what_was_recalled_kept_and_paid(stage: Stage, hurry: None) -> None:
    Model(stage)
    await stage.start(**RECALLING)
    told = await asked_about_zoe(stage)
    before = len(stage.model.requests)
    why = await say(stage, "/why")
    assert f"to “{ASKED}” was based on:" in why
    assert f"Recalled from earlier:\n\n{datetime.now(UTC):%Y-%m-%d}" in why
    assert f"· Ann\n{ZOE}" in why
    assert re.search(r"In view: \d+ messages since [-\d]+ [:\d]+, out of 15 at the time\.", why)
    assert re.search(r"Notes on what was no longer in view: about \d+ tokens\. /memory", why)
    count = stage.model.counts[-1]
    assert count.cached == 0
    assert f"Tokens in: {count.total:,} · out: " in why
    assert "estimate" not in why
    assert "Cost" not in why
    assert why.endswith("Model: stand-in")
    assert stage.home.replies[-1].reply_to == told.id
    assert len(stage.model.requests) == before


async def test_an_answer_without_recall_says_so(stage: Stage, hurry: None) -> None:
    stage.model.answer_with(lambda _: Say("Yes.", usage=False))
    await stage.start()
    assert await say(stage, "/why") == "I haven't answered anything here yet."
    await say(stage, "hello")
    why = await say(stage, "/why")
    assert "Nothing was recalled from earlier." in why
    assert re.search(r"In view: 1 message since .*, out of 1 at the time\.", why)
    assert "partly an estimate" in why
    assert "Notes" not in why


async def test_a_price_is_told_where_it_is_known(stage: Stage, hurry: None, tmp_path: Path) -> None:
    profiles = tmp_path / "profiles.toml"
    profiles.write_text("[models.stand-in]\nprice_input = 1000.0\nprice_output = 2000.0\n")
    stage.model.answer_with(lambda _: Say("Yes."))
    await stage.start(MODEL_PROFILES=str(profiles))
    await say(stage, "hello")
    price = re.search(r"Cost: ([\d.]+) USD", await say(stage, "/why"))
    assert price is not None
    assert f"Today's cost: {price[1]} USD" in await say(stage, "/usage")


async def test_what_is_forgotten_is_gone_there_too(stage: Stage, hurry: None) -> None:
    Model(stage)
    await stage.start(**RECALLING)
    await asked_about_zoe(stage)
    assert "hazelnuts" in await say(stage, "/why")
    await say(stage, "/forget hazelnuts")
    await confirm(stage)
    why = await say(stage, "/why")
    assert "hazelnuts" not in why
    assert ASKED in why


@pytest.mark.long
async def test_why_shows_past_memory_without_forgotten_parts(stage: Stage, hurry: None) -> None:
    model = Model(stage)
    await stage.start(**SMALL)
    await talk(stage, 6)
    await compact(stage)
    await say(stage, "hello")
    answer = stage.home.replies[-1]
    model.notes = Say("- Bob rows.")
    await talk(stage, 7)
    assert "Bob rows" in await say(stage, "/memory")
    await say(stage, "/why", reply_to=answer.id)
    why = stage.home.replies[-1]

    async def shown() -> str:
        count = len(stage.home.replies)
        await stage.ann.press(why, "Notes at the time")
        return (await stage.replies(count + 1))[-1]

    assert NOTES in await shown()
    await say(stage, "/forget Swordfish")
    await confirm(stage)
    assert "Swordfish" not in await shown()


@pytest.mark.long
async def test_after_a_reset_nothing_is_told_until_undone(stage: Stage, hurry: None) -> None:
    Model(stage)
    await stage.start(**RECALLING)
    await asked_about_zoe(stage)
    answer = stage.home.replies[-1]
    await say(stage, "/reset")
    undo = stage.home.replies[-1]
    assert await say(stage, "/why") == "I haven't answered anything here yet."
    assert "an answer of mine that I remember" in await say(stage, "/why", reply_to=answer.id)
    await stage.ann.press(undo, "Undo")
    await stage.home.wait(lambda chat: chat.message(undo.id).text != undo.text, PATIENCE_S)
    assert ZOE in await say(stage, "/why", reply_to=answer.id)


async def test_a_reply_asks_about_that_answer_whichever_part(stage: Stage, hurry: None) -> None:
    stage.model.script(Say("\n\n".join(["many words " * 150] * 5), chunk=500), Say("Second."))
    await stage.start()
    await stage.ann.say(stage.home, "the first question")
    first, *_, last = await stage.home.wait(3, PATIENCE_S)
    assert await say(stage, "the second question") == "Second."
    assert "“the second question”" in await say(stage, "/why")
    for part in (first, last):
        assert "“the first question”" in await say(stage, "/why", reply_to=part.id)


async def test_why_replying_elsewhere_explains_its_use(stage: Stage, hurry: None) -> None:
    Model(stage)
    await stage.start()
    asked = await stage.ann.say(stage.home, "hello")
    await stage.replies(1)
    await say(stage, "/help")
    for other in (asked.id, stage.home.replies[-1].id):
        assert "an answer of mine that I remember" in await say(stage, "/why", reply_to=other)


@pytest.mark.long
async def test_a_supergroup_has_links(stage: Stage, hurry: None) -> None:
    Model(stage)
    group = stage.telegram.group("Friends", [stage.ann], chat_id=-1001234567890)
    await stage.start(**RECALLING | SHORT)
    told = await stage.ann.say(group, ZOE)
    await group.wait(1, PATIENCE_S)
    for _ in range(8):
        await ask(stage, group, WORDS)
    await ask(stage, group, ASKED)
    why = await ask(stage, group, "/why")
    assert f"· Ann\n{ZOE}" in why
    assert f"\nhttps://t.me/c/1234567890/{told.id}\n" in why
    assert group.replies[-1].reply_to != told.id


@pytest.mark.long
async def test_a_topic_tells_of_its_own_answers_alone(stage: Stage, hurry: None) -> None:
    Model(stage)
    forum = stage.telegram.group("Forum", [stage.ann], forum=True)
    red, blue = forum.topic("Red"), forum.topic("Blue")
    await stage.start(**RECALLING | SHORT)
    told = await stage.ann.say(forum, ZOE, thread=red)
    await forum.wait(1, PATIENCE_S)
    for _ in range(8):
        await ask(stage, forum, WORDS, red)
    await ask(stage, forum, ASKED, red)
    assert await ask(stage, forum, "/why", blue) == "I haven't answered anything here yet."
    name = str(forum.id).removeprefix("-100")
    assert f"\nhttps://t.me/c/{name}/{red}/{told.id}\n" in await ask(stage, forum, "/why", red)


async def test_what_the_model_looked_up_is_told_apart(stage: Stage, hurry: None) -> None:
    Model(stage)
    await stage.start(**ON, **RECALLING)
    await say(stage, "my boat is called Swordfish")
    await talk(stage, 6)
    await compact(stage)
    stage.model.script(Say("One moment.", calls=call("recall", query="boat")), Say("Swordfish!"))
    await say(stage, "hm, well")
    why = await say(stage, "/why")
    assert "Looked up while answering:" in why
    assert "· Ann\nmy boat is called Swordfish" in why
    assert "Recalled" not in why
    total = sum(count.total for count in stage.model.counts[-2:])
    cached = sum(count.cached for count in stage.model.counts[-2:])
    assert f"Tokens in: {total - cached:,} new, {cached:,} from the cache" in why


@pytest.mark.long
async def test_why_omits_lookups_of_a_broken_stream(stage: Stage, hurry: None) -> None:
    Model(stage)
    await stage.start(**ON, **RECALLING)
    await say(stage, "my boat is called Swordfish")
    await talk(stage, 6)
    await compact(stage)
    stage.model.script(
        Say("One moment.", calls=call("recall", query="boat")), Cut("Swordfish and more", after=3), Say("Whatever.")
    )
    assert await say(stage, "hm, well") == "Whatever."
    assert "Nothing was recalled from earlier." in await say(stage, "/why")


async def test_an_answer_anew_has_its_own_record(stage: Stage, hurry: None) -> None:
    stage.model.script(Say("Paris"), Say("Rome"), Say("Roma"))
    await stage.start()
    asked = await stage.ann.say(stage.home, "capital of France?")
    await stage.replies(1)
    await stage.ann.edit(asked, "capital of Italy?")
    await stage.home.wait(lambda chat: chat.replies[0].text == "Rome", PATIENCE_S)
    rome = stage.home.replies[0].id
    assert "“capital of Italy?”" in await say(stage, "/why", reply_to=rome)
    await stage.ann.say(stage.home, "/retry")
    await stage.home.wait(lambda chat: [one.text for one in chat.replies][1:] == ["Roma"], PATIENCE_S)
    assert "“capital of Italy?”" in await say(stage, "/why")


async def test_an_answer_that_failed_leaves_the_one_before(stage: Stage, hurry: None) -> None:
    stage.model.script(Say("Paris"), Fail(401), Fail(401))
    await stage.start()
    await say(stage, "capital of France?")
    await say(stage, "capital of Italy?")
    assert "“capital of France?”" in await say(stage, "/why")


async def test_an_answer_that_was_stopped_has_a_record(stage: Stage, hurry: None) -> None:
    hold = HoldStream(3)
    stage.model.script(Say("one two three four", hold=hold))
    await stage.start()
    await stage.ann.say(stage.home, "count to four")
    await stage.home.wait(lambda chat: chat.draft is not None, PATIENCE_S)
    await stage.ann.say(stage.home, "/stop")
    await stage.replies(1)
    hold.release()
    why = await say(stage, "/why")
    assert "“count to four”" in why
    assert "partly an estimate" in why


async def test_it_is_told_after_a_kill(process: Stage) -> None:
    hold = process.telegram.faults.hold("sendMessage", "before", 1)
    process.model.always(Say("Paris"))
    await process.start()
    await process.ann.say(process.home, "capital of France?")
    await hold.reached(PATIENCE_S)
    await process.kill()
    await process.start()
    await process.replies(1)
    why = await say(process, "/why")
    assert "“capital of France?”" in why
    count = process.model.counts[0]
    assert f"Tokens in: {count.total:,} · out: " in why
    assert len(process.model.requests) == 1


async def test_while_an_answer_is_written_it_waits(stage: Stage, hurry: None) -> None:
    hold = HoldStream(3)
    stage.model.script(Say("one two three four", hold=hold))
    await stage.start()
    await stage.ann.say(stage.home, "count to four")
    await hold.reached(PATIENCE_S)
    await stage.ann.say(stage.home, "/why")
    hold.release()
    answer, why = await stage.replies(2)
    assert answer == "one two three four"
    assert "“count to four”" in why
