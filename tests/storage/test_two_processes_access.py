"""Owners and groups, with two processes on one PostgreSQL database: decisions, costs, and where a group is."""

import asyncio
import json
from datetime import UTC

import pytest

from bot.access.policy import AccessPolicy, AccessRules, digest, new_link
from bot.conversation.budget import Budget, Scope
from bot.errors import UserBudgetSpent
from bot.pricing import Amount
from bot.wiring.foundation import Caches
from storage import Storage, StorageError, presence
from storage.access_list import AccessStatus, Applicant, Decider, LinkState
from storage.inbox import RawUpdate
from storage.postgres.notifications import ChatEvent, Listener
from storage.records import Usage
from tests.storage.two_processes import GROUP, SUPERGROUP, chat_of, count, say, waits

PERSON = Applicant(5, "Ann")


async def test_a_link_makes_one_owner(one: Storage, other: Storage) -> None:
    async with one.transaction() as tx:
        await one.access.add_link(tx, "digest", 0.0, 100.0)

    async def claim(storage: Storage, user_id: int) -> LinkState:
        async with storage.transaction() as tx:
            return await storage.access.claim_link(tx, "digest", user_id, 1.0)

    states = await asyncio.gather(claim(one, 1), claim(other, 2))
    assert sorted(states) == [LinkState.CLAIMED, LinkState.USED]


async def test_link_of_each_process_is_valid_until_claimed(one: Storage, other: Storage) -> None:
    codes = [await new_link(storage.database, storage.access, 0.0, ends_others=False) for storage in (one, other)]
    async with one.transaction() as tx:
        states = [await one.access.claim_link(tx, digest(code), 1, 1.0) for code in codes]
    assert states == [LinkState.CLAIMED, LinkState.EXPIRED]


async def test_a_request_is_decided_once(one: Storage, other: Storage) -> None:
    async with one.transaction() as tx:
        entry = await one.access.request_access(tx, PERSON, 0.0, 0.0)
    assert entry is not None

    async def decide(storage: Storage, status: AccessStatus, owner: int) -> bool:
        async with storage.transaction() as tx:
            return await storage.access.decide(tx, entry.id, status, Decider(owner, "Owner"), 1.0)

    assert sum(await asyncio.gather(decide(one, AccessStatus.ALLOWED, 1), decide(other, AccessStatus.DENIED, 2))) == 1


async def test_owners_set_a_budget_at_once(one: Storage, other: Storage) -> None:
    async with one.transaction() as tx:
        await one.usage.set_budget(tx, "user", 0, "10")

        async def set_theirs() -> None:
            async with other.transaction() as also:
                await other.usage.set_budget(also, "user", 0, "20")

        setting = await waits(set_theirs())
    await setting
    assert await one.usage.budgets() == {("user", 0): "20"}


async def test_group_moves_once(one: Storage, other: Storage) -> None:
    chat = await chat_of(one)
    await say(one, chat, "apples")
    await chat_of(one, SUPERGROUP)

    async def move(storage: Storage) -> None:
        async with storage.transaction() as tx:
            await presence.migrate(tx, GROUP.telegram_id, SUPERGROUP.telegram_id)

    await asyncio.gather(move(one), move(other))
    assert await one.chats.find(GROUP) is None
    moved = await one.chats.find(SUPERGROUP)
    assert moved is not None
    assert await count(one, f"turns WHERE chat_id = {moved.id}") == 2


async def test_locks_follow_a_group_that_moves(one: Storage, other: Storage, postgres_url: str) -> None:
    chat = await chat_of(one)
    third = await Storage.connect(postgres_url)

    async def lock_chat(held: asyncio.Event, go: asyncio.Event) -> None:
        async with other.transaction() as tx:
            await tx.lock_chats(chat.id)
            held.set()
            await go.wait()

    async def lock_supergroup() -> None:
        async with third.transaction() as tx:
            await tx.lock(SUPERGROUP.telegram_id)

    held, go = asyncio.Event(), asyncio.Event()
    async with one.transaction() as tx:
        await presence.migrate(tx, GROUP.telegram_id, SUPERGROUP.telegram_id)
        locking = await waits(lock_chat(held, go))
    await held.wait()
    waiting = await waits(lock_supergroup())
    go.set()
    await asyncio.gather(locking, waiting)
    await third.close()


async def test_read_that_collides_raises_nothing(one: Storage, other: Storage) -> None:
    """Requests from all sides at once: each applicant asks once, and no one's transaction fails."""

    async def ask(storage: Storage, number: int) -> bool:
        async with storage.transaction() as tx:
            await storage.access.lock(tx)
            return await storage.access.request_access(tx, Applicant(number), 0.0, 0.0) is not None

    try:
        new = await asyncio.gather(*(ask(storage, number) for number in range(1, 9) for storage in (one, other)))
    except StorageError as exc:
        pytest.fail(f"{exc}")
    assert sum(new) == 8


async def test_budget_and_move_reach_other_process(one: Storage, other: Storage, postgres_url: str) -> None:
    async def no_owner(_: int) -> bool:
        return False

    budgets = [
        Budget(storage.database, storage.usage, {}, lambda _: None, no_owner, UTC, lambda: 0.0)
        for storage in (one, other)
    ]
    policy = AccessPolicy(other.access, AccessRules("approval"))
    caches = Caches(budgets[1].load, policy.load)
    listener = await Listener.connect(postgres_url)
    events = listener.notifications()
    await budgets[0].set(Scope.USER, 0, Amount(10))
    assert (await anext(events)).event is ChatEvent.CHANGED
    await caches.reload_all()
    assert budgets[1].limit(Scope.USER, 5) == Amount(10)
    await budgets[0].set(Scope.USER, 0, None, back=True)
    await caches.reload_all()
    assert budgets[1].limit(Scope.USER, 5) is None
    message = {"chat": {"id": GROUP.telegram_id}, "migrate_to_chat_id": SUPERGROUP.telegram_id}
    async with one.transaction() as tx:
        await one.inbox.add(tx, [RawUpdate(1, json.dumps({"update_id": 1, "message": message}))], 0.0)
    assert [(await anext(events)).event for _ in range(2)] == [ChatEvent.CHANGED] * 2
    await caches.reload_all()
    assert policy.current_id(GROUP.telegram_id) == SUPERGROUP.telegram_id
    await listener.close()


async def test_spent_budget_is_spent_everywhere(one: Storage, other: Storage) -> None:
    async def no_owner(_: int) -> bool:
        return False

    chat = await chat_of(other)
    budget = Budget(other.database, other.usage, {Scope.USER: Amount(10)}, lambda _: None, no_owner, UTC, lambda: 0.0)
    await budget.check(chat, 5)
    async with one.transaction() as tx:
        await one.usage.record_for_user(tx, 5, budget.today().date(), "model", Usage(10, 0, 1))
    with pytest.raises(UserBudgetSpent):
        await budget.check(chat, 5)
