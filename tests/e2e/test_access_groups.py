"""A group is let in as a group; the people in it stand for themselves."""

import time

import pytest

from sandbox.botapi import Chat, User
from sandbox.model import HoldStream, Say
from tests.e2e.conftest import PATIENCE_S, Stage
from tests.e2e.groups import user_messages
from tests.e2e.owners import asked, handled, membership, pressed, query
from tests.e2e.quick import hurry as hurry
from tests.selection import first


async def left(stage: Stage, chat: Chat) -> None:
    """Wait until the bot has left a group."""
    await stage.telegram.wait_call("leaveChat", lambda call: call.params["chat_id"] == chat.id and call.ok, PATIENCE_S)


async def test_group_added_by_owner_admits_members_there_only(stage: Stage, hurry: None) -> None:
    """Its members have access in the group, but not in private."""
    await stage.start(ACCESS="approval", OWNER_IDS=str(stage.ann.id))
    bob = stage.telegram.user("Bob")
    bobs, friends = stage.telegram.private(bob), stage.telegram.group("Friends", [stage.ann, bob])
    membership(stage, stage.ann, friends, "left", "member")
    assert "Mention me" in (await stage.replies(1, friends))[0]
    await bob.say(friends, "Keepsake, hello")
    await stage.replies(2, friends)
    await bob.say(bobs, "and here?")
    assert "asked my owner" in (await stage.replies(1, bobs))[0]
    assert len(stage.model.requests) == 1
    assert "Name: “Bob”" in (await asked(stage, stage.home)).text


async def test_group_added_by_another_waits_for_owner(stage: Stage, hurry: None) -> None:
    await stage.start(ACCESS="approval", OWNER_IDS=str(stage.ann.id))
    bob = stage.telegram.user("Bob")
    club = stage.telegram.group("Club", [bob])
    membership(stage, bob, club, "left", "member")
    question = await asked(stage, stage.home)
    assert question.text.splitlines()[2:] == ["Title: “Club”", f"Added by: “Bob”, {bob.id}", f"ID: {club.id}"]
    await bob.say(club, "just talking")
    await handled(stage)
    assert club.replies == []
    for _ in range(2):
        await bob.say(club, "Keepsake, hello")
        await handled(stage)
    assert [message.text for message in await club.wait(1, PATIENCE_S)] == [
        "Hi. I've asked my owner whether I may talk in this group. I'll let you know."
    ]
    assert query(stage, "SELECT (SELECT count(*) FROM turns), (SELECT count(*) FROM chats)") == [(0, 0)]
    await pressed(stage, stage.ann, question, "Allow")
    assert "I can talk in this group now" in (await stage.replies(2, club))[1]
    await bob.say(club, "Keepsake, hello")
    await stage.replies(3, club)
    assert len(stage.model.requests) == 1
    assert "just talking" not in " ".join(user_messages(stage.model.requests[0]))
    assert len([message for message in stage.home.replies if "May I talk" in message.text]) == 1


async def test_bot_leaves_denied_and_blocked_groups(stage: Stage, hurry: None) -> None:
    """It leaves a denied group, and does not stay in a blocked one when it is added again."""
    await stage.start(ACCESS="approval", OWNER_IDS=str(stage.ann.id))
    bob = stage.telegram.user("Bob")
    club, den = stage.telegram.group("Club", [bob]), stage.telegram.group("Den", [bob])
    membership(stage, bob, club, "left", "member")
    await pressed(stage, stage.ann, await asked(stage, stage.home), "Deny")
    await left(stage, club)
    membership(stage, stage.ann, den, "left", "member")
    await stage.replies(1, den)
    await bob.say(den, "Keepsake, hello")
    await stage.replies(2, den)
    await stage.ann.say(stage.home, f"/block {den.id}")
    await left(stage, den)
    stage.telegram.group("Den", [bob])  # the bot is brought in again
    calls = len(stage.telegram.calls)
    membership(stage, bob, den, "left", "member")
    await stage.telegram.changed(
        lambda: any(call.method == "leaveChat" for call in stage.telegram.calls[calls:]), PATIENCE_S
    )
    stage.telegram.group("Den", [bob])
    membership(stage, stage.ann, den, "left", "member")  # by the owner: it is let in again
    await bob.say(den, "Keepsake, are you back?")
    await den.wait(lambda chat: len(chat.replies) >= 3, PATIENCE_S)
    assert len(stage.model.requests) == 2
    assert len(club.replies) == 0


async def test_blocked_person_is_neither_recorded_nor_quoted(stage: Stage, hurry: None) -> None:
    await stage.start(ACCESS="approval", OWNER_IDS=str(stage.ann.id))
    bob = stage.telegram.user("Bob")
    friends = stage.telegram.group("Friends", [stage.ann, bob])
    membership(stage, stage.ann, friends, "left", "member")
    await stage.replies(1, friends)
    await stage.ann.say(stage.home, f"/block {bob.id}")
    await stage.replies(1)
    said = await bob.say(friends, "the swordfish is mine")
    await bob.say(friends, "Keepsake, do you hear me?")
    await bob.say(friends, "/help")
    await stage.ann.say(friends, "nonsense", reply_to=said)
    await handled(stage)
    await stage.ann.say(friends, "Keepsake, what does he mean?", reply_to=said)
    await stage.replies(2, friends)
    (request,) = stage.model.requests
    words = " ".join(user_messages(request))
    assert "swordfish" not in words
    assert "hear me" not in words
    assert "what does he mean?" in words
    assert "nonsense" in words


async def test_deferred_question_quotes_no_blocked_person(stage: Stage, hurry: None) -> None:
    """A question refused by the rate limit and recorded for later leaves out a blocked person's words too."""
    await stage.start(ACCESS="approval", OWNER_IDS=str(stage.ann.id), MESSAGES_PER_MINUTE="1")
    bob, cleo = stage.telegram.user("Bob"), stage.telegram.user("Cleo")
    friends = stage.telegram.group("Friends", [stage.ann, bob, cleo])
    membership(stage, stage.ann, friends, "left", "member")
    await stage.replies(1, friends)
    await stage.ann.say(stage.home, f"/block {bob.id}")
    await stage.replies(1)
    said = await bob.say(friends, "the swordfish is mine")
    await stage.ann.say(friends, "Keepsake, hello")
    await stage.replies(2, friends)
    await stage.ann.say(friends, "Keepsake, what does he mean?", reply_to=said)
    await stage.replies(3, friends)
    await cleo.say(friends, "Keepsake, and I?")
    await stage.replies(4, friends)
    words = " ".join(user_messages(stage.model.requests[-1]))
    assert "what does he mean?" in words
    assert "swordfish" not in words


async def test_blocked_person_adding_bot_decides_nothing(stage: Stage, hurry: None) -> None:
    """Whether the bot stays depends on the group, even if a blocked person adds it."""
    await stage.start(ACCESS="approval", OWNER_IDS=str(stage.ann.id))
    bob = stage.telegram.user("Bob")
    friends, den, other = (stage.telegram.group(name, [stage.ann, bob]) for name in ("Friends", "Den", "Other"))
    membership(stage, stage.ann, friends, "left", "member")
    await stage.replies(1, friends)
    for number in (bob.id, den.id):
        await stage.ann.say(stage.home, f"/block {number}")
    told = len(await stage.replies(2))
    await stage.telegram.wait_call("leaveChat", lambda call: call.params["chat_id"] == den.id, PATIENCE_S)
    left = len(stage.telegram.calls)
    for group in (friends, den, other):
        membership(stage, bob, group, "member", "left")
        membership(stage, bob, group, "left", "member")
    await handled(stage)
    await stage.ann.say(friends, "Keepsake, are you back?")
    await stage.replies(2, friends)
    await stage.telegram.changed(
        lambda: any(call.method == "leaveChat" for call in stage.telegram.calls[left:]), PATIENCE_S
    )
    assert len(stage.home.replies) == told
    assert other.replies == den.replies == []


async def _move(stage: Stage, old: Chat, new: Chat, by: User) -> None:
    """Telegram tells that a group is another one now, in both of them."""
    for name in ("migrate_to_chat_id", "migrate_from_chat_id"):
        _tell_move(stage, old, new, by, name)
        await handled(stage)


def _tell_move(stage: Stage, old: Chat, new: Chat, by: User, name: str) -> None:
    chat, other = (old, new) if name == "migrate_to_chat_id" else (new, old)
    message = {
        "message_id": 800,
        "date": int(time.time()),
        "chat": {"id": chat.id, "type": "supergroup", "title": chat.title},
        "from": {"id": by.id, "is_bot": False, "first_name": by.name},
        name: other.id,
    }
    stage.telegram.push_update({"message": message})


async def _under_way(stage: Stage, chat: Chat, bob: User, words: str, *answers: str) -> HoldStream:
    """An owner's group, in which the answer to Bob's words waits."""
    hold = HoldStream("headers")
    stage.model.script(Say(answers[0], hold=hold), *map(Say, answers[1:]))
    await stage.start(ACCESS="approval", OWNER_IDS=str(stage.ann.id))
    membership(stage, stage.ann, chat, "left", "member")
    await stage.replies(1, chat)
    await bob.say(chat, words)
    await hold.reached(PATIENCE_S)
    return hold


@pytest.mark.parametrize("name", ["migrate_to_chat_id", "migrate_from_chat_id"])
async def test_group_migration_is_known_during_an_answer(stage: Stage, hurry: None, name: str) -> None:
    """The new id has access before the answer under way in the old chat ends."""
    bob = stage.telegram.user("Bob")
    old, new = (stage.telegram.group(title, [stage.ann, bob]) for title in ("Friends", "Friends above"))
    hold = await _under_way(stage, old, bob, "Keepsake, hello", "slow", "quick")
    _tell_move(stage, old, new, bob, name)
    await bob.say(new, "Keepsake, are you there?")
    assert await stage.replies(1, new) == ["quick"]
    assert stage.home.replies == []
    hold.release()
    await handled(stage)
    assert query(stage, "SELECT telegram_id, standing FROM access WHERE telegram_id < 0") == [(new.id, "allowed")]


@pytest.mark.parametrize("told", first(["before", "after"]))
async def test_what_waits_where_a_group_was_is_answered(stage: Stage, hurry: None, told: str) -> None:
    bob = stage.telegram.user("Bob")
    old, new = (stage.telegram.group(title, [stage.ann, bob]) for title in ("Friends", "Friends above"))
    hold = await _under_way(stage, old, bob, "Keepsake, my boat is green", "one", "two")
    await bob.say(old, "Keepsake, which colour?")
    for method in ("sendMessage", "editMessageText"):
        stage.telegram.faults.add(
            method,
            times=100,
            when=lambda call: call["chat_id"] == old.id,
            description="Bad Request: group chat was upgraded to a supergroup chat",
            moved_to=new.id,
        )
    if told == "before":
        _tell_move(stage, old, new, bob, "migrate_to_chat_id")
    hold.release()
    assert await stage.replies(2, new) == ["one", "two"]
    if told == "after":
        _tell_move(stage, old, new, bob, "migrate_to_chat_id")
    await handled(stage)
    assert b"boat is green" in stage.model.requests[1].body
    assert stage.home.replies == []
    assert query(stage, "SELECT telegram_id FROM chats") == [(new.id,)]


async def test_a_group_that_moves_twice_stays_let_in(stage: Stage, hurry: None) -> None:
    bob = stage.telegram.user("Bob")
    one, two, three = (stage.telegram.group(title, [stage.ann, bob]) for title in "ABC")
    hold = await _under_way(stage, one, bob, "Keepsake, hello", "slow", "quick")
    _tell_move(stage, one, two, bob, "migrate_to_chat_id")
    _tell_move(stage, two, three, bob, "migrate_to_chat_id")
    await bob.say(three, "Keepsake, are you there?")
    assert await stage.replies(1, three) == ["quick"]
    hold.release()
    await handled(stage)
    assert query(stage, "SELECT telegram_id, standing FROM access WHERE telegram_id < 0") == [(three.id, "allowed")]
    assert query(stage, "SELECT telegram_id FROM chats WHERE telegram_id < 0") == [(three.id,)]


async def test_group_in_settings_keeps_access_after_migration(stage: Stage, hurry: None) -> None:
    bob = stage.telegram.user("Bob")
    old, new = stage.telegram.group("Friends", [bob]), stage.telegram.group("Friends above", [bob])
    await stage.start(ACCESS="approval", OWNER_IDS=str(stage.ann.id), ALLOWED_IDS=str(old.id))
    await _move(stage, old, new, bob)
    await bob.say(new, "Keepsake, hello")
    await stage.replies(1, new)
    assert len(stage.model.requests) == 1


async def test_supergroup_keeps_the_access_of_its_group(stage: Stage, hurry: None) -> None:
    await stage.start(ACCESS="approval", OWNER_IDS=str(stage.ann.id))
    bob = stage.telegram.user("Bob")
    old = stage.telegram.group("Friends", [stage.ann, bob])
    membership(stage, stage.ann, old, "left", "member")
    await stage.replies(1, old)
    new = stage.telegram.group("Friends above", [stage.ann, bob])
    await bob.say(new, "Keepsake, hello")  # before the move is known
    await stage.replies(1, new)
    await _move(stage, old, new, bob)
    await bob.say(new, "Keepsake, hello again")
    await stage.replies(2, new)
    assert len(stage.model.requests) == 1
    assert query(stage, "SELECT telegram_id, standing FROM access WHERE telegram_id < 0") == [(new.id, "allowed")]
    assert await pressed(stage, stage.ann, await asked(stage, stage.home), "Deny") == (
        "Already decided: allowed by “Ann”."
    )
