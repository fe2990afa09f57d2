"""The events of the user-side API: in order, all of them, and none for who reads too slowly."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing, suppress

import pytest
from telegram import Bot, BotCommand, InlineKeyboardButton, InlineKeyboardMarkup
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosedError

from sandbox.botapi import BotApi, chat_events
from sandbox.user_api import event_stream
from sandbox.user_api.client import UserClient
from sandbox.user_api.shapes import ChatView, Event
from tests.sandbox.user_api.conftest import TOKEN, url_of

SURE = InlineKeyboardMarkup([[InlineKeyboardButton("Sure", callback_data="sure")]])


@pytest.fixture
async def events(client: UserClient) -> AsyncIterator[AsyncGenerator[Event, None]]:
    """After the greeting."""
    async with aclosing(client.events()) as events:
        assert (await anext(events))["type"] == "hello"
        yield events


async def _next(events: AsyncGenerator[Event, None], count: int) -> Sequence[Event]:
    async with asyncio.timeout(5):
        return [await anext(events) for _ in range(count)]


async def test_answer_is_seen_from_typing_to_edit(
    client: UserClient, home: ChatView, events: AsyncGenerator[Event, None], bot: Bot
) -> None:
    chat = home["id"]
    await client.say(chat, "Ann", "hi")
    await bot.send_chat_action(chat, "typing")
    await bot.send_message_draft(chat, 7, "Hel", api_kwargs={"can_stop": True})
    sent = await bot.send_message(chat, "Hello", reply_markup=SURE)
    await bot.edit_message_text("Hello!", chat, sent.message_id)
    await bot.delete_message(chat, sent.message_id)
    seen = await _next(events, 8)
    assert [event["type"] for event in seen] == [
        *("message", "action", "draft", "draft", "action", "message", "message", "deleted")
    ]
    numbers = [event["n"] for event in seen]
    assert numbers == list(range(numbers[0], numbers[0] + 8))
    said, typing, draft, ended, quiet, new, edited, deleted = seen
    assert said["type"] == new["type"] == edited["type"] == "message"
    assert (said["chat"], said["message"]["from"]["name"]) == (chat, "Ann")
    assert typing["type"] == quiet["type"] == "action"
    assert (typing["action"], quiet["action"]) == ("typing", None)
    assert draft["type"] == ended["type"] == "draft"
    assert ended["draft"] is None
    assert draft["draft"] is not None
    assert (draft["draft"]["text"], draft["draft"]["can_stop"]) == ("Hel", True)
    assert [one["message"]["buttons"] for one in (new, edited)] == [[[{"text": "Sure", "data": "sure"}]], []]
    assert deleted["type"] == "deleted"
    assert deleted["message"] == sent.message_id


async def test_what_bot_answers_to_press_comes_as_event(
    client: UserClient, home: ChatView, events: AsyncGenerator[Event, None], bot: Bot
) -> None:
    sent = await bot.send_message(home["id"], "Well?", reply_markup=SURE)
    query = (await client.press(home["id"], "Ann", sent.message_id, 0))["query"]
    await bot.answer_callback_query(query or "", "Done", show_alert=True)
    _, pressed = await _next(events, 2)
    assert {name: value for name, value in pressed.items() if name != "n"} == {
        "type": "pressed",
        "chat": home["id"],
        "message": sent.message_id,
        "button": 0,
        "query": query,
        "as": "Ann",
        "text": "Done",
        "alert": True,
        "url": None,
    }


async def test_changes_of_chats_and_menus_are_events(
    client: UserClient, events: AsyncGenerator[Event, None], bot: Bot
) -> None:
    forum = await client.add_chat("forum", "Book club", ["Ann"])
    topic = await client.add_topic(forum["id"], "Dune")
    await bot.set_my_commands([BotCommand("help", "Help")])
    await client.react(forum["id"], "Ann", topic["id"], "👍")
    await bot.leave_chat(forum["id"])
    found = await _next(events, 7)
    kinds = [event["type"] for event in found]
    assert kinds[-5:] == ["chat", "message", "commands", "reaction", "chat"]
    left, reaction = found[-1], found[-2]
    assert left["type"] == "chat"
    assert (left["details"]["bot_is"], left["details"]["topics"]) == ("left", [topic])
    assert reaction["type"] == "reaction"
    assert reaction["reactions"] == [{"emoji": "👍", "people": ["Ann"]}]


async def test_all_readers_see_all_in_same_order(client: UserClient, home: ChatView, bot: Bot) -> None:
    async with aclosing(client.events()) as one, aclosing(client.events()) as other:
        await anext(one)
        await anext(other)
        await asyncio.gather(*(client.say(home["id"], "Ann", str(number)) for number in range(200)))
        first, second = await _next(one, 200), await _next(other, 200)
    assert first == second
    assert sorted(event["message"]["id"] for event in first if event["type"] == "message") == list(range(1, 201))


async def test_slow_reader_is_disconnected_and_begins_again(
    client: UserClient, home: ChatView, bot: Bot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_stream, "MOST_WAITING", 1_000_000)
    monkeypatch.setattr(event_stream, "CLOSE_S", 0.1)
    address = f"ws{url_of(bot).removeprefix('http')}/user/events?token={TOKEN}"
    async with connect(address, proxy=None, max_queue=1, compression=None) as slow, aclosing(client.events()) as quick:
        await anext(quick)
        for _ in range(20):  # 12 MB in all: more than the sockets' own buffers hold
            await client.say(home["id"], "Ann", "\u4e00" * 100_000)
            await _next(quick, 25)
        assert await _read_until_lost(slow) < 500
        async with connect(address, proxy=None) as again:
            assert json.loads(await again.recv())["type"] == "hello"


async def _read_until_lost(reader: ClientConnection) -> int:
    """Read what had been sent, until the connection ends; returns how many events that were."""
    read = 0
    with suppress(ConnectionClosedError):
        while True:
            await reader.recv()
            read += 1
    return read


async def test_lost_connection_begins_with_hello_again(api: BotApi) -> None:
    async with api.run() as url:
        port = int(url.rpartition(":")[2])
        client = UserClient(url, TOKEN)
        events = client.events()
        assert (await anext(events))["type"] == "hello"
    async with api.run(port=port), client, aclosing(events):
        async with asyncio.timeout(20):
            assert (await anext(events))["type"] == "hello"


async def test_nothing_is_made_while_nobody_listens(
    client: UserClient, home: ChatView, api: BotApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with aclosing(client.events()) as events:
        await anext(events)
    async with asyncio.timeout(5):
        while api._state.events._listeners:  # noqa: ASYNC110 - the server notices the end by itself
            await asyncio.sleep(0.01)
    made: list[object] = []
    monkeypatch.setattr(chat_events, "ChatEvent", lambda *event: made.append(event))
    await client.say(home["id"], "Ann", "hi")
    assert made == []
