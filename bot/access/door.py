"""Who is let in. People and groups are two things: a person opens the private chat, a group is let in as a group."""

from dataclasses import dataclass, field
from enum import Enum, auto

from bot.access.owners import Owners
from storage import Storage
from storage.guests import Standing

_DECIDED = (Standing.ALLOWED, Standing.BLOCKED)


class Verdict(Enum):
    """What becomes of whoever is at the door."""

    COME_IN = auto()
    STRANGER = auto()
    BLOCKED = auto()
    """A person who is heard nowhere."""
    UNWELCOME = auto()
    """A group that the bot is to leave."""


@dataclass(frozen=True, slots=True)
class Sender:
    """A person, or the chat in whose name somebody writes; `masked`: it may be anybody's channel."""

    id: int
    masked: bool = False


@dataclass(frozen=True, slots=True)
class Door:
    """`mode` is ACCESS, `allowed` is ALLOWED_IDS."""

    storage: Storage
    mode: str
    owners: Owners
    allowed: frozenset[int]
    moves: dict[int, int] = field(default_factory=dict)
    """The numbers of groups that have moved, and their next ones; what is kept of them may not have moved yet."""

    @property
    def asks(self) -> bool:
        """Whether owners are asked about newcomers."""
        return self.mode == "approval"

    async def verdict(self, sender: Sender | None, chat_id: int | None, *, direct: bool = False) -> Verdict:
        """Look at somebody in a chat; a private chat has its person's id.

        `direct`: the chat is a channel's direct messages, where each person is let in as in private.
        """
        user_id = sender.id if sender else None
        numbers = self._numbers(chat_id) if chat_id is not None else []
        ids = {*numbers, *([user_id] if user_id is not None else [])}
        standings = await self.storage.access.standings(ids)
        decided = [one for one in numbers if one in self.allowed or standings.get(one) in _DECIDED]
        chat_id = next(iter(decided), chat_id)
        group = chat_id is not None and chat_id < 0
        if await self.is_blocked(sender):
            return Verdict.BLOCKED
        if group and standings.get(chat_id or 0) is Standing.BLOCKED:
            return Verdict.UNWELCOME
        if self.mode == "open":
            return Verdict.COME_IN
        known = self.owners.of_settings | self.allowed
        if self.mode == "list":
            return Verdict.COME_IN if (ids - {chat_id} if direct else ids) & known else Verdict.STRANGER
        who = (chat_id if group and not direct else user_id) or 0
        let_in = who in known or standings.get(who) in (Standing.ALLOWED, Standing.OWNER)
        return Verdict.COME_IN if let_in else Verdict.STRANGER

    def now(self, number: int) -> int:
        """The number that a group has now."""
        seen: set[int] = set()
        while number in self.moves and number not in seen:
            seen.add(number)
            number = self.moves[number]
        return number

    def _numbers(self, number: int) -> list[int]:
        """All that a group had or has, this one first: what waits in the old one comes after what was decided moved."""
        now = self.now(number)
        others = (one for one in (*self.moves, now) if one != number and self.now(one) == now)
        return [number, *others]

    async def is_blocked(self, sender: Sender | None) -> bool:
        """Whether somebody's words are to reach nobody.

        Telegram tells nobody whose channel speaks in a group. As soon as a person is blocked it may be theirs, so that
        from then on only the channels are heard that an owner has let in.
        """
        if sender is None or sender.id in self.owners.of_settings:
            return False
        standing = (await self.storage.access.standings([sender.id])).get(sender.id)
        if standing is Standing.BLOCKED or not sender.masked:
            return standing is Standing.BLOCKED
        let_in = standing is Standing.ALLOWED or sender.id in self.allowed
        return not let_in and await self.storage.access.blocks_anybody()
