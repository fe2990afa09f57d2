"""The user-side API over HTTP, with its own client on one side and a bot on the other."""

import httpx
import pytest
from telegram import (
    Bot,
    BotCommand,
    BotCommandScopeAllGroupChats,
    BotCommandScopeChat,
    BotCommandScopeChatAdministrators,
    ForceReply,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    MessageEntity,
)

from sandbox.botapi import BotApi
from sandbox.user_api.client import UserApiError, UserClient
from sandbox.user_api.shapes import ChatView
from tests.sandbox.conftest import connect
from tests.sandbox.user_api.conftest import TOKEN, updates, url_of


async def test_only_those_with_token_may_act(client: UserClient, bot: Bot) -> None:
    url = url_of(bot)
    async with UserClient(url, "wrong") as stranger:
        with pytest.raises(UserApiError, match=r"The token is missing or wrong") as refused:
            await stranger.state()
        assert refused.value.code == 403
    async with httpx.AsyncClient(trust_env=False) as browser:
        rebound = await browser.get(f"{url}/user/state?token={TOKEN}", headers={"Host": "example.com"})
        assert rebound.status_code == 403
    assert (await client.state())["bot"] == {"name": "Keepsake", "username": "keepsake_sandbox_bot"}


async def test_api_is_absent_without_a_token(ann: object) -> None:
    async with BotApi().run() as url, httpx.AsyncClient(trust_env=False) as browser:
        assert (await browser.get(f"{url}/user/state")).status_code == 404


async def test_chats_and_their_last_messages_are_listed(client: UserClient, home: ChatView, bot: Bot) -> None:
    await client.say(home["id"], "Ann", "hi")
    forum = await client.add_chat("forum", "Book club", ["Ann", "Bob"])
    topic = await client.add_topic(forum["id"], "Dune")
    await bot.edit_forum_topic(forum["id"], topic["id"], name="Dune II")
    chats = {chat["title"]: chat for chat in (await client.state())["chats"]}
    assert {title: (chat["type"], chat["people"]) for title, chat in chats.items()} == {
        "Ann": ("private", ["Ann"]),
        "Book club": ("forum", ["Ann", "Bob"]),
    }
    assert chats["Book club"]["topics"] == [{"id": topic["id"], "name": "Dune II"}]
    last = chats["Ann"]["last"]
    assert last is not None
    assert (last["text"], last["from"], last["service"]) == ("hi", {"name": "Ann", "bot": False}, None)
    opened = chats["Book club"]["last"]
    assert opened is not None
    assert opened["service"] == "Ann opened the topic Dune"


async def test_new_group_tells_the_bot(client: UserClient, bot: Bot) -> None:
    made = await client.add_chat("group", "Friends", ["Ann", "Bob"])
    assert (made["bot_is"], made["people"]) == ("member", ["Ann", "Bob"])
    [joined] = await updates(bot)
    assert joined.my_chat_member is not None
    assert joined.my_chat_member.from_user.first_name == "Ann"
    assert joined.my_chat_member.old_chat_member.status == "left"
    assert joined.my_chat_member.new_chat_member.status == "member"
    assert (await client.add_chat("group", "Friends", ["Carol"]))["people"] == ["Ann", "Bob", "Carol"]
    assert await updates(bot) == []
    with pytest.raises(UserApiError, match="Friends is a group") as refused:
        await client.add_chat("forum", "Friends", ["Ann"])
    assert refused.value.code == 409


async def test_words_reach_the_bot_with_entities(client: UserClient, group: ChatView, bot: Bot) -> None:
    said = await client.say(group["id"], "Bob", "/help@keepsake_sandbox_bot see https://example.com")
    assert [entity["type"] for entity in said["entities"]] == ["bot_command", "url"]
    [update] = await updates(bot)
    assert update.message is not None
    assert (update.message.from_user.first_name, len(update.message.entities)) == ("Bob", 2)  # type: ignore[union-attr]  # a person


async def test_long_text_is_split_as_apps_do(client: UserClient, home: ChatView, bot: Bot) -> None:
    last = await client.say(home["id"], "Ann", "word " * 2000)
    assert last["id"] == 3
    assert len((await client.messages(home["id"]))["messages"]) == 3
    with pytest.raises(UserApiError, match="100,000 characters"):
        await client.say(home["id"], "Ann", "x" * 100_001)


async def test_reply_quotes_a_part(client: UserClient, home: ChatView, bot: Bot) -> None:
    sent = await bot.send_message(home["id"], "Ä red or a blue one?")
    said = await client.say(home["id"], "Ann", "this", reply_to=sent.message_id, quote="blue")
    assert said["reply_to"] == {"id": sent.message_id, "from": "Keepsake", "text": "Ä red or a blue one?"}
    assert said["quote"] == "blue"
    [update] = await updates(bot)
    assert update.message is not None
    assert update.message.quote is not None
    assert (update.message.quote.text, update.message.quote.position) == ("blue", 11)
    with pytest.raises(UserApiError, match="part of the message"):
        await client.say(home["id"], "Ann", "this", reply_to=sent.message_id, quote="green")
    with pytest.raises(UserApiError, match="message 99") as missing:
        await client.say(home["id"], "Ann", "this", reply_to=99)
    assert missing.value.code == 404


async def test_own_messages_can_be_edited_and_deleted(client: UserClient, group: ChatView, bot: Bot) -> None:
    said = await client.say(group["id"], "Ann", "helo")
    edited = await client.edit(group["id"], "Ann", said["id"], "hello")
    assert (edited["text"], edited["edits"]) == ("hello", 1)
    assert edited["edited"] is not None
    with pytest.raises(UserApiError, match="Bob can't edit that"):
        await client.edit(group["id"], "Bob", said["id"], "bye")
    with pytest.raises(UserApiError, match="Bob can't delete"):
        await client.delete(group["id"], "Bob", said["id"])
    await client.delete(group["id"], "Ann", said["id"])
    assert (await client.messages(group["id"]))["messages"] == []
    assert [update.edited_message is not None for update in await updates(bot)] == [False, True]


async def test_messages_come_in_pages(client: UserClient, home: ChatView) -> None:
    for number in range(1, 8):
        await client.say(home["id"], "Ann", str(number))

    async def page(**places: int) -> list[int]:
        return [one["id"] for one in (await client.messages(home["id"], **places))["messages"]]

    assert await page() == [1, 2, 3, 4, 5, 6, 7]
    assert await page(limit=2) == [6, 7]
    assert await page(limit=2, before=6) == [4, 5]
    assert await page(limit=2, after=3) == [4, 5]


async def test_topics_are_apart(client: UserClient, bot: Bot) -> None:
    forum = await client.add_chat("forum", "Book club", ["Ann"])
    dune, emma = [(await client.add_topic(forum["id"], name))["id"] for name in ("Dune", "Emma")]
    for topic in (dune, emma, None):
        await client.say(forum["id"], "Ann", f"in {topic}", topic=topic)
    found = [await client.messages(forum["id"], topic=topic) for topic in (dune, emma, 0)]
    words = [[one["text"] for one in page["messages"] if not one["service"]] for page in found]
    assert words == [[f"in {dune}"], [f"in {emma}"], ["in None"]]
    assert all(one["reply_to"] is None for one in found[0]["messages"])
    with pytest.raises(UserApiError, match="no topic 99"):
        await client.say(forum["id"], "Ann", "where?", topic=99)


async def test_buttons_are_pressed_by_position(client: UserClient, home: ChatView, bot: Bot) -> None:
    row = [InlineKeyboardButton("Yes", callback_data="a"), InlineKeyboardButton("Yes", callback_data="b")]
    keyboard = InlineKeyboardMarkup([row, [InlineKeyboardButton("Read", url="https://example.com/")]])
    sent = await bot.send_message(home["id"], "Well?", reply_markup=keyboard)
    [shown] = (await client.messages(home["id"]))["messages"]
    assert shown["buttons"][0] == [{"text": "Yes", "data": "a"}, {"text": "Yes", "data": "b"}]
    pressed = await client.press(home["id"], "Ann", sent.message_id, 1)
    [update] = await updates(bot)
    assert update.callback_query is not None
    assert (update.callback_query.data, update.callback_query.id) == ("b", pressed["query"])
    opened = await client.press(home["id"], "Ann", sent.message_id, 2)
    assert opened == {"query": None, "url": "https://example.com/", "copy": None}
    for index in (-1, 3):
        with pytest.raises(UserApiError, match="no such button") as refused:
            await client.press(home["id"], "Ann", sent.message_id, index)
        assert refused.value.code == 409


async def test_reply_prompt_says_whom_it_asks(client: UserClient, group: ChatView, bot: Bot) -> None:
    asked = await client.say(group["id"], "Bob", "/forget")
    prompt = ForceReply(selective=True, input_field_placeholder="What?")
    await bot.send_message(group["id"], "Forget what?", reply_to_message_id=asked["id"], reply_markup=prompt)
    shown = (await client.messages(group["id"]))["messages"][-1]
    assert (shown["asks"], shown["opened_for"]) == ("What?", ["Bob"])


async def test_reactions_are_kept_by_person(client: UserClient, group: ChatView, bot: Bot) -> None:
    said = await client.say(group["id"], "Ann", "cake!")
    for person, emoji in (("Bob", "👍"), ("Ann", "👍"), ("Ann", "❤")):
        await client.react(group["id"], person, said["id"], emoji)
    [shown] = (await client.messages(group["id"]))["messages"]
    assert shown["reactions"] == [{"emoji": "❤", "people": ["Ann"]}, {"emoji": "👍", "people": ["Bob"]}]
    assert shown["edited"] is None
    await client.react(group["id"], "Ann", said["id"], "")
    [shown] = (await client.messages(group["id"]))["messages"]
    assert shown["reactions"] == [{"emoji": "👍", "people": ["Bob"]}]
    changes = [update.message_reaction for update in await updates(bot) if update.message_reaction]
    assert [len(change.new_reaction) for change in changes] == [1, 1, 1, 0]


async def test_menu_follows_scopes(client: UserClient, home: ChatView, group: ChatView, bot: Bot) -> None:
    await bot.set_my_commands([BotCommand("help", "Help")])
    await bot.set_my_commands([BotCommand("help", "Hilfe")], language_code="de")
    await bot.set_my_commands([BotCommand("users", "People")], scope=BotCommandScopeChat(home["id"]))
    assert await client.commands(group["id"], "Bob") == [{"command": "help", "description": "Help"}]
    await bot.set_my_commands([BotCommand("ask", "Ask")], scope=BotCommandScopeAllGroupChats())
    await bot.set_my_commands([BotCommand("reset", "Reset")], scope=BotCommandScopeChatAdministrators(group["id"]))

    async def menu(chat: ChatView, person: str) -> list[str]:
        return [one["command"] for one in await client.commands(chat["id"], person)]

    assert [await menu(home, "Ann"), await menu(group, "Ann"), await menu(group, "Bob")] == [
        ["users"],
        ["reset"],
        ["ask"],
    ]


async def test_marked_command_is_for_its_sender_alone(client: UserClient, group: ChatView, bot: Bot) -> None:
    await bot.set_my_commands([BotCommand("why", "Why", api_kwargs={"is_ephemeral": True})])
    said = await client.say(group["id"], "Bob", "/why@keepsake_sandbox_bot now")
    assert (said["id"], said["ephemeral_for"]) == (-1, "Keepsake")
    assert [one["id"] for one in (await client.messages(group["id"]))["messages"]] == [-1]
    assert (await client.say(group["id"], "Bob", "/help"))["id"] == 1


async def test_draft_is_stopped(client: UserClient, home: ChatView, bot: Bot) -> None:
    with pytest.raises(UserApiError, match="No answer in progress"):
        await client.stop(home["id"], "Ann")
    bold = [MessageEntity("bold", 0, 4)]
    await bot.send_message_draft(home["id"], 7, "Once", entities=bold, api_kwargs={"can_stop": True})
    draft = (await client.messages(home["id"]))["draft"]
    assert draft is not None
    assert draft["entities"] == [{"type": "bold", "offset": 0, "length": 4}]
    assert (draft["text"], draft["can_stop"]) == ("Once", True)
    with pytest.raises(UserApiError, match="private chat of Ann"):
        await client.stop(home["id"], "Bob")
    await client.stop(home["id"], "Ann")
    [update] = await updates(bot)
    assert update.api_kwargs["stopped_message_generation"]["draft_id"] == 7


async def test_people_act_only_where_they_are(client: UserClient, home: ChatView, group: ChatView) -> None:
    for chat, person, reason in (
        (home, "Bob", "private chat of Ann"),
        (group, "Sam", "Sam is not in Friends"),
        (group, "", "A person's name"),
        (group, "x" * 65, "A person's name"),
    ):
        with pytest.raises(UserApiError, match=reason):
            await client.say(chat["id"], person, "hi")
    with pytest.raises(UserApiError, match="there is no chat 5"):
        await client.say(5, "Ann", "hi")


async def test_bot_can_be_blocked_and_removed(client: UserClient, home: ChatView, group: ChatView, bot: Bot) -> None:
    assert (await client.set_membership(home["id"], "Ann", "blocked"))["bot_is"] == "blocked"
    with pytest.raises(UserApiError, match="Ann has blocked the bot"):
        await client.say(home["id"], "Ann", "hi")
    assert (await client.set_membership(home["id"], "Ann", "member"))["bot_is"] == "member"
    assert (await client.set_membership(group["id"], "Bob", "administrator"))["bot_is"] == "administrator"
    assert (await client.set_membership(group["id"], "Bob", "left"))["bot_is"] == "left"
    await client.say(group["id"], "Bob", "alone")
    changes = [update.my_chat_member for update in await updates(bot)]
    statuses = [change.new_chat_member.status for change in changes if change is not None]
    assert statuses == ["kicked", "member", "administrator", "left"]
    assert len(changes) == 4
    with pytest.raises(UserApiError, match="In a group the status"):
        await client.set_membership(group["id"], "Bob", "blocked")


async def test_wrong_bodies_are_refused(home: ChatView, bot: Bot) -> None:
    url = f"{url_of(bot)}/user/chats/{home['id']}/messages"
    async with httpx.AsyncClient(trust_env=False, headers={"Authorization": f"Bearer {TOKEN}"}) as browser:
        for body in (b"", b"[]", b"{", b'{"as": 1}', b"[" * 100_000, b'{"as": "\\ud800", "text": "x"}', b"\xff"):
            refused = await browser.post(url, content=body)
            assert (refused.status_code, bool(refused.json()["error"])) == (400, True)
        large = await browser.post(url, content=b" " * (1024 * 1024 + 1))
        assert (large.status_code, large.json()) == (413, {"error": "A request has at most 1 MB."})


async def test_chats_outlive_the_server(tmp_path: object) -> None:
    path = f"{tmp_path}/telegram.db"
    for _ in range(2):
        api = BotApi(user_token=TOKEN, path=path)
        async with api.run() as url, connect(api, url), UserClient(url, TOKEN) as client:
            forum = await client.add_chat("forum", "Book club", ["Ann"])
            if not forum["topics"]:
                topic = await client.add_topic(forum["id"], "Dune")
                await client.react(forum["id"], "Ann", topic["id"], "👍")
            [opened] = (await client.messages(forum["id"]))["messages"]
            assert opened["reactions"] == [{"emoji": "👍", "people": ["Ann"]}]
    assert forum["topics"] == [{"id": opened["id"], "name": "Dune"}]
