"""The list of who has access: one row for each, a decision once, and a group that moves keeps its own."""

import pytest

from storage import Storage, presence
from storage.access_list import SHELL, AccessStatus, Applicant, Decider, LinkState
from storage.records import Button, ChatKey, Notice

BOB = Applicant(7, "Bob", "bob", "en")
ANN = Decider(1, "Ann")
OLD, NEW = Applicant(-5, "Friends"), Applicant(-100500, "Friends")


async def _knock(storage: Storage, applicant: Applicant, now: float = 10.0, denied_before: float = 0.0) -> int | None:
    async with storage.transaction() as tx:
        entry = await storage.access.request_access(tx, applicant, now, denied_before)
    return entry.id if entry else None


async def _put(storage: Storage, applicant: Applicant, status: AccessStatus, now: float = 20.0) -> None:
    async with storage.transaction() as tx:
        await storage.access.put(tx, applicant, status, ANN, now)


async def test_repeated_requests_make_one_row(storage: Storage) -> None:
    assert await _knock(storage, BOB) is not None
    assert await _knock(storage, BOB) is None
    assert [entry.applicant for entry in await storage.access.having(AccessStatus.ASKING)] == [BOB]


async def test_whoever_decides_first_has_decided(storage: Storage) -> None:
    number = await _knock(storage, BOB)
    assert number is not None
    async with storage.transaction() as tx:
        assert await storage.access.decide(tx, number, AccessStatus.ALLOWED, ANN, 20.0)
        assert not await storage.access.decide(tx, number, AccessStatus.BLOCKED, SHELL, 30.0)
        entry = await storage.access.seen(tx, number)
    assert entry is not None
    assert (entry.status, entry.decided_by, entry.decided_at) == (AccessStatus.ALLOWED, ANN, 20.0)


@pytest.mark.parametrize("status", list(AccessStatus))
async def test_only_long_denied_person_may_ask_again(storage: Storage, status: AccessStatus) -> None:
    await _put(storage, BOB, status)
    assert await _knock(storage, BOB, 30.0, denied_before=19.0) is None
    assert (await _knock(storage, BOB, 30.0, denied_before=20.0) is not None) == (status is AccessStatus.DENIED)


async def test_latest_username_belongs_to_its_last_user(storage: Storage) -> None:
    """Telegram may give a username to somebody else."""
    for number, now in ((7, 10.0), (8, 30.0), (9, 20.0)):
        await _knock(storage, Applicant(number, "Bob", "bob"), now)
    await _put(storage, Applicant(10, "Bob", "bob"), AccessStatus.ALLOWED)
    entry = await storage.access.by_username("Bob")
    assert entry is not None
    assert entry.applicant.telegram_id == 8


async def test_a_username_has_the_letters_of_telegram(storage: Storage) -> None:
    """Whatever the language of the database: in Turkish, the small letter of I is not i."""
    await _knock(storage, Applicant(7, "Ilker", "ILKER_I"))
    entry = await storage.access.by_username("ilker_i")
    assert entry is not None
    assert entry.applicant.telegram_id == 7


async def test_decision_without_name_keeps_known_name(storage: Storage) -> None:
    await _knock(storage, BOB)
    await _put(storage, Applicant(7), AccessStatus.BLOCKED)
    entry = await storage.access.by_username("BOB")
    assert entry is not None
    assert (entry.applicant, entry.status) == (BOB, AccessStatus.BLOCKED)


@pytest.mark.parametrize(
    ("old", "new", "then"),
    [
        (AccessStatus.ALLOWED, None, AccessStatus.ALLOWED),
        (AccessStatus.BLOCKED, AccessStatus.ASKING, AccessStatus.BLOCKED),
        (AccessStatus.ASKING, AccessStatus.ALLOWED, AccessStatus.ALLOWED),
        (AccessStatus.ALLOWED, AccessStatus.BLOCKED, AccessStatus.BLOCKED),
        (AccessStatus.BLOCKED, AccessStatus.ALLOWED, AccessStatus.ALLOWED),
        (None, AccessStatus.ALLOWED, AccessStatus.ALLOWED),
    ],
)
async def test_a_group_that_moves_keeps_what_was_decided(
    storage: Storage, old: AccessStatus | None, new: AccessStatus | None, then: AccessStatus
) -> None:
    for now, (applicant, status) in enumerate(((OLD, old), (NEW, new))):
        if status is AccessStatus.ASKING:
            await _knock(storage, applicant)
        elif status is not None:
            await _put(storage, applicant, status, float(now))
    async with storage.transaction() as tx:
        await presence.migrate(tx, OLD.telegram_id, NEW.telegram_id)
    found = await storage.access.having(*AccessStatus)
    assert [(entry.applicant.telegram_id, entry.status) for entry in found] == [(NEW.telegram_id, then)]


async def test_reset_forget_and_leave_keep_access(storage: Storage) -> None:
    await _put(storage, BOB, AccessStatus.ALLOWED)
    async with storage.transaction() as tx:
        chat = await storage.chats.ensure(tx, ChatKey(BOB.telegram_id), private=True, now=0.0)
        await storage.deletions.reset(tx, chat.id, 1.0)
        await storage.inbox.forget(tx, BOB.telegram_id)
        await presence.left(tx, BOB.telegram_id)
    assert await storage.access.statuses([BOB.telegram_id]) == {BOB.telegram_id: AccessStatus.ALLOWED}


async def test_open_questions_are_kept_weeks_after_decision(storage: Storage) -> None:
    number = await _knock(storage, BOB)
    question = Notice(ChatKey(1), True, "May Bob?", buttons=(Button("Allow", "x"),), about=number)
    async with storage.transaction() as tx:
        await storage.outbox.add(tx, question)
        await storage.outbox.add(tx, Notice(ChatKey(2), True, "May Bob?", about=number))
    [(notice_id, waiting)] = await storage.outbox.notices(ChatKey(1))
    assert waiting == question
    assert number is not None
    async with storage.transaction() as tx:
        await storage.outbox.notice_sent(tx, notice_id, 77)
        assert await storage.outbox.end_requests(tx, number, 100.0) == [(1, 77)]
        assert await storage.outbox.end_requests(tx, number, 100.0) == []
    assert await storage.outbox.notices(ChatKey(2)) == []
    entry = await storage.access.of_request(1, 77)
    assert entry is not None
    assert entry.applicant == BOB


async def test_owner_link_works_once_until_expired_or_replaced(storage: Storage) -> None:
    async with storage.transaction() as tx:
        await storage.access.add_link(tx, "first", 0.0, 100.0)
        await storage.access.add_link(tx, "second", 10.0, 110.0)
        assert await storage.access.claim_link(tx, "first", 1, 20.0) is LinkState.EXPIRED
        assert await storage.access.claim_link(tx, "second", 1, 110.0) is LinkState.EXPIRED
        assert await storage.access.claim_link(tx, "second", 1, 109.0) is LinkState.CLAIMED
        assert await storage.access.claim_link(tx, "second", 1, 109.0) is LinkState.USED
    assert await storage.access.has_link("first")
    assert not await storage.access.has_link("third")


async def test_group_to_leave_is_listed_until_left(storage: Storage) -> None:
    await _put(storage, OLD, AccessStatus.BLOCKED)
    async with storage.transaction() as tx:
        await storage.access.leave(tx, OLD.telegram_id)
    assert await storage.access.to_leave() == [OLD.telegram_id]
    async with storage.transaction() as tx:
        await storage.access.has_left(tx, OLD.telegram_id)
    assert await storage.access.to_leave() == []
