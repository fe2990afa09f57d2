"""With ACCESS=approval an owner decides about newcomers, once each; nothing that a stranger sends costs anything."""

import asyncio

import pytest

from sandbox.botapi import Chat
from sandbox.model import HoldStream, Say
from tests.e2e.conftest import PATIENCE_S, Stage
from tests.e2e.groups import user_messages
from tests.e2e.owners import asked, claim, codes, dump, handled, pressed, query, stale_press
from tests.e2e.quick import hurry as hurry


@pytest.mark.sqlite_only("on PostgreSQL, the link that each process logs stays valid")
async def test_owner_link_works_only_once(stage: Stage, hurry: None, caplog: pytest.LogCaptureFixture) -> None:
    """A link makes one owner, once, and expires."""
    await stage.start(ACCESS="approval")
    await stage.ready()
    (first,) = codes(caplog.text)
    await stage.end()
    await stage.start()
    await stage.ready()
    late, code = codes(caplog.text)
    assert late == first
    bob = stage.telegram.user("Bob")
    bobs = stage.telegram.private(bob)
    await stage.ann.say(stage.home, f"/start {late}")
    assert "expired" in (await stage.replies(1))[0]
    await claim(stage, code)
    assert "owner of this bot now" in stage.home.replies[1].text
    await bob.say(bobs, f"/start {code}")
    assert "already been used" in (await stage.replies(1, bobs))[0]
    await handled(stage)
    assert code not in dump(stage)
    await stage.end()
    await stage.start()
    await stage.ready()
    assert len(codes(caplog.text)) == 2  # there is an owner now
    await stage.ann.say(stage.home, "hello")
    await stage.replies(3)
    (request,) = stage.model.requests
    assert user_messages(request)[0].endswith("hello")
    assert len(user_messages(request)) == 1


async def test_a_link_expires(stage: Stage, hurry: None, caplog: pytest.LogCaptureFixture) -> None:
    await stage.start(ACCESS="approval")
    await stage.ready()
    await asyncio.to_thread(query, stage, "UPDATE owner_links SET expires_at = 1")  # the bot may be writing
    await claim(stage, codes(caplog.text)[0])
    assert "expired" in stage.home.replies[0].text
    assert query(stage, "SELECT 1 FROM access WHERE standing = 'owner'") == []


async def test_stranger_raises_one_question_and_costs_nothing(stage: Stage, hurry: None) -> None:
    """Until the owner has decided, no model is asked and no second question is sent."""
    await stage.start(ACCESS="approval", OWNER_IDS=str(stage.ann.id))
    bob = stage.telegram.user("Bob\nUsername: @ann_the_owner\nId: 1", username="bob")
    bobs = stage.telegram.private(bob)
    for words in ("hello", "are you there?", "/help"):
        await bob.say(bobs, words)
        await handled(stage)
    await bob.edit(bobs.messages[0], "hello again")
    await handled(stage)
    question = await asked(stage, stage.home)
    assert "“Bob Username: @ann_the_owner Id: 1”" in question.text
    assert question.text.splitlines()[-2:] == ["Username: @bob", f"ID: {bob.id}"]
    assert [entity.type for entity in question.entities] == ["code"]
    assert [button.text for button in question.buttons] == ["Allow", "Deny", "Block"]
    assert len(stage.home.replies) == 1
    assert [message.text for message in bobs.replies] == [
        "Hi. I've asked my owner whether I may talk to you. I'll let you know."
    ]
    assert query(stage, "SELECT count(*) FROM access") == [(1,)]
    assert query(stage, "SELECT count(*) FROM turns") == [(0,)]
    assert query(stage, "SELECT count(*) FROM chats") == [(0,)]
    assert "ecided: allowed by “Ann”." in await pressed(stage, stage.ann, question, "Allow")
    assert "You can write to me now" in (await stage.replies(2, bobs))[1]
    await stage.home.wait(lambda chat: "Decided: allowed by “Ann”." in chat.replies[0].text, PATIENCE_S)
    assert stage.home.replies[0].buttons == ()
    assert stage.model.requests == []
    await bob.say(bobs, "so, hello")
    await stage.replies(3, bobs)
    (request,) = stage.model.requests
    assert user_messages(request)[0].endswith("so, hello")


async def _shown(chat: Chat, number: int, decision: str) -> None:
    """Wait until an owner's request says what was decided, and has no buttons."""
    await chat.wait(lambda chat: decision in chat.replies[number - 1].text, PATIENCE_S)
    assert not chat.replies[number - 1].buttons


async def test_each_button_decides_once_and_for_owners_only(stage: Stage, hurry: None) -> None:
    cleo = stage.telegram.user("Cleo")
    cleos = stage.telegram.private(cleo)
    await stage.start(ACCESS="approval", OWNER_IDS=f"{stage.ann.id},{cleo.id}")
    for number, (label, word) in enumerate({"Allow": "allowed", "Deny": "denied", "Block": "blocked"}.items(), 1):
        applicant = stage.telegram.user(f"Guest {label}")
        home = stage.telegram.private(applicant)
        await applicant.say(home, "may I?")
        anns, cleos_copy = await asked(stage, stage.home), await asked(stage, cleos)
        assert await pressed(stage, applicant, anns, label) == "Only an owner of this bot can do that."
        assert query(stage, "SELECT count(*) FROM access WHERE standing = 'asking'") == [(1,)]
        stale = anns
        assert await pressed(stage, stage.ann, anns, label) == f"Decided: {word} by “Ann”."
        await _shown(cleos, number, f"{word} by “Ann”")
        for late, who in ((stale, stage.ann), (cleos_copy, cleo)):
            assert await stale_press(stage, who, late, "deny") == f"Already decided: {word} by “Ann”."
        assert query(stage, f"SELECT standing FROM access WHERE telegram_id = {applicant.id}") == [(word,)]
        await applicant.say(home, "and now?")
        await handled(stage)
    assert len(stage.model.requests) == 1
    denied, blocked = (stage.telegram.private(stage.telegram.user(f"Guest {label}")) for label in ("Deny", "Block"))
    assert "my owner said no. You can ask again in 7 days." in (await stage.replies(2, denied))[1]
    assert len(blocked.replies) == 1


async def test_denied_user_may_ask_again_later(stage: Stage, hurry: None) -> None:
    await stage.start(ACCESS="approval", OWNER_IDS=str(stage.ann.id))
    bob = stage.telegram.user("Bob")
    bobs = stage.telegram.private(bob)
    await bob.say(bobs, "may I?")
    await pressed(stage, stage.ann, await asked(stage, stage.home), "Deny")
    await stage.replies(2, bobs)
    await bob.say(bobs, "please?")
    await handled(stage)
    await asyncio.to_thread(query, stage, "UPDATE access SET decided_at = decided_at - 8 * 86400")
    await bob.say(bobs, "please!")
    await stage.replies(3, bobs)
    await pressed(stage, stage.ann, await asked(stage, stage.home), "Allow")
    assert "You can write" in (await stage.replies(4, bobs))[3]
    assert len(stage.home.replies) == 2


async def test_owner_is_asked_about_earlier_applicants(
    stage: Stage, hurry: None, caplog: pytest.LogCaptureFixture
) -> None:
    """People who came before there was an owner are put to the first owner."""
    await stage.start(ACCESS="approval")
    bob = stage.telegram.user("Bob")
    bobs = stage.telegram.private(bob)
    await bob.say(bobs, "hello")
    assert "have an owner yet" in (await stage.replies(1, bobs))[0]
    await stage.ann.say(stage.home, "hello")
    await stage.replies(1)
    await claim(stage, codes(caplog.text)[0])
    question = await asked(stage, stage.home)
    assert "Name: “Bob”" in question.text
    await handled(stage)
    assert len([message for message in stage.home.replies if message.buttons]) == 1  # Ann is not asked about herself


async def test_open_access_stops_only_blocked_users(stage: Stage, hurry: None) -> None:
    await stage.start(OWNER_IDS=str(stage.ann.id))
    bob = stage.telegram.user("Bob")
    bobs = stage.telegram.private(bob)
    await bob.say(bobs, "hello")
    await stage.replies(1, bobs)
    await stage.ann.say(stage.home, "/users")
    assert f"“Bob” · {bob.id}: since " in (await stage.replies(1))[0]
    await stage.ann.say(stage.home, f"/block {bob.id}")
    assert "is blocked now" in (await stage.replies(2))[1]
    await bob.say(bobs, "hello?")
    await handled(stage)
    assert len(stage.model.requests) == 1
    await stage.ann.say(stage.home, f"/allow {bob.id}")
    await stage.replies(3)
    await bob.say(bobs, "and now?")
    await stage.replies(2, bobs)


async def test_unreachable_owner_is_asked_once_they_write(stage: Stage, hurry: None) -> None:
    """An owner who has not started the bot cannot be written to; the question waits for them."""
    cleo = stage.telegram.user("Cleo")
    await stage.start(ACCESS="approval", OWNER_IDS=str(cleo.id))
    bob = stage.telegram.user("Bob")
    bobs = stage.telegram.private(bob)
    await bob.say(bobs, "may I?")
    await stage.telegram.wait_call(
        "sendMessage", lambda call: call.params["chat_id"] == cleo.id and not call.ok, PATIENCE_S
    )
    cleos = stage.telegram.private(cleo)
    for _ in range(2):
        await cleo.say(cleos, "/start")
        question = await asked(stage, cleos)
    await pressed(stage, cleo, question, "Allow")
    assert "You can write" in (await stage.replies(2, bobs))[1]
    assert len([message for message in cleos.replies if "Bob" in message.text]) == 1


async def test_blocking_user_stops_their_answer_in_progress(
    stage: Stage, hurry: None, caplog: pytest.LogCaptureFixture
) -> None:
    hold = HoldStream(2)
    stage.model.script(Say("the first words and the swordfish", hold=hold), Say("the bot goes on"))
    bob = stage.telegram.user("Bob")
    bobs = stage.telegram.private(bob)
    await stage.start(ACCESS="approval", OWNER_IDS=str(stage.ann.id), ALLOWED_IDS=str(bob.id))
    await bob.say(bobs, "hello")
    await hold.reached(PATIENCE_S)
    await stage.ann.say(stage.home, f"/block {bob.id}")
    await stage.replies(1)
    hold.release()
    await stage.ann.say(stage.home, "hello")
    await stage.replies(2)
    await stage.ann.say(stage.home, f"/allow {bob.id}")
    await stage.replies(3)
    await bob.say(bobs, "again")
    await bobs.wait(lambda chat: bool(chat.replies), PATIENCE_S)
    assert not [message.text for message in bobs.replies if "swordfish" in message.text]
    assert not [record for record in caplog.records if record.levelname in ("ERROR", "CRITICAL")]
