"""What all open pages have in common: the list of chats, previews, and what no page has shown yet."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest

from sandbox.botapi import BotApi
from sandbox.page.hub import Hub
from sandbox.page.rows import Place, Row, key, parse_key
from sandbox.user_api.client import UserClient
from sandbox.user_api.shapes import Event
from tests.sandbox.conftest import connect

TOKEN = "of-the-people"


class Page:
    """A page that shows one place, and keeps what it heard."""

    def __init__(self, place: Place | None = None) -> None:
        self.place = place
        self.heard: list[str] = []
        self._changed = asyncio.Event()

    def hear(self, event: Event) -> None:
        self.heard.append(event["type"])

    def show_chats(self) -> None:
        self._changed.set()

    async def until(self, kind: str, count: int = 1) -> None:
        """Wait for events of this type."""
        async with asyncio.timeout(5):
            while self.heard.count(kind) < count:
                self._changed.clear()
                await self._changed.wait()


@pytest.fixture
async def telegram() -> AsyncIterator[tuple[BotApi, str]]:
    """A server with the owner, a stranger, and a forum with two topics."""
    api = BotApi(user_token=TOKEN, version="10.3")
    for name in ("Sam", "You"):
        api.private(api.user(name))
    forum = api.group("Books", [api.user("You")], forum=True)
    for topic in ("Novels", "Poems"):
        forum.topic(topic)
    async with api.run() as url:
        yield api, url


@pytest.fixture
async def hub(telegram: tuple[BotApi, str]) -> AsyncIterator[Hub]:
    api, url = telegram
    async with UserClient(url, TOKEN) as client:
        hub = Hub(client, {api.user("You").id})
        running = asyncio.create_task(hub.run())
        page = Page()
        hub.listeners.append(page)
        await page.until("hello")
        yield hub
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


def _row(hub: Hub, title: str) -> Row:
    return next(row for row in hub.rows() if row["title"] == title)


async def test_owner_is_first_and_topics_follow(hub: Hub) -> None:
    assert [row["title"] for row in hub.rows()] == ["You", "Books", "Novels", "Poems", "Sam"]
    assert [row["note"] for row in hub.rows()] == ["owner", "forum", "", "", "private"]
    assert _row(hub, "Novels")["preview"] == "You opened the topic Novels"


async def test_only_unseen_answers_are_counted(hub: Hub, telegram: tuple[BotApi, str]) -> None:
    api, url = telegram
    owner, stranger = api.user("You").id, api.user("Sam").id
    page = Page((owner, None))
    hub.listeners.append(page)
    async with connect(api, url) as bot:
        for chat in (owner, stranger, stranger):
            await bot.send_message(chat, "Hello.")
        await api.user("Sam").say(api.private(api.user("Sam")), "Hi!")
        await page.until("message", 4)
    assert (_row(hub, "You")["unread"], _row(hub, "Sam")["unread"]) == (0, 2)
    assert _row(hub, "Sam")["preview"] == "Hi!"
    hub.see((stranger, None))
    assert _row(hub, "Sam")["unread"] == 0


async def test_typing_ends_with_the_message(hub: Hub, telegram: tuple[BotApi, str]) -> None:
    api, url = telegram
    page, chat = Page(), api.user("Sam").id
    hub.listeners.append(page)
    async with connect(api, url) as bot:
        await bot.send_chat_action(chat, "typing")
        await page.until("action")
        assert _row(hub, "Sam")["typing"]
        await bot.send_message(chat, "Hello.")
        await page.until("message")
    assert not _row(hub, "Sam")["typing"]


async def test_message_of_a_topic_belongs_there(hub: Hub) -> None:
    page = Page()
    hub.listeners.append(page)
    books = next(chat for chat in hub.chats.values() if chat["title"] == "Books")
    await hub.client.say(books["id"], "You", "A sonnet", topic=books["topics"][1]["id"])
    await page.until("message")
    assert [_row(hub, title)["preview"] for title in ("Books", "Novels", "Poems")] == [
        "A sonnet",
        "You opened the topic Novels",
        "A sonnet",
    ]


class BrokenPage(Page):
    """A page that can't show anything."""

    def hear(self, event: Event) -> None:
        raise RuntimeError(event["type"])


async def test_fault_of_a_page_spares_the_others(hub: Hub) -> None:
    broken, page = BrokenPage(), Page()
    hub.listeners += [broken, page]
    for number in (1, 2):
        await hub.client.say(next(iter(hub.chats)), "You", "Hello")
        await page.until("message", number)


@pytest.mark.parametrize("place", [(5, None), (-1001, 7)])
def test_address_of_a_place_is_read_again(place: Place) -> None:
    assert parse_key(key(place)) == place


@pytest.mark.parametrize("text", ["", "x", "1.x", "1.2.3"])
def test_wrong_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="invalid literal"):
        parse_key(text)
