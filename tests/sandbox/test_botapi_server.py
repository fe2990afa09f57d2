import asyncio
from pathlib import Path

import httpx
import pytest
from telegram import Bot, InlineKeyboardButton, InlineKeyboardMarkup, MessageEntity, ReplyParameters
from telegram.error import BadRequest, Forbidden, RetryAfter

from sandbox.botapi import BotApi, Chat, User
from tests.sandbox.conftest import connect

UNDO = InlineKeyboardMarkup([[InlineKeyboardButton("Undo", callback_data="undo:1")]])


async def test_the_client_can_start(api: BotApi, bot: Bot) -> None:
    assert (bot.username, bot.id, bot.first_name) == ("keepsake_sandbox_bot", 123456, "Keepsake")
    assert [call.method for call in api.calls] == ["getMe"]


async def test_another_token_is_unauthorized(api: BotApi) -> None:
    async with api.run() as url, httpx.AsyncClient(base_url=url, trust_env=False) as client:
        response = await client.get("/bot123456:OTHER/getMe")
    assert response.json() == {"ok": False, "error_code": 401, "description": "Unauthorized"}
    assert api.calls[-1].code == response.status_code == 401


async def test_a_message_arrives_with_what_telegram_sends(bot: Bot, ann: User, chat: Chat) -> None:
    said = await ann.say(chat, "/start see https://example.org, @keepsake_sandbox_bot")
    [update] = await bot.get_updates()
    message = update.message
    assert message is not None
    assert message.from_user is not None
    assert (message.message_id, message.text) == (said.id, said.text)
    assert (message.from_user.full_name, message.from_user.username) == ("Ann", "ann_a")
    assert message.chat.type == "private"
    assert {entity.type: message.parse_entity(entity) for entity in message.entities} == {
        "bot_command": "/start",
        "url": "https://example.org",
        "mention": "@keepsake_sandbox_bot",
    }


async def test_an_answer_stands_in_the_chat(bot: Bot, ann: User, chat: Chat) -> None:
    said = await ann.say(chat, "hi")
    bold = MessageEntity("bold", 0, 5)
    sent = await bot.send_message(
        chat.id, "hello, you", entities=[bold], reply_parameters=ReplyParameters(said.id), reply_markup=UNDO
    )
    assert sent.reply_to_message is not None
    [reply] = await chat.wait(1)
    assert (reply.id, reply.text, reply.from_bot, reply.reply_to) == (sent.message_id, "hello, you", True, said.id)
    assert [(entity.type, entity.length) for entity in reply.entities] == [("bold", 5)]
    assert reply.buttons[0].data == "undo:1"


async def test_a_pressed_button_is_answered_once(bot: Bot, ann: User, chat: Chat) -> None:
    await bot.send_message(chat.id, "done", reply_markup=UNDO)
    await ann.press(chat.replies[0], "Undo")
    [update] = await bot.get_updates()
    query = update.callback_query
    assert query is not None
    assert query.data == "undo:1"
    assert query.message is not None
    await query.answer("gone")
    with pytest.raises(BadRequest, match="Query is too old"):
        await query.answer()


async def test_edits_and_deletions_show(bot: Bot, chat: Chat) -> None:
    sent = await bot.send_message(chat.id, "one", reply_markup=UNDO)
    await bot.edit_message_text("two", chat.id, sent.message_id, reply_markup=UNDO)
    await bot.edit_message_reply_markup(chat.id, sent.message_id)
    [reply] = chat.replies
    assert (reply.text, reply.edits, reply.keyboard) == ("two", 2, ())
    with pytest.raises(BadRequest, match="not modified: specified new message content"):
        await bot.edit_message_text("two", chat.id, sent.message_id)
    await bot.delete_message(chat.id, sent.message_id)
    assert chat.message(sent.message_id).deleted
    assert chat.replies == []
    with pytest.raises(BadRequest, match="Message to delete not found"):
        await bot.delete_message(chat.id, sent.message_id)
    with pytest.raises(BadRequest, match="Message to edit not found"):
        await bot.edit_message_text("three", chat.id, sent.message_id)


async def test_only_own_messages_can_be_edited(bot: Bot, ann: User, chat: Chat) -> None:
    said = await ann.say(chat, "mine")
    with pytest.raises(BadRequest, match="Message can't be edited"):
        await bot.edit_message_text("yours", chat.id, said.id)


async def test_delete_messages_skips_missing_ones(bot: Bot, ann: User, chat: Chat) -> None:
    said = [await ann.say(chat, "one"), await ann.say(chat, "two")]
    assert await bot.delete_messages(chat.id, [said[0].id, said[1].id, 99])
    assert all(message.deleted for message in chat.messages)


async def test_reply_to_missing_message_needs_permission(bot: Bot, chat: Chat) -> None:
    """It is refused unless allow_sending_without_reply is set."""
    with pytest.raises(BadRequest, match="Message to be replied not found"):
        await bot.send_message(chat.id, "what?", reply_parameters=ReplyParameters(99))
    sent = await bot.send_message(
        chat.id, "what?", reply_parameters=ReplyParameters(99, allow_sending_without_reply=True)
    )
    assert sent.reply_to_message is None


async def test_strangers_and_blockers_of_bot_get_nothing(bot: Bot, ann: User, chat: Chat) -> None:
    with pytest.raises(BadRequest, match="Chat not found"):
        await bot.send_message(77, "hi")
    await ann.block()
    with pytest.raises(Forbidden, match="bot was blocked by the user"):
        await bot.send_message(chat.id, "hi")
    await ann.unblock()
    await bot.send_message(chat.id, "hi again")
    changes = [update.my_chat_member for update in await bot.get_updates()]
    assert [change.new_chat_member.status for change in changes if change] == ["kicked", "member"]


async def test_draft_lives_thirty_seconds_or_until_message(ann: User) -> None:
    now = 1000.0
    api = BotApi(clock=lambda: now)
    chat = api.private(api.user("Ann"))
    async with api.run() as url, connect(api, url) as bot:
        await bot.send_message_draft(chat.id, 7, "hel")
        await bot.send_chat_action(chat.id, "typing")
        assert chat.draft is not None
        assert (chat.draft.id, chat.draft.text, chat.action) == (7, "hel", "typing")
        now += 31
        assert chat.draft is None
        assert chat.action is None
        await bot.send_message_draft(chat.id, 7, "")
        await bot.send_message(chat.id, "hello")
        assert chat.draft is None


async def test_drafts_need_a_private_chat_and_a_number(api: BotApi, bot: Bot, ann: User, chat: Chat) -> None:
    with pytest.raises(BadRequest, match="private chats"):
        await bot.send_message_draft(api.group("Friends", [ann]).id, 1, "hel")
    with pytest.raises(BadRequest, match="non-zero"):
        await bot.send_message_draft(chat.id, 0, "hel")


async def test_rich_messages_are_sent_edited_and_drafted(bot: Bot, chat: Chat) -> None:
    await bot.do_api_request(
        "sendRichMessageDraft",
        {"chat_id": chat.id, "draft_id": 1, "rich_message": {"html": "<tg-thinking>Thinking...</tg-thinking>"}},
    )
    assert chat.draft is not None
    assert chat.draft.html == "<tg-thinking>Thinking...</tg-thinking>"
    html = "<h1>Title</h1><p>a <b>bold</b> word</p>"
    sent = await bot.do_api_request("sendRichMessage", {"chat_id": chat.id, "rich_message": {"html": html}})
    [reply] = chat.replies
    assert (reply.html, reply.text) == (html, "Title\na bold word")
    await bot.edit_message_text(
        None,  # type: ignore[arg-type]  # a rich edit has no text, which this version's signature can't say
        chat.id,
        sent["message_id"],
        api_kwargs={"rich_message": {"markdown": "**new**"}},
    )
    assert (chat.replies[0].markdown, chat.replies[0].html) == ("**new**", None)


async def test_topics_of_a_forum_are_kept_apart(api: BotApi, bot: Bot, ann: User) -> None:
    forum = api.group("Friends", [ann], forum=True)
    news = forum.topic("News")
    said = await ann.say(forum, "hi", thread=news)
    sent = await bot.send_message(forum.id, "hello", message_thread_id=news)
    assert (said.thread, sent.message_thread_id, sent.is_topic_message) == (news, news, True)
    replied = await bot.send_message(forum.id, "hello", reply_parameters=ReplyParameters(said.id))
    assert replied.message_thread_id == news
    with pytest.raises(BadRequest, match="Message thread not found"):
        await bot.send_message(forum.id, "hello", message_thread_id=99)
    with pytest.raises(LookupError):
        await ann.say(forum, "hi", thread=99)


async def test_a_group_has_members_and_can_be_left(api: BotApi, bot: Bot, ann: User) -> None:
    bob = api.user("Bob")
    group = api.group("Friends", [ann, bob])
    assert (await bot.get_chat(group.id)).title == "Friends"
    members = [await bot.get_chat_member(group.id, number) for number in (ann.id, bob.id, bot.id)]
    assert [member.status for member in members] == ["creator", "member", "member"]
    await bot.leave_chat(group.id)
    with pytest.raises(Forbidden, match="not a member of the supergroup chat"):
        await bot.send_message(group.id, "still here?")


async def test_commands_are_kept_by_scope_and_language(bot: Bot) -> None:
    await bot.set_my_commands([("help", "Help")], language_code="de")
    assert [command.command for command in await bot.get_my_commands(language_code="de")] == ["help"]
    assert await bot.get_my_commands() == ()
    await bot.delete_my_commands(language_code="de")
    assert await bot.get_my_commands(language_code="de") == ()
    with pytest.raises(BadRequest, match="command_invalid"):
        await bot.set_my_commands([("Help me", "Help")])


async def test_flood_limits_hold_when_switched_on() -> None:
    now = 1000.0
    api = BotApi(clock=lambda: now)
    api.flood_limits = True
    ann = api.user("Ann")
    chat, group = api.private(ann), api.group("Friends", [ann])
    async with api.run() as url, connect(api, url) as bot:
        await bot.send_message(chat.id, "one")
        with pytest.raises(RetryAfter):
            await bot.send_message(chat.id, "two")
        sent = await bot.send_message(group.id, "0")
        for number in range(1, 20):
            await bot.edit_message_text(str(number), group.id, sent.message_id)
        now += 30
        with pytest.raises(RetryAfter, match="0:00:30"):
            await bot.edit_message_text("one more", group.id, sent.message_id)
        now += 30
        await bot.edit_message_text("one more", group.id, sent.message_id)


async def test_users_long_text_arrives_in_pieces(bot: Bot, ann: User, chat: Chat) -> None:
    await ann.say(chat, "word " * 1000)
    texts = [update.message.text for update in await bot.get_updates() if update.message]
    assert [len(text or "") <= 4096 for text in texts] == [True, True]
    assert " ".join(text or "" for text in texts).split() == ["word"] * 1000


async def test_photos_forwards_edits_and_updates_reach_bot(api: BotApi, bot: Bot, ann: User, chat: Chat) -> None:
    photo = [{"file_id": "f", "file_unique_id": "u", "width": 1, "height": 1}]
    seen = await ann.say(chat, None, photo=photo, caption="look")
    forwarded = await ann.forward(chat, "wise words", "Carol")
    await ann.edit(forwarded, "wiser words")
    api.push_update({"poll_answer": {"poll_id": "1", "option_ids": [], "option_persistent_ids": []}})
    first, second, third, fourth = await bot.get_updates()
    assert seen.text == "look"
    assert first.message is not None
    assert first.message.photo[0].file_id == "f"
    assert second.message is not None
    assert second.message.forward_origin is not None
    assert third.edited_message is not None
    assert third.edited_message.text == "wiser words"
    assert fourth.poll_answer is not None


async def test_a_restart_on_the_same_file_goes_on(tmp_path: Path) -> None:
    path = str(tmp_path / "botapi.db")
    for number in (1, 2):
        api = BotApi(path=path)
        ann = api.user("Ann")
        async with api.run() as url, connect(api, url) as bot:
            said = await ann.say(api.private(ann), f"message {number}")
            updates = await bot.get_updates()
            assert said.id == number
            assert [update.message.text for update in updates if update.message] == [
                f"message {one}" for one in range(1, number + 1)
            ]
    assert updates[1].update_id == updates[0].update_id + 1
    assert len(api.private(ann).messages) == 2


async def test_second_run_reuses_the_servers_port(api: BotApi, ann: User, chat: Chat) -> None:
    async with api.run() as url:
        pass
    await ann.say(chat, "while it was away")
    async with api.run(port=int(url.rpartition(":")[2])) as again, connect(api, again) as bot:
        assert again == url
        assert len(await bot.get_updates()) == 1


async def test_open_poll_does_not_delay_the_end(api: BotApi) -> None:
    async with httpx.AsyncClient(trust_env=False) as client:
        async with api.run() as url:
            polling = asyncio.create_task(client.get(f"{url}/bot{api.token}/getUpdates?timeout=50", timeout=50))
            await asyncio.sleep(0.05)
            assert not polling.done()
            ending = asyncio.get_running_loop().time()
        assert asyncio.get_running_loop().time() - ending < 1
        assert (await polling).json()["result"] == []


async def test_a_call_says_when_it_was_answered() -> None:
    api = BotApi(clock=lambda: 1000.0)
    async with api.run() as url, connect(api, url):
        assert [(call.method, call.at) for call in api.calls] == [("getMe", 1000.0)]
