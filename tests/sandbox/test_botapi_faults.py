import asyncio

import pytest
from telegram import Bot
from telegram.error import NetworkError, RetryAfter

from sandbox.botapi import BotApi, Chat, User


@pytest.mark.parametrize("moment", ["before", "after"])
async def test_dropped_connection_fails_before_or_after_effect(api: BotApi, bot: Bot, chat: Chat, moment: str) -> None:
    api.faults.add("sendMessage", drop="before" if moment == "before" else "after")
    with pytest.raises(NetworkError):
        await bot.send_message(chat.id, "hi")
    assert len(chat.replies) == (moment == "after")
    assert api.calls[-1].code == 0


async def test_scripted_refusals_come_as_often_as_asked(api: BotApi, bot: Bot, chat: Chat) -> None:
    api.faults.add("sendMessage", times=2, when=lambda params: params["text"] == "hi", retry_after=7)
    await bot.send_message(chat.id, "other")
    for _ in range(2):
        with pytest.raises(RetryAfter, match="0:00:07"):
            await bot.send_message(chat.id, "hi")
    await bot.send_message(chat.id, "hi")
    api.faults.add("sendMessage", code=500, description="Internal Server Error")
    with pytest.raises(NetworkError, match="Internal Server Error"):
        await bot.send_message(chat.id, "hi")


async def test_a_delay_alone_only_delays(api: BotApi, bot: Bot, chat: Chat) -> None:
    api.faults.add("sendMessage", delay=0.05)
    started = asyncio.get_running_loop().time()
    await bot.send_message(chat.id, "hi")
    assert asyncio.get_running_loop().time() - started >= 0.05


async def test_call_is_held_at_the_given_point(api: BotApi, bot: Bot, chat: Chat) -> None:
    before, after = api.faults.hold("sendMessage"), api.faults.hold("sendMessage", "after", nth=2)
    first = asyncio.create_task(bot.send_message(chat.id, "one"))
    await before.reached()
    assert chat.replies == []
    before.release()
    await first
    second = asyncio.create_task(bot.send_message(chat.id, "two"))
    await after.reached()
    assert len(chat.replies) == 2
    assert not second.done()
    after.release()
    await second


async def test_received_call_takes_effect_without_its_client(api: BotApi, bot: Bot, chat: Chat) -> None:
    hold = api.faults.hold("sendMessage")
    sending = asyncio.create_task(bot.send_message(chat.id, "last words"))
    await hold.reached()
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending
    hold.release()
    [reply] = await chat.wait(1)
    assert reply.text == "last words"


async def test_waiting_says_what_was_there_instead(api: BotApi, bot: Bot, chat: Chat) -> None:
    await bot.send_message(chat.id, "only this")
    with pytest.raises(TimeoutError, match="only this"):
        await chat.wait(2, timeout=0.05)
    call = await api.wait_call("sendMessage", lambda call: call.ok)
    assert call.params["text"] == "only this"


async def test_wait_counts_only_undeleted_bot_messages(bot: Bot, ann: User, chat: Chat) -> None:
    await ann.say(chat, "hi")
    sent = await bot.send_message(chat.id, "gone soon")
    await bot.delete_message(chat.id, sent.message_id)
    with pytest.raises(TimeoutError):
        await chat.wait(1, timeout=0.05)
