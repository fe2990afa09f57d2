"""Usage is added up by chat and day."""

from dataclasses import astuple, fields
from datetime import date

from bot.archive.schema import ExportedDayUsage, ExportedUsage
from storage import Storage
from storage.records import Chat, DayUsage, Usage
from storage.usage import NUMBERS
from tests.storage.catalog import columns

MONDAY, TUESDAY, WEDNESDAY = date(2026, 11, 23), date(2026, 11, 24), date(2026, 11, 25)


async def test_days_usage_is_summed_over_models(storage: Storage, chat: Chat) -> None:
    async with storage.transaction() as tx:
        await storage.usage.record(tx, chat.id, MONDAY, "qwen-plus", Usage(100, 20, 5))
        await storage.usage.record(tx, chat.id, MONDAY, "qwen-plus", Usage(200, 180, 6))
        await storage.usage.record(tx, chat.id, MONDAY, "qwen-vl", Usage(10, 0, 1))
        await storage.usage.record(tx, chat.id, WEDNESDAY, "qwen-plus", Usage(1, 1, 1))
    assert await storage.usage.between(chat.id, MONDAY, TUESDAY) == [DayUsage(MONDAY, 3, Usage(310, 200, 12))]
    assert len(await storage.usage.between(chat.id, MONDAY, WEDNESDAY)) == 2


async def test_models_of_a_day_are_sorted_by_bytes(storage: Storage, chat: Chat) -> None:
    """Whatever the language of the database, which may put small letters first and skip hyphens."""
    models = ["Qwen", "a-c", "ab", "qwen", "ıq"]
    async with storage.transaction() as tx:
        for model in reversed(models):
            await storage.usage.record(tx, chat.id, MONDAY, model, Usage(100, 20, 5))
    assert [one.model for one in await storage.usage.by_model(chat.id, MONDAY, MONDAY)] == models
    archived = await storage.archive.read(chat.key)
    assert archived is not None
    assert [one.model for one in archived.usage] == models


async def test_side_request_costs_but_is_no_turn(storage: Storage, chat: Chat) -> None:
    async with storage.transaction() as tx:
        await storage.usage.record(tx, chat.id, MONDAY, "qwen-plus", Usage(100, 20, 5))
        await storage.usage.record(tx, chat.id, MONDAY, "qwen-plus", Usage(50, 40, 30), turns=0)
    assert await storage.usage.between(chat.id, MONDAY, MONDAY) == [DayUsage(MONDAY, 1, Usage(150, 60, 35))]


async def test_anonymous_group_identity_is_no_person_in_usage(storage: Storage) -> None:
    async with storage.transaction() as tx:
        for sender in (7, -100500, None):
            await storage.usage.record_for_user(tx, sender, MONDAY, "qwen-plus", Usage(100, 20, 5))
    assert await storage.usage.by_user() == {7: Usage(100, 20, 5)}


async def test_each_number_has_a_column_and_exported_field(storage: Storage) -> None:
    for table in ("usage", "spending"):
        assert await columns(storage.database, table) >= {*NUMBERS}
    assert [one.name for one in fields(Usage)] == list(ExportedDayUsage.model_fields)[-len(NUMBERS) :]
    assert list(ExportedUsage.model_fields) == [one.name for one in fields(Usage)][:3]


def test_usages_are_added_field_by_field() -> None:
    one = Usage(*range(1, len(NUMBERS) + 1))
    assert astuple(one + one) == tuple(2 * number for number in astuple(one))
