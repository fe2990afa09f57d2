"""What owners do in their private chat: see who has access, give it, take it away, and write to everybody."""

import pytest

from bot.handlers.membership import FOR_OWNERS
from sandbox.botapi import Chat, Entity, Message, User
from sandbox.model import Say
from tests.e2e.conftest import PATIENCE_S, Stage
from tests.e2e.owners import asked, handled, membership, pressed, query
from tests.e2e.quick import hurry as hurry


async def _told(stage: Stage, words: str, reply_to: Message | None = None) -> str:
    """What the owner is told in answer to a command."""
    before = len(stage.home.replies)
    await stage.ann.say(stage.home, words, reply_to=reply_to)
    return (await stage.replies(before + 1))[before]


def _guest(stage: Stage, name: str) -> tuple[User, Chat]:
    applicant = stage.telegram.user(name, username=name.lower())
    return applicant, stage.telegram.private(applicant)


async def test_users_command_lists_access_and_usage(stage: Stage, hurry: None) -> None:
    """Who has access, since when, granted by whom, and what they used."""
    stage.model.always(Say("fine"))
    await stage.start(ACCESS="approval", OWNER_IDS=str(stage.ann.id), ALLOWED_IDS="7")
    (bob, bobs), (cleo, cleos) = _guest(stage, "Bob"), _guest(stage, "Cleo")
    await bob.say(bobs, "may I?")
    await pressed(stage, stage.ann, await asked(stage, stage.home), "Allow")
    await cleo.say(cleos, "may I?")
    await asked(stage, stage.home)
    for number, words in enumerate(("hello", "how are you?")):
        await bob.say(bobs, words)
        await stage.replies(3 + number, bobs)
    ((used, written),) = query(stage, "SELECT sum(input_tokens), sum(output_tokens) FROM usage")
    listed = await _told(stage, "/users")
    today = query(stage, "SELECT date('now')")[0][0]
    owners, people, waiting = listed.split("\n\n")[1:]
    assert owners == f"Owners\n• {stage.ann.id}: by the settings, 0 tokens in, 0 out"
    assert people.splitlines() == [
        "People",
        "• 7: by the settings, 0 tokens in, 0 out",
        f"• “Bob” · @bob · {bob.id}: since {today}, by “Ann”, {used:,} tokens in, {written:,} out",
    ]
    assert used
    assert waiting.startswith(f"Waiting for an answer\n• “Cleo” · @cleo · {cleo.id}: since {today}")


async def test_a_long_list_is_a_file(stage: Stage, hurry: None) -> None:
    ids = ",".join(str(number) for number in range(1, 200))
    await stage.start(ACCESS="approval", OWNER_IDS=str(stage.ann.id), ALLOWED_IDS=ids)
    await stage.ann.say(stage.home, "/users")
    (sent,) = await stage.home.wait(1, PATIENCE_S)
    assert (sent.text, sent.file_name) == ("Who has access:", "users.txt")
    assert sent.document is not None
    assert "• 199: by the settings" in sent.document.decode()


async def test_allow_and_block_accept_id_username_reply(stage: Stage, hurry: None) -> None:
    await stage.start(ACCESS="approval", OWNER_IDS=str(stage.ann.id))
    (bob, bobs), (cleo, cleos), (dan, dans) = _guest(stage, "Bob"), _guest(stage, "Cleo"), _guest(stage, "Dan")
    assert "Use /allow with an ID" in await _told(stage, "/allow")
    assert "anyone called @bob" in await _told(stage, "/block @bob")
    assert "is an owner" in await _told(stage, f"/block {stage.ann.id}")
    await bob.say(bobs, "may I?")
    question = await asked(stage, stage.home)
    assert await _told(stage, "/allow @BOB") == f"“Bob” ({bob.id}) has access now."
    await stage.home.wait(lambda chat: not any(message.buttons for message in chat.replies), PATIENCE_S)
    assert "You can write" in (await stage.replies(2, bobs))[1]
    assert await _told(stage, "/block", reply_to=question) == f"“Bob” ({bob.id}) is blocked now."
    assert await _told(stage, f"/allow {cleo.id}") == f"{cleo.id} has access now."
    await cleo.say(cleos, "hello")
    await stage.replies(1, cleos)
    origin = {"type": "user", "date": 1, "sender_user": {"id": dan.id, "is_bot": False, "first_name": "Dan"}}
    forwarded = await stage.ann.say(stage.home, "what Dan said", forward_origin=origin)
    await stage.home.wait(lambda chat: chat.replies[-1].id > forwarded.id, PATIENCE_S)
    assert await _told(stage, "/block", reply_to=forwarded) == f"“Dan” ({dan.id}) is blocked now."
    await dan.say(dans, "hello")
    await handled(stage)
    assert dans.replies == []


async def test_help_lists_owner_commands_to_owners_alone(stage: Stage, hurry: None) -> None:
    await stage.start(ACCESS="approval", OWNER_IDS=str(stage.ann.id))
    bob, bobs = _guest(stage, "Bob")
    await _told(stage, f"/allow {bob.id}")
    helped = await _told(stage, "/help")
    assert all(f"\n/{command} " in helped for command in FOR_OWNERS)
    await bob.say(bobs, "/help")
    (others,) = await stage.replies(1, bobs)
    assert not any(f"/{command}" in others for command in FOR_OWNERS)


async def test_owners_commands_are_owners_and_in_private_only(stage: Stage, hurry: None) -> None:
    await stage.start(ACCESS="approval", OWNER_IDS=str(stage.ann.id))
    bob, bobs = _guest(stage, "Bob")
    await _told(stage, f"/allow {bob.id}")
    friends = stage.telegram.group("Friends", [stage.ann, bob])
    membership(stage, stage.ann, friends, "left", "member")
    await stage.replies(1, friends)
    for command in ("/users", "/allow 5", "/block 5", "/broadcast hello"):
        await bob.say(bobs, command)
        await stage.ann.say(friends, command)
    answers = await stage.replies(4, bobs)
    assert {answer[:26] for answer in answers} == {"I don't know that command."}
    await handled(stage)
    assert len(friends.replies) == 1
    menu = await stage.telegram.wait_call(
        "setMyCommands", lambda call: '"chat"' in str(call.params.get("scope")).replace("'", '"'), PATIENCE_S
    )
    assert str(stage.ann.id) in str(menu.params["scope"])
    assert "broadcast" in str(menu.params["commands"])


async def test_confirmed_broadcast_reaches_everybody_with_access(stage: Stage, hurry: None) -> None:
    await stage.start(ACCESS="approval", OWNER_IDS=str(stage.ann.id))
    (bob, bobs), (cleo, cleos), (dan, dans) = _guest(stage, "Bob"), _guest(stage, "Cleo"), _guest(stage, "Dan")
    for applicant, home in ((bob, bobs), (cleo, cleos)):
        await _told(stage, f"/allow {applicant.id}")
        await applicant.say(home, "hello")
        await stage.replies(1, home)
    await dan.say(dans, "may I?")
    await stage.home.wait(lambda chat: "Dan" in chat.replies[-1].text, PATIENCE_S)
    await cleo.block()
    friends = stage.telegram.group("Friends", [stage.ann])
    membership(stage, stage.ann, friends, "left", "member")
    await stage.replies(1, friends)
    assert "Use /broadcast" in await _told(stage, "/broadcast")
    before = len(stage.home.replies)
    await stage.ann.say(stage.home, "/broadcast Tea\nat five!")
    question = (await stage.home.wait(before + 1, PATIENCE_S))[before]
    assert question.text == "Should I send this to 2 chats?\n\nTea\nat five!"
    await pressed(stage, stage.ann, question, "Send it")
    for chat in (bobs, friends):
        assert (await stage.replies(2, chat))[1] == "Tea\nat five!"
    await stage.home.wait(lambda chat: "reached 2 of 2 chats" in chat.replies[-1].text, PATIENCE_S)
    assert [len(chat.replies) for chat in (bobs, cleos, dans, friends)] == [2, 1, 1, 2]


async def test_a_broadcast_keeps_formatting_and_media(stage: Stage, hurry: None) -> None:
    await stage.start(ACCESS="open", OWNER_IDS=str(stage.ann.id))
    bob, bobs = _guest(stage, "Bob")
    await bob.say(bobs, "hello")
    await stage.replies(1, bobs)
    command, bold = {"type": "bot_command", "offset": 0, "length": 10}, {"type": "bold", "offset": 14, "length": 3}
    await stage.ann.say(stage.home, "/broadcast 😀 Tea", entities=[command, bold])
    await pressed(stage, stage.ann, (await stage.home.wait(1, PATIENCE_S))[0], "Send it")
    assert (await stage.replies(2, bobs))[1] == "😀 Tea"
    assert bobs.replies[1].entities == (Entity("bold", 3, 3),)
    await stage.home.wait(lambda chat: "reached 1 of" in chat.replies[-1].text, PATIENCE_S)
    key: dict[str, object] = {
        "venue": {"location": {"longitude": 1.0, "latitude": 2.0}, "title": "Café", "address": "Here"}
    }
    venue = await stage.ann.send(stage.home, key)
    count = len(await stage.home.wait(3, PATIENCE_S))
    await stage.ann.say(stage.home, "/broadcast", reply_to=venue)
    question = (await stage.home.wait(count + 1, PATIENCE_S))[count]
    assert (question.text, question.reply_to) == ("Should I send this message to 2 chats?", venue.id)
    await pressed(stage, stage.ann, question, "Send it")
    await bobs.wait(3, PATIENCE_S)
    copied = next(call for call in stage.telegram.calls if call.method == "copyMessage")
    assert int(str(copied.params["message_id"])) == venue.id


@pytest.mark.long
async def test_a_rich_message_and_a_caption_are_broadcast(stage: Stage, hurry: None) -> None:
    await stage.start(ACCESS="open", OWNER_IDS=str(stage.ann.id))
    bob, bobs = _guest(stage, "Bob")
    await bob.say(bobs, "hello")
    await stage.replies(1, bobs)
    words = ["/broadcast Tea at ", {"type": "url", "text": "home", "url": "https://a.example"}]
    said = await stage.ann.say(stage.home, None, rich_message={"blocks": [{"type": "paragraph", "text": words}]})
    question = (await stage.home.wait(1, PATIENCE_S))[0]
    assert (question.text, question.reply_to) == ("Should I send this message to 1 chat?", said.id)
    await pressed(stage, stage.ann, question, "Send it")
    assert "Tea at" in (await stage.replies(2, bobs))[1]
    [rich] = [call for call in stage.telegram.calls if call.method == "sendRichMessage"]
    assert rich.params["rich_message"] == {"blocks": [{"type": "paragraph", "text": ["Tea at ", words[1]]}]}
    count = len(await stage.home.wait(lambda chat: "reached 1 of" in chat.replies[-1].text, PATIENCE_S))
    cup = {"location": {"longitude": 1.0, "latitude": 2.0}}
    await stage.ann.send(stage.home, {**cup}, "/broadcast Cake")
    assert len(stage.model.requests) == 1
    question = (await stage.home.wait(count + 1, PATIENCE_S))[count]
    await pressed(stage, stage.ann, question, "Send it")
    assert (await stage.replies(3, bobs))[2] == "Cake"


async def test_former_owner_cannot_send_prepared_broadcast(stage: Stage, hurry: None) -> None:
    await stage.start(ACCESS="open", OWNER_IDS=str(stage.ann.id))
    await stage.ann.say(stage.home, "/broadcast Tea at five!")
    (question,) = await stage.home.wait(1, PATIENCE_S)
    await stage.end()
    await stage.start(ACCESS="open", OWNER_IDS="7")
    assert await pressed(stage, stage.ann, question, "Send it") == "Only an owner of this bot can do that."
    assert query(stage, "SELECT state FROM broadcasts") == [("asked",)]
