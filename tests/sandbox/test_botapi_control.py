import asyncio

import httpx
from telegram import Bot, InlineKeyboardButton, InlineKeyboardMarkup

from sandbox.botapi import Chat

UNDO = InlineKeyboardMarkup([[InlineKeyboardButton("Undo", callback_data="undo:1")]])


async def test_a_tool_outside_talks_over_http(bot: Bot, chat: Chat) -> None:
    url = bot.base_url.partition("/bot")[0]
    async with httpx.AsyncClient(base_url=url, trust_env=False) as tool:
        said = (await tool.post("/sandbox/messages", json={"user": "Ann", "text": "hi"})).json()
        waiting = asyncio.create_task(tool.get(f"/sandbox/chats/{chat.id}/messages?after={said['id']}&wait=5"))
        await bot.send_message(chat.id, "hello", reply_markup=UNDO)
        [reply] = (await waiting).json()["messages"]
        assert (reply["text"], reply["from_bot"]) == ("hello", True)
        pressed = {"user": "Ann", "message_id": reply["id"], "data": "undo:1"}
        assert (await tool.post("/sandbox/press", json=pressed)).status_code == 200
        missing = await tool.post("/sandbox/press", json=pressed | {"data": "no such"})
        assert (missing.status_code, "no button" in missing.json()["error"]) == (404, True)
        calls = (await tool.get("/sandbox/calls?after=1")).json()["calls"]
        assert [call["method"] for call in calls] == ["sendMessage"]
        assert (await tool.post("/sandbox/messages", json={"user": "Ann"})).status_code == 400
    assert [update.callback_query is None for update in await bot.get_updates()] == [True, False]
