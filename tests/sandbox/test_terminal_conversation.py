import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from sandbox.botapi import BotApi
from sandbox.terminal.conversation import (
    Change,
    Deleted,
    KeyboardChanged,
    PressAnswered,
    ShownDraft,
    TerminalConversation,
    Typing,
    Written,
)
from sandbox.terminal.received_files import ReceivedFiles
from sandbox.user_api.client import UserApiError, UserClient

TOKEN = "of-the-people"
BUTTONS = {
    "inline_keyboard": [[{"text": "Undo", "callback_data": "u"}, {"text": "Site", "url": "https://example.org"}]]
}


OTHER = {"inline_keyboard": [[{"text": "Redo", "callback_data": "r"}]]}


class Bot:
    """Calls methods for the one chat there is."""

    def __init__(self, http: httpx.AsyncClient, chat_id: int) -> None:
        self.url = str(http.base_url).partition("/bot")[0]
        self._http = http
        self._chat_id = chat_id

    async def call(self, method: str, **parameters: object) -> object:
        return await self.ask(method, chat_id=self._chat_id, **parameters)

    async def upload(self, method: str, kind: str, name: str, content: bytes) -> None:
        data = {"chat_id": str(self._chat_id)}
        answer = await self._http.post(f"/{method}", data=data, files={kind: (name, content)})
        assert answer.status_code == 200, answer.text

    async def ask(self, method: str, **parameters: object) -> object:
        answer = await self._http.post(f"/{method}", json=parameters)
        assert answer.status_code == 200, answer.text
        return answer.json()["result"]


@asynccontextmanager
async def conversing(url: str, folder: Path) -> AsyncIterator[TerminalConversation]:
    async with UserClient(url, TOKEN) as client:
        conversation = TerminalConversation(client, ReceivedFiles(client, folder))
        await conversation.go_home()
        watching = asyncio.create_task(conversation.watch())
        await conversation.listening.wait()
        yield conversation
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)


@asynccontextmanager
async def talking(telegram: BotApi, folder: Path = Path()) -> AsyncIterator[tuple[Bot, TerminalConversation]]:
    async with (
        telegram.run() as url,
        httpx.AsyncClient(base_url=f"{url}/bot{telegram.token}") as http,
        conversing(url, folder) as conversation,
    ):
        await conversation.send("hello")
        yield Bot(http, telegram.user("You").id), conversation


@pytest.fixture
def telegram() -> BotApi:
    return BotApi(user_token=TOKEN, version="10.3")


async def next_event(conversation: TerminalConversation) -> Change:
    async with asyncio.timeout(5):
        return await conversation.next_change()


async def test_a_growing_answer_is_told_step_by_step(telegram: BotApi) -> None:
    async with talking(telegram) as (bot, conversation):
        await bot.call("sendChatAction", action="typing")
        assert await next_event(conversation) == Typing()
        await bot.call("sendRichMessageDraft", draft_id=1, rich_message={"html": "<p>one <b>two</b></p>"})
        assert await next_event(conversation) == ShownDraft("one two")
        await bot.call("sendRichMessage", rich_message={"html": "<p>one <b>two</b> three</p>"})
        assert await next_event(conversation) == Written("one two three", (), edited=False)


async def test_an_empty_draft_is_thinking(telegram: BotApi) -> None:
    async with talking(telegram) as (bot, conversation):
        await bot.call("sendMessageDraft", draft_id=1, text="")
        assert await next_event(conversation) == ShownDraft("Thinking...")


async def test_edits_and_changed_buttons_are_shown(telegram: BotApi) -> None:
    async with talking(telegram) as (bot, conversation):
        await bot.call("sendMessage", text="done", reply_markup=BUTTONS)
        assert await next_event(conversation) == Written("done", ("Undo", "Site (https://example.org)"), edited=False)
        await bot.call("editMessageReplyMarkup", message_id=2, reply_markup=OTHER)
        assert await next_event(conversation) == KeyboardChanged("done", ("Redo",))
        await bot.call("editMessageReplyMarkup", message_id=2)
        assert await next_event(conversation) == KeyboardChanged("done", ())
        await bot.call("editMessageText", message_id=2, text="undone")
        assert await next_event(conversation) == Written("undone", (), edited=True)


async def test_deletions_and_reply_prompts_are_shown(telegram: BotApi) -> None:
    async with talking(telegram) as (bot, conversation):
        force = {"force_reply": True, "input_field_placeholder": "A name"}
        await bot.call("sendMessage", text="Your name?", reply_markup=force)
        assert await next_event(conversation) == Written("Your name?", (), edited=False, asks="A name")
        await bot.call("deleteMessage", message_id=2)
        assert await next_event(conversation) == Deleted("Your name?")


async def test_a_button_is_pressed_by_its_number(telegram: BotApi) -> None:
    async with talking(telegram) as (bot, conversation):
        assert await conversation.press(1) is None
        await bot.call("sendMessage", text="done", reply_markup=BUTTONS)
        await bot.call("sendMessage", text="something else")
        assert [type(await next_event(conversation)) for _ in range(2)] == [Written, Written]
        pressed = await conversation.press(1)
        assert pressed is not None
        await bot.ask("answerCallbackQuery", callback_query_id=pressed["query"], text="Undone.")
        assert await next_event(conversation) == PressAnswered("Undone.")
        assert await conversation.press(2) == {"query": None, "url": "https://example.org", "copy": None}
        assert await conversation.press(3) is None
    assert telegram.pending_updates == 2  # the message and the button


async def test_what_was_written_before_is_not_told_again(telegram: BotApi) -> None:
    async with talking(telegram) as (bot, _):
        await bot.call("sendMessage", text="old")
        async with conversing(bot.url, Path()) as later:
            assert later.length == 2
            await bot.call("sendMessage", text="new")
            assert await next_event(later) == Written("new", (), edited=False)


async def test_what_happened_elsewhere_is_told_on_return(telegram: BotApi) -> None:
    async with talking(telegram) as (bot, conversation):
        await conversation.go_to_group("Bob")
        assert (conversation.in_group, conversation.speaker) == (True, "Bob")
        await bot.call("sendMessage", text="at home")
        await conversation.send("here")
        await conversation.go_home()
        await conversation.catch_up()
        assert await next_event(conversation) == Written("at home", (), edited=False)


async def test_others_have_private_chats_as_well(telegram: BotApi) -> None:
    async with talking(telegram) as (bot, conversation):
        await conversation.go_home("Sam")
        await conversation.send("let me in")
        assert (conversation.in_group, conversation.speaker, conversation.length) == (False, "Sam", 1)
        updates = await bot.ask("getUpdates", timeout=0)
    assert isinstance(updates, list)
    assert [one["message"]["from"]["first_name"] for one in updates] == ["You", "Sam"]


async def test_a_growing_answer_is_stopped(telegram: BotApi) -> None:
    async with talking(telegram) as (bot, conversation):
        with pytest.raises(UserApiError):
            await conversation.stop()
        await bot.call("sendMessageDraft", draft_id=7, text="one", can_stop=True)
        await conversation.stop()
        updates = await bot.ask("getUpdates", timeout=0)
    assert "stopped_message_generation" in str(updates)


async def test_replies_count_from_the_last_message(telegram: BotApi) -> None:
    async with talking(telegram) as (bot, conversation):
        await bot.call("sendMessage", text="hi")
        await next_event(conversation)
        assert await conversation.reply(1, "to hi")
        assert await conversation.reply(3, "to hello")
        assert not await conversation.reply(9, "to nothing")
        updates = await bot.ask("getUpdates", timeout=0)
    assert isinstance(updates, list)
    assert [one["message"].get("reply_to_message", {}).get("text") for one in updates] == [None, "hi", "hello"]


async def test_answer_to_a_prompt_is_a_reply(telegram: BotApi) -> None:
    async with talking(telegram) as (bot, conversation):
        await bot.call("sendMessage", text="Your name?", reply_markup={"force_reply": True})
        assert await next_event(conversation) == Written("Your name?", (), edited=False, asks="")
        await conversation.send("Ann")
        await conversation.send("and more")
        updates = await bot.ask("getUpdates", timeout=0, offset=2)
    assert isinstance(updates, list)
    assert [one["message"].get("reply_to_message", {}).get("text") for one in updates] == ["Your name?", None]


async def test_received_file_can_be_opened(telegram: BotApi, tmp_path: Path) -> None:
    async with talking(telegram, tmp_path) as (bot, conversation):
        await bot.upload("sendDocument", "document", "../../my notes;rm.md", b"# notes")
        written = await next_event(conversation)
        assert isinstance(written, Written)
        path = tmp_path / f"{telegram.user('You').id}-2-my notes_rm.md"
        assert written.text == f"[the file ../../my notes;rm.md: {path}] "
    assert path.read_bytes() == b"# notes"


async def test_menu_follows_the_bots_commands(telegram: BotApi) -> None:
    async with talking(telegram) as (bot, conversation):
        await bot.ask("setMyCommands", commands=[{"command": "help", "description": "Help"}])
        async with asyncio.timeout(5):
            while not conversation.menu:  # noqa: ASYNC110 - it is read again after an event
                await asyncio.sleep(0.01)
        assert conversation.menu == [{"command": "help", "description": "Help"}]
