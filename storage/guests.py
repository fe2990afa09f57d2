"""Who is at the door: the values that go into and come out of ``storage.access``."""

from dataclasses import dataclass
from enum import StrEnum


class Standing(StrEnum):
    """How somebody, or a group, stands with the bot."""

    ASKING = "asking"
    ALLOWED = "allowed"
    DENIED = "denied"
    BLOCKED = "blocked"
    OWNER = "owner"


@dataclass(frozen=True, slots=True)
class Guest:
    """A person, or a group (with a negative id), as Telegram shows them."""

    telegram_id: int
    name: str = ""
    username: str | None = None
    language: str | None = None
    """Of a person's apps, or of whoever brought the bot into the group (IETF)."""
    brought_by: str | None = None
    """Of a group: the name of whoever brought the bot in."""
    bringer_id: int | None = None

    @property
    def is_person(self) -> bool:
        """Whether this is no group."""
        return self.telegram_id > 0


@dataclass(frozen=True, slots=True)
class Decider:
    """Who decides; without an id: whoever runs the bot, from the shell."""

    user_id: int | None = None
    name: str | None = None


SHELL = Decider()


@dataclass(frozen=True, slots=True)
class Entry:
    """One row: a guest and what was decided. Times are in seconds since 1970 (UTC)."""

    id: int
    guest: Guest
    standing: Standing
    asked_at: float | None = None
    decided_at: float | None = None
    decided_by: Decider = SHELL


class LinkState(StrEnum):
    """What became of a link that makes owners."""

    CLAIMED = "claimed"
    USED = "used"
    EXPIRED = "expired"
