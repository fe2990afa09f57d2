"""Requests in progress are known after a crash, and gone once they are charged."""

from storage import Storage
from storage.records import Chat, ChatKey, Usage
from storage.running_requests import RunningRequest
from tests.storage.test_usage import MONDAY


async def test_requests_left_are_taken_once(storage: Storage, chat: Chat) -> None:
    kept = RunningRequest(chat.id, 5, "qwen-plus", 100, 7)
    async with storage.transaction() as tx:
        await storage.requests.begin(tx, RunningRequest(chat.id, 4, "qwen-plus", 100))
        await storage.requests.begin(tx, kept)
        await storage.requests.end(tx, 4)
    async with storage.transaction() as tx:
        assert await storage.requests.take(tx) == [kept]
        assert await storage.requests.take(tx) == []


async def test_requests_of_one_chat_are_taken_alone(storage: Storage, chat: Chat) -> None:
    async with storage.transaction() as tx:
        other = await storage.chats.ensure(tx, ChatKey(-7, 3), private=False, now=0.0)
        lost, running = RunningRequest(chat.id, 4, "qwen-plus", 100), RunningRequest(other.id, 5, "qwen-plus", 100)
        await storage.requests.begin(tx, lost)
        await storage.requests.begin(tx, running)
    async with storage.transaction() as tx:
        assert await storage.requests.take(tx, chat.key.telegram_id) == [lost]
        assert await storage.requests.take(tx, -8) == []
        assert await storage.requests.take(tx) == [running]


async def test_usual_output_is_that_of_the_chat(storage: Storage, chat: Chat) -> None:
    async with storage.transaction() as tx:
        assert await storage.usage.usual_output(tx, chat.id, "qwen-plus") == 0
        await storage.usage.record(tx, chat.id, MONDAY, "qwen-plus", Usage(100, 20, 5))
        await storage.usage.record(tx, chat.id, MONDAY, "qwen-plus", Usage(100, 20, 15))
        assert await storage.usage.usual_output(tx, chat.id, "qwen-plus") == 10
        assert await storage.usage.usual_output(tx, chat.id, "other") == 0
