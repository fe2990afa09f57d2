"""Counting the deaths of processes: which work each is blamed on. See ``quarantine``."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from bot.updates.in_flight import PreviousProcess, WorkKey, WorkKind, WorkRecord

MOST_DEATHS = 3
PER_DEATH = 3
"""What a death usually counts: deaths are counted in thirds."""
SUSPECT_DEATHS = 2
"""From how many deaths on work runs alone, where processes share a database."""
MOST_ASIDE = 1_000
"""The most that is kept of what was set aside; the newest."""


@dataclass(frozen=True, slots=True)
class Death:
    """What a dead process left."""

    left: PreviousProcess
    seen: bool
    """Whether its watchdog saw that it was blocked or crashed."""


def counted(mark: WorkRecord, death: Death, *, shared: bool) -> int:
    """The deaths of a piece of work, in thirds, with this one if it counts.

    `shared`: processes share a database. Then a death in company counts as well, up to SUSPECT_DEATHS; and one of an
    answer counts whole if nothing else was in flight, because that is rare with several processes.
    """
    blamed = [one for one in death.left.in_flight if one.alone] or death.left.in_flight
    if mark.key not in {one.key for one in blamed}:
        return mark.deaths
    only = len(blamed) == 1
    deaths = mark.deaths + _weight(mark, sure=death.seen or (shared and only))
    if only:
        return deaths
    return max(mark.deaths, min(deaths, SUSPECT_DEATHS * PER_DEATH)) if shared else mark.deaths


def with_deaths(left: Sequence[WorkRecord], deaths: Iterable[Death]) -> list[WorkRecord]:
    """The suspects and what was set aside, with what processes have died of since."""
    aside = {mark.key: mark for mark in left if mark.aside}
    suspects = {mark.key: mark for mark in left if not mark.aside}
    for death in deaths:
        aside |= {mark.key: mark for mark in death.left.marks if mark.aside}
        for mark in death.left.in_flight:
            known = max(mark.deaths, suspects[mark.key].deaths if mark.key in suspects else 0)
            count = counted(replace(mark, deaths=known), death, shared=True)
            if count:
                suspects[mark.key] = WorkRecord(mark.key, mark.chat_key, count, suspect=True)
    return [*list(aside.values())[-MOST_ASIDE:], *suspects.values()]


def ids_of(marks: Iterable[WorkRecord], kind: WorkKind) -> list[int]:
    """The IDs of suspects of one kind."""
    return [mark.key.id for mark in marks if mark.key.kind is kind and not mark.aside]


def still_open(marks: Iterable[WorkRecord], open_work: set[WorkKey], known: Iterable[WorkKind]) -> list[WorkRecord]:
    """Without the suspects of these kinds that have been finished meanwhile."""
    kinds = set(known)
    return [mark for mark in marks if mark.aside or mark.key.kind not in kinds or mark.key in open_work]


def _weight(mark: WorkRecord, *, sure: bool) -> int:
    """What a death in this work counts, in thirds."""
    return PER_DEATH if sure or mark.key.kind not in (WorkKind.ANSWER, WorkKind.COMPACTION) else 1
