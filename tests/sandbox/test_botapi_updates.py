import asyncio

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from telegram import Bot
from telegram.error import BadRequest, Conflict

from sandbox.botapi import BotApi, Chat, User
from sandbox.http import serve


class Receiver:
    """A bot's webhook that answers with the given codes, then with 200."""

    def __init__(self, *codes: int) -> None:
        self.received: list[str] = []
        self.secrets: set[str] = set()
        self._codes = list(codes)
        self.app = Starlette(routes=[Route("/hook", self._take, methods=["POST"])])

    async def _take(self, request: Request) -> Response:
        self.received.append((await request.json())["message"]["text"])
        self.secrets.add(request.headers.get("X-Telegram-Bot-Api-Secret-Token", ""))
        return Response(status_code=self._codes.pop(0) if self._codes else 200)


async def texts(bot: Bot, offset: int | None = None, limit: int = 100) -> dict[str | None, int]:
    updates = await bot.get_updates(offset, limit)
    return {update.message.text: update.update_id for update in updates if update.message}


async def test_update_repeats_until_offset_confirms_it(bot: Bot, ann: User, chat: Chat) -> None:
    for text in ("one", "two", "three"):
        await ann.say(chat, text)
    assert list(await texts(bot, limit=2)) == ["one", "two"]
    first = await texts(bot)
    assert list(first) == ["one", "two", "three"]
    assert list(await texts(bot, offset=first["two"])) == ["two", "three"]
    assert list(await texts(bot, offset=-1)) == ["three"]
    assert await texts(bot, offset=first["three"] + 1) == {}
    await ann.say(chat, "four")
    assert (await texts(bot))["four"] > first["three"]


async def test_a_long_poll_ends_when_something_comes(api: BotApi, bot: Bot, ann: User, chat: Chat) -> None:
    polling = asyncio.create_task(bot.get_updates(timeout=5))
    await api.changed(lambda: api.polls == 1)
    assert not polling.done()
    await ann.say(chat, "hi")
    assert len(await polling) == 1


async def test_a_long_poll_ends_empty_when_nothing_comes(bot: Bot) -> None:
    assert await bot.get_updates(timeout=1) == ()


async def test_the_second_poll_ends_the_first(api: BotApi, bot: Bot, ann: User, chat: Chat) -> None:
    first = asyncio.create_task(bot.get_updates(timeout=5))
    await api.changed(lambda: api.polls == 1)
    second = asyncio.create_task(bot.get_updates(timeout=5))
    with pytest.raises(Conflict, match="terminated by other getUpdates request"):
        await first
    await ann.say(chat, "hi")
    assert len(await second) == 1


async def test_only_wanted_kinds_are_queued(api: BotApi, bot: Bot, ann: User, chat: Chat) -> None:
    await bot.get_updates(allowed_updates=["callback_query"])
    await ann.say(chat, "unwanted")
    assert api.pending_updates == 0
    await bot.get_updates(allowed_updates=[])
    await ann.say(chat, "wanted")
    api.push_update({"message_reaction": {}})
    assert list(await texts(bot)) == ["wanted"]


async def test_webhook_gets_updates_in_order_until_accepted(api: BotApi, bot: Bot, ann: User, chat: Chat) -> None:
    receiver = Receiver(500, 503)
    await ann.say(chat, "one")
    async with serve(receiver.app) as url:
        await bot.set_webhook(f"{url}/hook", secret_token="s3cret")
        await ann.say(chat, "two")
        await api.changed(lambda: api.pending_updates == 0)
        info = await bot.get_webhook_info()
        await bot.delete_webhook()
    assert receiver.received == ["one", "one", "one", "two"]
    assert receiver.secrets == {"s3cret"}
    assert info.last_error_message == "Wrong response from the webhook: 503 Service Unavailable"


async def test_webhook_gets_missed_updates_later(api: BotApi, bot: Bot, ann: User, chat: Chat) -> None:
    receiver = Receiver()
    async with serve(receiver.app) as url:
        pass
    await bot.set_webhook(f"{url}/hook")
    await ann.say(chat, "one")
    async with serve(receiver.app, port=int(url.rpartition(":")[2])):
        await api.changed(lambda: api.pending_updates == 0)
        await bot.delete_webhook()
    assert receiver.received == ["one"]


async def test_a_webhook_and_polling_exclude_each_other(api: BotApi, bot: Bot) -> None:
    polling = asyncio.create_task(bot.get_updates(timeout=5))
    await api.changed(lambda: api.polls == 1)
    await bot.set_webhook("https://bot.example.org/hook")
    with pytest.raises(Conflict, match="terminated by setWebhook request"):
        await polling
    with pytest.raises(Conflict, match="can't use getUpdates method while webhook is active"):
        await bot.get_updates()
    await bot.delete_webhook()
    assert await bot.get_updates() == ()


@pytest.mark.parametrize("url", ["http://bot.example.org/hook", "ftp://127.0.0.1/hook"])
async def test_a_webhook_needs_https_or_loopback(bot: Bot, url: str) -> None:
    with pytest.raises(BadRequest, match="Bad webhook: an https url must be provided"):
        await bot.set_webhook(url)


@pytest.mark.parametrize("url", ["https://[::1", "https://bot.example.org:port/", "https://my bot/", "https:///hook"])
async def test_webhook_needs_a_valid_url(bot: Bot, url: str) -> None:
    with pytest.raises(BadRequest, match="Invalid webhook url specified"):
        await bot.set_webhook(url)


async def test_pending_updates_can_be_dropped(api: BotApi, bot: Bot, ann: User, chat: Chat) -> None:
    await ann.say(chat, "one")
    await bot.delete_webhook(drop_pending_updates=True)
    assert api.pending_updates == 0
