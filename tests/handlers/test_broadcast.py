"""A group that is to be left is left, whatever number it has meanwhile."""

from typing import Any, cast

from telegram.error import ChatMigrated

from bot.access.policy import AccessRules, Owners
from bot.handlers.broadcast import OutboxWorker
from bot.updates.lanes import Lanes
from storage import Storage
from storage.access_list import SHELL, AccessStatus, Applicant

OLD, NEW = -5, -100500


class Telegram:
    """Knows the group by its new number only."""

    def __init__(self) -> None:
        self.left: list[int] = []

    async def leave_chat(self, chat_id: int) -> None:
        if chat_id == OLD:
            raise ChatMigrated(NEW)
        self.left.append(chat_id)


async def test_bot_leaves_migrated_group_at_new_id(storage: Storage) -> None:
    async with storage.transaction() as tx:
        await storage.access.put(tx, Applicant(OLD, "Friends"), AccessStatus.BLOCKED, SHELL, 10.0)
        await storage.access.leave(tx, OLD)
    telegram = Telegram()
    owners = Owners(storage.access, AccessRules("list"))
    outbox = OutboxWorker(storage, cast("Any", telegram), owners, Lanes())
    for _ in range(3):
        await outbox.run()
    assert telegram.left == [NEW]
    assert await storage.access.statuses([OLD, NEW]) == {NEW: AccessStatus.BLOCKED}
