"""Who may talk to the bot, in a process of its own: killed in the middle of it, and governed from the shell too."""

import asyncio
import re

import pytest

from sandbox.botapi import Chat, Hold, User
from tests.e2e.conftest import PATIENCE_S, Stage
from tests.e2e.owners import asked, claim, codes, handled, membership, query, stale_press


def _guest(stage: Stage, name: str) -> tuple[User, Chat]:
    applicant = stage.telegram.user(name)
    return applicant, stage.telegram.private(applicant)


async def _recorded(stage: Stage, waiting: int) -> None:
    """Wait until the bot knows of all messages but so many that they have arrived."""
    unsent = "SELECT count(*) FROM notices WHERE message_id IS NULL"
    while query(stage, unsent) != [(waiting,)]:  # noqa: ASYNC110 - it shows in the database only
        await asyncio.sleep(0.02)


async def _killed(stage: Stage, held: Hold) -> None:
    """Kill the bot while one message is on its way and all others are known to have arrived, and start it again."""
    await held.reached(PATIENCE_S)
    await _recorded(stage, 1)
    await stage.kill()
    await stage.start()


async def test_access_decision_survives_kill_and_is_announced_once(process: Stage) -> None:
    await process.start(ACCESS="approval")
    await process.ready()
    await claim(process, codes(process.log())[0])
    await _recorded(process, 0)
    await process.kill()
    await process.start()
    await process.ready()
    assert len(codes(process.log())) == 1
    bob, bobs = _guest(process, "Bob")
    held = process.telegram.faults.hold("sendMessage", "before")
    await bob.say(bobs, "may I?")
    await _killed(process, held)
    question = await asked(process, process.home)
    await process.replies(1, bobs)
    held = process.telegram.faults.hold("sendMessage", "before")
    await process.ann.press(question, "Allow")
    await _killed(process, held)
    assert "You can write to me now" in (await process.replies(2, bobs))[1]
    await process.home.wait(lambda chat: not chat.replies[1].buttons, PATIENCE_S)
    assert await stale_press(process, process.ann, question, "block") == "Already decided: allowed by “Ann”."
    await bob.say(bobs, "hello")
    await process.replies(3, bobs)
    assert (len(bobs.replies), len(process.home.replies)) == (3, 2)
    assert len(process.model.requests) == 1
    await process.ann.say(process.home, f"/block {bob.id}")
    await process.replies(3)
    await process.kill()
    await process.start()
    await bob.say(bobs, "hello?")
    await handled(process)
    assert len(bobs.replies) == 3
    assert len(process.model.requests) == 1


@pytest.mark.long
async def test_killed_broadcast_resumes_without_duplicates(process: Stage) -> None:
    guests = [_guest(process, f"Guest {number}") for number in range(5)]
    ids = ",".join(str(applicant.id) for applicant, _ in guests)
    await process.start(ACCESS="approval", OWNER_IDS=str(process.ann.id), ALLOWED_IDS=ids)
    for applicant, home in guests:
        await applicant.say(home, "hello")
    for _, home in guests:
        await process.replies(1, home)
    await process.ann.say(process.home, "/broadcast Tea at five!")
    question = await asked(process, process.home)
    third = process.telegram.faults.hold("sendMessage", "before", 3)
    await process.ann.press(question, "Send it")
    await _killed(process, third)
    await process.home.wait(lambda chat: "reached 5 of 5 chats" in chat.replies[-1].text, PATIENCE_S)
    assert [[message.text for message in home.replies[1:]] for _, home in guests] == [["Tea at five!"]] * 5


async def test_shell_commands_work_with_and_without_bot(process: Stage) -> None:
    """The access commands of the shell work beside a running bot and on the database alone."""
    await process.start(ACCESS="approval", OWNER_IDS=str(process.ann.id))
    (bob, bobs), (cleo, cleos) = _guest(process, "Bob"), _guest(process, "Cleo")
    club = process.telegram.group("Club", [bob])
    membership(process, bob, club, "left", "member")
    await bob.say(bobs, "may I?")
    await asked(process, process.home, 2)
    let_in = await process.shell("allow", str(bob.id))
    assert (let_in.code, let_in.written, let_in.complained) == (0, f"“Bob” ({bob.id}) has access now.\n", "")
    assert "You can write to me now" in (await process.replies(2, bobs))[1]  # within seconds, by the running bot
    await bob.say(bobs, "hello")
    await process.replies(3, bobs)
    assert (await process.shell("block", str(club.id))).code == 0
    await process.telegram.wait_call("leaveChat", lambda call: call.ok, PATIENCE_S)
    await process.home.wait(lambda chat: not any(message.buttons for message in chat.replies), PATIENCE_S)
    ((used, written),) = query(process, "SELECT sum(input_tokens), sum(output_tokens) FROM usage")
    listed = await process.shell("users")
    assert re.search(
        rf"“Bob” · {bob.id}: since [-0-9]+, by the bot's operator, {used:,} tokens in, {written:,} out",
        listed.written,
    )
    assert f"Blocked\n• “Club” · {club.id}" in listed.written
    await process.end()

    assert (await process.shell("block", str(bob.id))).code == 0
    (code,) = codes((await process.shell("owner")).written)
    await process.start()
    await bob.say(bobs, "hello?")
    await cleo.say(cleos, f"/start {code}")
    assert "owner of this bot now" in (await process.replies(1, cleos))[0]
    await handled(process)
    assert len(bobs.replies) == 3
