"""Usage is added up by chat and day."""

from datetime import date

from storage import Storage
from storage.records import Chat, Usage


async def test_requests_of_a_day_are_added_up_over_models(storage: Storage, chat: Chat) -> None:
    day = date(2026, 11, 23)
    async with storage.transaction() as tx:
        await storage.usage.record(tx, chat.id, day, "qwen-plus", Usage(100, 20, 5))
        await storage.usage.record(tx, chat.id, day, "qwen-plus", Usage(200, 180, 6))
        await storage.usage.record(tx, chat.id, day, "qwen-vl", Usage(10, 0, 1))
        await storage.usage.record(tx, chat.id, date(2026, 11, 24), "qwen-plus", Usage(1, 1, 1))
    assert await storage.usage.of_day(chat.id, day) == Usage(310, 200, 12)
    assert await storage.usage.of_day(chat.id, date(2026, 11, 25)) == Usage(0, 0, 0)
