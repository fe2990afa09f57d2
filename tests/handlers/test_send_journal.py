"""A message that was being sent to a group is looked for before anything else is sent there."""

import asyncio
from pathlib import Path

import pytest
from telegram import Bot

from bot.handlers.send_journal import GroupSendJournal
from bot.outbound import journal as module
from bot.updates.claimed_chats import AllChats
from sandbox.botapi import BotApi
from storage import Storage
from storage.records import ChatKey, Notice
from tests.tcp import Proxy, served


async def test_group_waits_until_telegram_is_reached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FIRST_WAIT_S", 0.01)
    monkeypatch.setattr(module, "MAX_WAIT_S", 0.01)
    api = BotApi()
    group = api.group("All", [api.user("Ada")])
    storage = await Storage.open(tmp_path / "keepsake.db")
    async with api.run() as url:
        proxy = Proxy(int(url.rpartition(":")[2]))
        async with served(proxy.handle) as port, Bot(api.token, base_url=f"http://127.0.0.1:{port}/bot") as bot:
            async with storage.transaction() as tx:
                number = await storage.outbox.add(tx, Notice(ChatKey(group.id), private=False, text="Done."))
                await storage.group_sends.begin(tx, group.id, 0, turn_id=None, notice_id=number)
            sent = await bot.send_message(group.id, "Done.")
            proxy.refuse()
            journal = GroupSendJournal(storage, bot, AllChats())
            recovering = asyncio.create_task(journal.recover(group.id))
            await asyncio.sleep(0.1)
            assert not recovering.done()
            proxy.release()
            await recovering
    assert await storage.group_sends.unknown(group.id) == []
    (row,) = await storage.database.rows("SELECT edits FROM notices")
    assert row["edits"] == sent.message_id
    await storage.close()
