"""Claims on chats: one process at a time has a chat, and one that has lost it can't write."""

import asyncio
from collections.abc import AsyncIterator
from itertools import count

import pytest

from storage import Storage
from storage.claims import Claim, ClaimLostError, under
from storage.files import DatabaseInUseError
from storage.postgres.chat_claims import LEADER_LOCK, ChatClaims, Member
from storage.postgres.claim import DatabaseClaim, is_claimed
from storage.postgres.notifications import ChatEvent, Listener, Notification, notify
from storage.postgres.processes import Processes
from storage.records import ChatKey
from storage.storage_errors import StorageError

BOT = 123456
numbers = count(1 << 60)


@pytest.fixture
def url(postgres_url: str) -> str:
    return postgres_url


@pytest.fixture
async def storage(url: str) -> AsyncIterator[Storage]:
    opened = await Storage.connect(url)
    yield opened
    await opened.close()


@pytest.fixture
async def first(url: str, storage: Storage) -> AsyncIterator[ChatClaims]:
    claims = await ChatClaims.connect(Member(url, BOT, next(numbers)))
    yield claims
    await claims.close()


@pytest.fixture
async def second(url: str, storage: Storage) -> AsyncIterator[ChatClaims]:
    claims = await ChatClaims.connect(Member(url, BOT, next(numbers)))
    yield claims
    await claims.close()


async def _take(claims: ChatClaims, telegram_id: int) -> Claim:
    """Take a chat as soon as the server has noticed that the other's session has ended."""
    taken: list[Claim] = []
    while not taken:
        taken = await claims.take([telegram_id])
    return taken[0]


async def test_a_chat_has_one_process(first: ChatClaims, second: ChatClaims) -> None:
    assert {claim.telegram_id for claim in await first.take([7, -100])} == {7, -100}
    assert [claim.telegram_id for claim in await second.take([7, 8])] == [8]
    await first.give_back([7])
    assert [claim.telegram_id for claim in await second.take([7, -100])] == [7]


async def test_death_frees_all_chats(first: ChatClaims, second: ChatClaims) -> None:
    await first.take([7, 8])
    assert await first.lead()
    assert not await second.lead()
    assert await second.count_live() == (2, 0)
    await first.close()
    while not await second.lead():  # noqa: ASYNC110 - the server notices the end in its own time
        await asyncio.sleep(0.01)
    assert {claim.telegram_id for claim in await second.take([7, 8])} == {7, 8}
    assert await second.count_live() == (1, 0)


async def test_processes_see_who_reaches_telegram(first: ChatClaims, second: ChatClaims) -> None:
    for reaches in (True, True, False, False, True):
        await second.show_reach(reaches=reaches)
        assert await first.count_live() == (2, int(reaches))
        assert await second.count_live() == (2, 0)
    await second.close()
    while await first.count_live() != (1, 0):  # noqa: ASYNC110 - the server notices the end in its own time
        await asyncio.sleep(0.01)


async def test_leader_steps_down_for_another(first: ChatClaims, second: ChatClaims) -> None:
    assert await first.lead()
    await first.stop_leading()
    assert await second.lead()


async def test_a_lost_claim_writes_nothing(storage: Storage, first: ChatClaims, second: ChatClaims) -> None:
    [old] = await first.take([7])
    with under(old):
        async with storage.transaction() as tx:
            await storage.chats.ensure(tx, ChatKey(7), private=True, now=0.0)
    await first.give_back([7])
    [new] = await second.take([7])
    assert new.token > old.token
    with under(old), pytest.raises(ClaimLostError) as lost:
        async with storage.transaction():
            pytest.fail("it must not begin")
    assert not lost.value.may_pass
    with under(new):
        async with storage.transaction() as tx:
            await storage.chats.ensure(tx, ChatKey(7), private=True, now=0.0)


async def test_new_claim_waits_for_open_transaction(storage: Storage, first: ChatClaims, second: ChatClaims) -> None:
    [old] = await first.take([7])
    with under(old):
        async with storage.transaction() as tx:
            await first.close()  # cut: the lock is gone, and the transaction goes on
            taking = asyncio.create_task(_take(second, 7))
            await asyncio.wait([taking], timeout=0.2)
            assert not taking.done()
            await storage.chats.ensure(tx, ChatKey(7), private=True, now=0.0)
    new = await taking
    assert new.token == old.token + 1
    assert await storage.chats.find(ChatKey(7)) is not None


async def test_new_session_keeps_what_nobody_took(url: str, first: ChatClaims, second: ChatClaims) -> None:
    claims = await first.take([7, 8, 9])
    await first.close()
    taken: list[Claim] = []
    while not taken:
        taken = await second.take([8])
    await second.take([9])
    await second.give_back([9])
    again = await ChatClaims.connect(Member(url, BOT, next(numbers)))
    try:
        assert {claim.telegram_id for claim in await again.retake(claims)} == {7}
        assert await second.take([7]) == []
        assert [claim.telegram_id for claim in await second.take([9])] == [9]
    finally:
        await again.close()


async def test_ended_session_says_so(url: str, storage: Storage, first: ChatClaims) -> None:
    await first.take([7])
    await storage.database.rows(
        "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND objid = 7"
    )
    with pytest.raises(StorageError):
        await first.count_live()


async def test_locked_chat_waits_for_other_process(url: str, storage: Storage, first: ChatClaims) -> None:
    [claim] = await first.take([7])
    other = await Storage.connect(url)
    order: list[str] = []

    async def lane() -> None:
        with under(claim):
            async with storage.transaction():
                order.append("lane")

    try:
        async with other.transaction() as tx:
            await tx.lock(7)
            waiting = asyncio.create_task(lane())
            await asyncio.wait([waiting], timeout=0.2)
            order.append("job")
        await waiting
    finally:
        await other.close()
    assert order == ["job", "lane"]


async def test_notifications_arrive_after_commit(url: str, storage: Storage) -> None:
    listener = await Listener.connect(url)
    sent = [Notification(ChatEvent.WAKE, ChatKey(-100, 5)), Notification(ChatEvent.FREE, ChatKey(7, 3, direct=True))]
    async with storage.transaction() as tx:
        for one in sent:
            await notify(tx, one)
    found = []
    async for one in listener.notifications():
        found.append(one)
        if len(found) == len(sent):
            break
    await listener.close()
    assert found == sent
    assert [one.key.direct for one in found] == [False, True]


async def test_bots_with_different_tokens_are_refused(url: str, first: ChatClaims) -> None:
    with pytest.raises(DatabaseInUseError, match="another token"):
        await ChatClaims.connect(Member(url, BOT + 1, next(numbers)))
    second = await ChatClaims.connect(Member(url, BOT, next(numbers)))
    await first.close()
    await second.close()
    third = await ChatClaims.connect(Member(url, BOT + 1, next(numbers)))
    await third.close()


async def test_commands_and_bots_exclude_each_other(url: str, first: ChatClaims) -> None:
    assert await is_claimed(url)
    with pytest.raises(DatabaseInUseError):
        await DatabaseClaim.take(url, "it", 0.0)
    await first.close()
    command = await DatabaseClaim.take(url, "it", 5.0)
    with pytest.raises(DatabaseInUseError):
        await ChatClaims.connect(Member(url, BOT, next(numbers)))
    await command.release()
    bot = await ChatClaims.connect(Member(url, BOT, next(numbers)))
    await bot.close()


async def test_dead_processes_are_counted_once(url: str, first: ChatClaims) -> None:
    third = await ChatClaims.connect(Member(url, BOT, 1 << 61))
    storage = await Storage.connect(url)
    processes = Processes(storage.database)
    await processes.note(1 << 61, "begun")
    assert await processes.look(5) == ("", False)
    await third.close()
    while not (await processes.look(5))[1]:
        pass
    async with storage.transaction() as tx:
        assert (await processes.left(tx), await processes.dead(tx, 5)) == ("", {1 << 61: "begun"})
        await processes.leave(tx, "counted", [1 << 61])
    assert await processes.look(5) == ("counted", False)
    assert await first.count_live() == (1, 0)
    await storage.close()


def test_locks_are_no_chats() -> None:
    assert LEADER_LOCK >= 1 << 52


async def test_locked_row_keeps_no_other_chat_back(storage: Storage, first: ChatClaims, second: ChatClaims) -> None:
    """Another process died, or was cut off, in the middle of a transaction about a chat."""
    await first.take([5])
    await first.give_back([5])
    async with storage.transaction() as tx:
        await tx.lock(5)
        assert {claim.telegram_id for claim in await first.take([4, 5, 6])} == {4, 6}
    assert [claim.telegram_id for claim in await second.take([5])] == [5], "no lock of it was left"


async def test_vanished_client_loses_its_session_in_seconds(first: ChatClaims, storage: Storage) -> None:
    """Keepalives end a session whose client is gone, and the user timeout one that was just being answered."""
    idle, interval, probes, unanswered = [
        int((await first._run(f"SELECT current_setting('{name}') AS value"))[0]["value"])
        for name in ("tcp_keepalives_idle", "tcp_keepalives_interval", "tcp_keepalives_count", "tcp_user_timeout")
    ]
    assert 0 < idle + interval * probes <= 8
    assert 0 < unanswered <= 8000
