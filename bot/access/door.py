"""Who is let in. People and groups are two things: a person opens the private chat, a group is let in as a group."""

from dataclasses import dataclass
from enum import Enum, auto

from bot.access.owners import Owners
from storage import Storage
from storage.guests import Standing


class Verdict(Enum):
    """What becomes of whoever is at the door."""

    COME_IN = auto()
    STRANGER = auto()
    BLOCKED = auto()
    """A person who is heard nowhere."""
    UNWELCOME = auto()
    """A group that the bot is to leave."""


@dataclass(frozen=True, slots=True)
class Door:
    """`mode` is ACCESS, `allowed` is ALLOWED_IDS."""

    storage: Storage
    mode: str
    owners: Owners
    allowed: frozenset[int]

    @property
    def asks(self) -> bool:
        """Whether owners are asked about newcomers."""
        return self.mode == "approval"

    async def verdict(self, user_id: int | None, chat_id: int | None) -> Verdict:
        """Look at somebody in a chat; a private chat has its person's id."""
        ids = {number for number in (user_id, chat_id) if number is not None}
        standings = await self.storage.access.standings(ids)
        group = chat_id is not None and chat_id < 0
        if user_id not in self.owners.of_settings and standings.get(user_id or 0) is Standing.BLOCKED:
            return Verdict.BLOCKED
        if group and standings.get(chat_id or 0) is Standing.BLOCKED:
            return Verdict.UNWELCOME
        if self.mode == "open":
            return Verdict.COME_IN
        known = self.owners.of_settings | self.allowed
        if self.mode == "list":
            return Verdict.COME_IN if ids & known else Verdict.STRANGER
        who = (chat_id if group else user_id) or 0
        let_in = who in known or standings.get(who) in (Standing.ALLOWED, Standing.OWNER)
        return Verdict.COME_IN if let_in else Verdict.STRANGER

    async def is_blocked(self, user_id: int | None) -> bool:
        """Whether a person's words are to reach nobody."""
        if user_id is None or user_id in self.owners.of_settings:
            return False
        return (await self.storage.access.standings([user_id])).get(user_id) is Standing.BLOCKED
