"""The owners learn once that the model server refuses the bot, however many processes notice."""

import asyncio
from datetime import date

from bot.access.policy import AccessRules, Owners
from bot.errors import ModelError, NoCredit, WrongKey
from bot.handlers.broadcast import OwnerAlerts
from bot.updates.lanes import Wakeups
from storage import Storage
from storage.records import ChatKey

OWNERS = (7, 8)


class Lanes(Wakeups):
    def __init__(self) -> None:
        self.woken: list[int] = []

    def wake(self, key: ChatKey) -> None:
        self.woken.append(key.telegram_id)


class Fleet:
    """Two processes on one database."""

    def __init__(self, storage: Storage) -> None:
        self.today = date(2026, 1, 1)
        self.lanes = Lanes()
        self._storage = storage
        self._owners = Owners(storage.access, AccessRules("list", owner_ids=frozenset(OWNERS)))
        self.first, self.second = self.started(), self.started()

    def started(self) -> OwnerAlerts:
        """Another process."""
        return OwnerAlerts(self._storage, self._owners, self.lanes, lambda: self.today)

    async def alerts(self) -> int:
        """How many alerts each owner got."""
        rows = await self._storage.database.rows("SELECT telegram_id, count(*) AS sent FROM notices GROUP BY 1")
        counts = {row["telegram_id"]: row["sent"] for row in rows}
        assert sorted(self.lanes.woken) == sorted(owner for owner, count in counts.items() for _ in range(count))
        assert counts.get(OWNERS[0]) == counts.get(OWNERS[1])
        return int(counts.get(OWNERS[0], 0))


async def test_one_alert_for_all_processes(storage: Storage) -> None:
    fleet = Fleet(storage)
    await asyncio.gather(*(one.record(WrongKey("no")) for one in (fleet.first, fleet.second, fleet.first)))
    assert await fleet.alerts() == 1
    await fleet.second.record(NoCredit("no"))
    await fleet.first.record(NoCredit("no"))
    await fleet.first.record(ModelError("another one"))
    assert await fleet.alerts() == 2


async def test_an_answer_makes_the_next_refusal_new(storage: Storage) -> None:
    fleet = Fleet(storage)
    for one in (fleet.first, fleet.second, fleet.started()):
        await one.record(WrongKey("no"))
        await one.record(None)
    assert await fleet.alerts() == 3


async def test_restart_repeats_no_alert_on_the_same_day(storage: Storage) -> None:
    fleet = Fleet(storage)
    for fleet.today in (date(2026, 1, 1), date(2026, 1, 2)):
        await fleet.started().record(WrongKey("no"))
        await fleet.started().record(WrongKey("no"))
    assert await fleet.alerts() == 2
