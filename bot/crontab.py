"""A schedule as crontab(5) has it: five fields or a nickname, by the clock on the wall of a time zone.

cronsim does what Debian's cron does: day of month and day of week, where neither begins with a star, mean either; what
falls into an hour that the clocks skip is due right after it, and what falls into one that they repeat is due once. It
takes seconds and other inventions as well, which no crontab has.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

NICKNAMES = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_VALUE = r"(?:[0-9]{1,4}|[a-z]{3})"
_ITEM = rf"(?:(?:\*|{_VALUE}-{_VALUE})(?:/[0-9]{{1,4}})?|{_VALUE})"
_FIELD = re.compile(rf"{_ITEM}(?:,{_ITEM})*", re.IGNORECASE | re.ASCII)
_FIELDS = ("minute", "hour", "day of month", "month", "day of week")
_ANY_TIME = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Crontab:
    """When something is due."""

    fields: str
    zone: ZoneInfo

    @classmethod
    def parse(cls, text: str, zone: ZoneInfo) -> Self:
        """Read five fields or a nickname. Raises ValueError with what is wrong in words."""
        words = re.split(r"[ \t]+", text.strip(" \t"))
        if words[0].startswith("@"):
            words = _meant_by(text.strip(" \t")).split()
        if len(words) != len(_FIELDS):
            raise ValueError(f"it has five fields, not {len(words)}")
        for name, word in zip(_FIELDS, words, strict=True):
            if not _FIELD.fullmatch(word):
                raise ValueError(f"{name}: {word[:20]!r} is not a number, a name, a range, a step or a list of them")
        found = cls(" ".join(words), zone)
        try:
            due = found.after(_ANY_TIME)
        except CronSimError as exc:
            raise ValueError(f"{str(exc).lower()}: out of range, or a day that never comes") from exc
        if due is None:
            raise ValueError("that day never comes")
        return found

    def after(self, moment: datetime) -> datetime | None:
        """The first time later than the moment, both in UTC; None: never."""
        return next((due for due in self._due(moment) if due > moment), None)

    def _due(self, moment: datetime) -> Iterator[datetime]:
        """The times from about then on: of an hour that is repeated the first one is meant, which may be over."""
        return (due.astimezone(UTC) for due in CronSim(self.fields, moment.astimezone(self.zone)))


def _meant_by(nickname: str) -> str:
    if nickname.lower() == "@reboot":
        raise ValueError("@reboot is not a time: the bot catches up on what is due whenever it starts")
    try:
        return NICKNAMES[nickname.lower()]
    except KeyError:
        raise ValueError(f"{nickname[:20]!r} is not one of {', '.join(NICKNAMES)}") from None
