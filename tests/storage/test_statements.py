"""Statements whose SQL differs between SQLite and PostgreSQL find the same rows."""

from storage import Storage
from storage.access_list import SHELL, AccessStatus, Applicant
from storage.records import Chat
from tests.storage.test_transcript import say


async def test_group_to_leave_is_found(storage: Storage) -> None:
    async with storage.transaction() as tx:
        await storage.access.put(tx, Applicant(-7, "Club"), AccessStatus.BLOCKED, SHELL, 0.0)
        await storage.access.leave(tx, -7)
    assert await storage.access.to_leave() == [-7]


async def test_responses_are_due_by_their_server(storage: Storage, chat: Chat) -> None:
    async with storage.transaction() as tx:
        await storage.servers.add_responses(tx, chat.id, ["http://one/1", "http://two/1"], 0.0)
        await storage.servers.delete_responses_of(tx, chat.id)
    assert await storage.servers.due_responses("http://one", 1.0, 9) == ["http://one/1"]


async def test_neighbours_and_latest_turns_are_found(storage: Storage, chat: Chat) -> None:
    for number in range(4):
        await say(storage, chat, f"turn {number}", 10 + number)
    async with storage.transaction() as tx:
        await storage.transcript.give_up(tx, chat.id)
    latest = await storage.history.latest(chat.id, after_turn=0, since=0.0, limit=9)
    assert [turn.content for turn in latest] == [f"turn {number}" for number in range(4)]
    around = await storage.history.around(chat.id, [latest[1].turn_id], after_turn=0, before_turn=99)
    assert [turn.content for turn in around] == ["turn 0", "turn 1", "turn 2"]
