"""The bot's owners: those of the settings, and those who opened a one-time link.

Who is let in. People and groups are two things: a person opens the private chat, a group is let in as a group.
"""

import hashlib
import secrets
from dataclasses import dataclass, field
from enum import Enum, auto

from storage import Storage
from storage.access_list import AccessStatus

LINK_LIFE_S = 86_400.0
"""A link is for whoever has just started the bot."""
LINK_BYTES = 24
"""Of randomness; as text 32 of the 64 characters that Telegram lets a link carry."""
_DECIDED = (AccessStatus.ALLOWED, AccessStatus.BLOCKED)


@dataclass(frozen=True, slots=True)
class Owners:
    """`of_settings` is OWNER_IDS; `stored`: those of the database count too, which they don't with ACCESS=list."""

    storage: Storage
    of_settings: frozenset[int]
    stored: bool

    async def ids(self) -> list[int]:
        """All owners."""
        found = await self.storage.access.having(AccessStatus.OWNER) if self.stored else []
        return sorted({*filter(_is_person, self.of_settings), *(entry.guest.telegram_id for entry in found)})

    async def has(self, user_id: int) -> bool:
        """Whether this is one."""
        if user_id in self.of_settings:
            return True
        return self.stored and (await self.storage.access.standings([user_id])).get(user_id) is AccessStatus.OWNER


async def new_link(storage: Storage, now: float) -> str:
    """Make a code that makes the first who says it an owner, for a day. Only its hash is kept."""
    code = secrets.token_urlsafe(LINK_BYTES)
    async with storage.transaction() as tx:
        await storage.owner_links.add(tx, digest(code), now, now + LINK_LIFE_S)
    return code


def digest(code: str) -> str:
    """What is kept of a code. It is random, so that a plain hash can't be guessed back."""
    return hashlib.sha256(code.encode()).hexdigest()


def _is_person(telegram_id: int) -> bool:
    return telegram_id > 0


class Decision(Enum):
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
class AccessPolicy:
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

    async def verdict(self, sender: Sender | None, chat_id: int | None, *, direct: bool = False) -> Decision:
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
            return Decision.BLOCKED
        if group and standings.get(chat_id or 0) is AccessStatus.BLOCKED:
            return Decision.UNWELCOME
        if self.mode == "open":
            return Decision.COME_IN
        known = self.owners.of_settings | self.allowed
        if self.mode == "list":
            return Decision.COME_IN if (ids - {chat_id} if direct else ids) & known else Decision.STRANGER
        who = (chat_id if group and not direct else user_id) or 0
        let_in = who in known or standings.get(who) in (AccessStatus.ALLOWED, AccessStatus.OWNER)
        return Decision.COME_IN if let_in else Decision.STRANGER

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
        if standing is AccessStatus.BLOCKED or not sender.masked:
            return standing is AccessStatus.BLOCKED
        let_in = standing is AccessStatus.ALLOWED or sender.id in self.allowed
        return not let_in and await self.storage.access.blocks_anybody()
