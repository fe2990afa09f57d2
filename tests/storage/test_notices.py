"""A notice waits until it is sent, and is remembered while it has a button."""

from dataclasses import replace

from storage import Storage
from storage.records import Button, Notice
from tests.storage.conftest import HOME


async def _add(storage: Storage, notice: Notice) -> int:
    async with storage.transaction() as tx:
        await storage.notices.add(tx, notice)
    return (await storage.notices.waiting(notice.place))[-1][0]


async def test_a_notice_waits_until_it_was_sent(storage: Storage) -> None:
    notice = Notice(HOME, private=True, text="hello", reply_to=3)
    notice_id = await _add(storage, notice)
    assert await storage.notices.waiting(HOME) == [(notice_id, notice)]
    assert await storage.chats.with_open_work() == [HOME]
    async with storage.transaction() as tx:
        await storage.notices.sent(tx, notice_id, 50)
    assert await storage.notices.waiting(HOME) == []
    assert await storage.chats.with_open_work() == []


async def test_expired_button_is_removed(storage: Storage) -> None:
    notice = Notice(HOME, private=True, text="done", buttons=(Button("Undo", "undo:1"),), button_until=60.0)
    notice_id = await _add(storage, notice)
    assert await storage.notices.expired_buttons(61.0) == []
    async with storage.transaction() as tx:
        await storage.notices.sent(tx, notice_id, 50)
    assert await storage.notices.expired_buttons(59.0) == []
    assert await storage.notices.expired_buttons(60.0) == [(notice_id, HOME.telegram_id, 50)]
    async with storage.transaction() as tx:
        await storage.notices.button_gone(tx, HOME, 50)
    assert await storage.notices.expired_buttons(61.0) == []


async def test_notice_set_aside_can_be_renewed(storage: Storage) -> None:
    notice = Notice(HOME, private=True, text="hello")
    notice_id = await _add(storage, notice)
    async with storage.transaction() as tx:
        assert not await storage.notices.renew(tx, HOME, notice_id)
        await storage.notices.set_aside(tx, notice_id, 60.0)
    assert await storage.notices.waiting(HOME) == []
    async with storage.transaction() as tx:
        assert not await storage.notices.renew(tx, replace(HOME, thread_id=9), notice_id)
        assert await storage.notices.renew(tx, HOME, notice_id)
    assert await storage.notices.waiting(HOME) == [(notice_id, notice)]


async def test_what_is_taken_back_lends_no_id(storage: Storage) -> None:
    stopped = await _add(storage, Notice(HOME, private=True, text="long " * 1000))
    async with storage.transaction() as tx:
        assert await storage.notices.stop(tx, HOME) == 1
    told = Notice(HOME, private=True, text="Stopped.")
    added = await _add(storage, told)
    async with storage.transaction() as tx:  # a part of it was on its way, and has arrived
        await storage.notices.sent(tx, stopped, 50)
    assert await storage.notices.waiting(HOME) == [(added, told)]
