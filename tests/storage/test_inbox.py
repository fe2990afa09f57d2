"""Every update is kept once, until it is handled and old."""

import pytest

from storage import Storage, presence
from storage.inbox import RawUpdate


async def _add(storage: Storage, *update_ids: int, now: float = 0.0) -> set[int]:
    async with storage.transaction() as tx:
        return await storage.inbox.add(tx, [RawUpdate(one, f'{{"update_id": {one}}}') for one in update_ids], now)


async def test_an_update_that_comes_twice_is_new_once(storage: Storage) -> None:
    assert await _add(storage, 7, 8) == {7, 8}
    assert await _add(storage, 8, 9) == {9}


async def test_unhandled_updates_return_unchanged_in_telegrams_order(storage: Storage) -> None:
    await _add(storage, 9, 7)
    assert await storage.inbox.unhandled() == [
        RawUpdate(7, '{"update_id": 7}'),
        RawUpdate(9, '{"update_id": 9}'),
    ]


async def test_a_handled_update_does_not_come_back(storage: Storage) -> None:
    await _add(storage, 7, 8, 9)
    async with storage.transaction() as tx:
        await storage.inbox.done(tx, [7])
        await storage.inbox.unreadable(tx, [8])
    assert [raw.update_id for raw in await storage.inbox.unhandled()] == [9]


async def test_text_of_every_script_survives_json(storage: Storage) -> None:
    raw = RawUpdate(1, '{"text": "a \\"quote\\", 你好, \\ud83d\\ude00, \\u0000 and a \\\\"}')
    async with storage.transaction() as tx:
        await storage.inbox.add(tx, [raw], 0.0)
    assert await storage.inbox.unhandled() == [raw]


async def test_pruning_takes_old_handled_updates_only(storage: Storage) -> None:
    await _add(storage, 1, 2, now=10.0)
    await _add(storage, 3, now=20.0)
    async with storage.transaction() as tx:
        await storage.inbox.done(tx, [1, 3])
        assert await storage.inbox.prune(tx, before=15.0) == 1
    rows = await storage.database.rows("SELECT update_id FROM inbox ORDER BY update_id")
    assert [row["update_id"] for row in rows] == [2, 3]


async def test_what_is_set_aside_can_be_renewed(storage: Storage) -> None:
    await _add(storage, 7, 8)
    async with storage.transaction() as tx:
        await storage.inbox.quarantine(tx, [7])
        assert await storage.inbox.quarantined(tx, 7) == RawUpdate(7, '{"update_id": 7}')
        assert await storage.inbox.quarantined(tx, 8) is None
    assert [raw.update_id for raw in await storage.inbox.unhandled()] == [8]
    async with storage.transaction() as tx:
        await storage.inbox.renew(tx, 7)
    assert [raw.update_id for raw in await storage.inbox.unhandled()] == [7, 8]


async def test_only_what_was_set_aside_keeps_words(storage: Storage) -> None:
    kinds = {
        1: '{"update_id": 1, "message": {"chat": {"id": -7}, "text": "Zanzibar"}}',
        2: '{"update_id": 2, "callback_query": {"message": {"chat": {"id": -7}}, "data": "Zanzibar"}}',
        3: '{"update_id": 3, "message": {"chat": {"id": 8}, "text": "Zanzibar"}}',
        4: "Zanzibar",
        5: '{"update_id": 5, "edited_message": {"chat": {"id": -7}, "text": "Zanzibar"}}',
        6: '{"update_id": 6, "message": {"chat": {"id": -7}, "text": "Zanzibar"}}',
    }
    async with storage.transaction() as tx:
        await storage.inbox.add(tx, [RawUpdate(number, raw) for number, raw in kinds.items()], now=0.0)
        await storage.inbox.done(tx, [1, 3])
        await storage.inbox.unreadable(tx, [4])
        await storage.inbox.quarantine(tx, [6])
    assert await _with_words(storage) == [2, 5, 6]  # 2 and 5 are not handled yet
    async with storage.transaction() as tx:
        await storage.inbox.forget(tx, -7)
    assert await _with_words(storage) == [2, 5]
    async with storage.transaction() as tx:
        await storage.inbox.quarantine(tx, [2])
        await presence.migrate(tx, -7, -1007)
        await storage.inbox.forget(tx, -1007)
    assert await _with_words(storage) == [5]


async def test_words_kept_by_earlier_versions_are_blanked(storage: Storage) -> None:
    async with storage.transaction() as tx:
        await storage.inbox.add(tx, [RawUpdate(1, '{"message": {"chat": {"id": -7}, "text": "Zanzibar"}}')], now=20.0)
        await tx.execute("UPDATE inbox SET state = 'done'")
        await storage.inbox.prune(tx, before=10.0)
    assert await _with_words(storage) == []


async def _with_words(storage: Storage) -> list[int]:
    rows = await storage.database.rows("SELECT update_id FROM inbox WHERE raw LIKE '%Zanzibar%' ORDER BY update_id")
    return [row["update_id"] for row in rows]


@pytest.mark.parametrize(
    ("raw", "kept"),
    [
        (
            '{"message": {"date": "zanzibar", "text": "zanzibar", "location": {"latitude": 47.5},'
            ' "chat": {"id": 7, "type": "private", "first_name": "zanzibar"}, "entities": ["zanzibar", [true, null]]}}',
            '{"message": {"date": "", "text": "", "location": {"latitude": 0.0},'
            ' "chat": {"id": 7, "type": "private", "first_name": ""}, "entities": ["", [true, null]]}}',
        ),
        ("zanzibar", "{}"),
        ("[" * 100_000 + '"zanzibar"', "{}"),
    ],
    ids=["form", "no JSON", "too deep"],
)
async def test_unreadable_update_keeps_form_without_words(storage: Storage, raw: str, kept: str) -> None:
    async with storage.transaction() as tx:
        await storage.inbox.add(tx, [RawUpdate(1, raw)], now=0.0)
        await storage.inbox.unreadable(tx, [1])
    assert storage.database.soiled
    row = await storage.database.row("SELECT state, raw FROM inbox")
    assert row is not None
    assert (row["state"], row["raw"]) == ("unreadable", kept)
