import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest

from sandbox.botapi import BotApi
from sandbox.terminal.conversation import (
    Deleted,
    Event,
    KeyboardChanged,
    ShownDraft,
    TerminalConversation,
    Typing,
    Written,
)

BUTTONS = {
    "inline_keyboard": [[{"text": "Undo", "callback_data": "u"}, {"text": "Site", "url": "https://example.org"}]]
}


OTHER = {"inline_keyboard": [[{"text": "Redo", "callback_data": "r"}]]}


class Bot:
    """Calls methods for the one chat there is."""

    def __init__(self, http: httpx.AsyncClient, chat_id: int) -> None:
        self._http = http
        self._chat_id = chat_id

    async def call(self, method: str, **parameters: object) -> object:
        return await self.ask(method, chat_id=self._chat_id, **parameters)

    async def ask(self, method: str, **parameters: object) -> object:
        answer = await self._http.post(f"/{method}", json=parameters)
        assert answer.status_code == 200, answer.text
        return answer.json()["result"]


@asynccontextmanager
async def talking(telegram: BotApi) -> AsyncIterator[tuple[Bot, TerminalConversation]]:
    conversation = TerminalConversation(telegram)
    await conversation.send("hello")
    async with telegram.run() as url, httpx.AsyncClient(base_url=f"{url}/bot{telegram.token}") as http:
        yield Bot(http, telegram.user("You").id), conversation


@pytest.fixture
def telegram() -> BotApi:
    return BotApi()


async def next_event(events: AsyncIterator[Event]) -> Event:
    async with asyncio.timeout(5):
        return await anext(events)


async def test_a_growing_answer_is_told_step_by_step(telegram: BotApi) -> None:
    async with talking(telegram) as (bot, conversation):
        events = conversation.events()
        await bot.call("sendChatAction", action="typing")
        assert await next_event(events) == Typing()
        await bot.call("sendRichMessageDraft", draft_id=1, rich_message={"html": "<p>one <b>two</b></p>"})
        assert await next_event(events) == ShownDraft("one two")
        await bot.call("sendRichMessage", rich_message={"html": "<p>one <b>two</b> three</p>"})
        assert await next_event(events) == Written("one two three", (), edited=False)


async def test_an_empty_draft_is_thinking(telegram: BotApi) -> None:
    async with talking(telegram) as (bot, conversation):
        await bot.call("sendMessageDraft", draft_id=1, text="")
        assert await next_event(conversation.events()) == ShownDraft("Thinking...")


async def test_edits_and_changed_buttons_are_shown(telegram: BotApi) -> None:
    async with talking(telegram) as (bot, conversation):
        events = conversation.events()
        await bot.call("sendMessage", text="done", reply_markup=BUTTONS)
        assert await next_event(events) == Written("done", ("Undo", "Site"), edited=False)
        await bot.call("editMessageReplyMarkup", message_id=2, reply_markup=OTHER)
        assert await next_event(events) == KeyboardChanged("done", ("Redo",))
        await bot.call("editMessageReplyMarkup", message_id=2)
        assert await next_event(events) == KeyboardChanged("done", ())
        await bot.call("editMessageText", message_id=2, text="undone")
        assert await next_event(events) == Written("undone", (), edited=True)


async def test_deletions_and_reply_prompts_are_shown(telegram: BotApi) -> None:
    async with talking(telegram) as (bot, conversation):
        events = conversation.events()
        force = {"force_reply": True, "input_field_placeholder": "A name"}
        await bot.call("sendMessage", text="Your name?", reply_markup=force)
        assert await next_event(events) == Written("Your name?", (), edited=False, asks="A name")
        await bot.call("deleteMessage", message_id=2)
        assert await next_event(events) == Deleted("Your name?")


async def test_a_button_is_pressed_by_its_number(telegram: BotApi) -> None:
    async with talking(telegram) as (bot, conversation):
        assert not await conversation.press(1)
        await bot.call("sendMessage", text="done", reply_markup=BUTTONS)
        await bot.call("sendMessage", text="something else")
        assert await conversation.press(1)
        assert not await conversation.press(2)  # a link, which nobody but a browser can press
        assert not await conversation.press(3)
    assert telegram.pending_updates == 2  # the message and the button


async def test_what_was_written_before_is_not_told_again(telegram: BotApi) -> None:
    async with talking(telegram) as (bot, _):
        await bot.call("sendMessage", text="old")
        later = TerminalConversation(telegram)
        assert later.length == 2
        await bot.call("sendMessage", text="new")
        assert await next_event(later.events()) == Written("new", (), edited=False)


async def test_a_growing_answer_is_stopped() -> None:
    telegram = BotApi(version="10.3")
    async with talking(telegram) as (bot, conversation):
        assert not await conversation.stop()
        await bot.call("sendMessageDraft", draft_id=7, text="one", can_stop=True)
        assert await conversation.stop()
        updates = await bot.ask("getUpdates", timeout=0)
    assert "stopped_message_generation" in str(updates)
