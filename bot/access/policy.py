"""The bot's owners: those of the settings, and those who opened a one-time link.

Who is let in. People and groups are two things: a person opens the private chat, a group is let in as a group.
"""

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto

from storage import Storage, Transaction
from storage.access_list import AccessList, AccessStatus

LINK_LIFE_S = 86_400.0
"""A link is for whoever has just started the bot."""
LINK_BYTES = 24
"""Of randomness; as text 32 of the 64 characters that Telegram lets a link carry."""
_DECIDED = (AccessStatus.ALLOWED, AccessStatus.BLOCKED)


@dataclass(frozen=True, slots=True)
class AccessRules:
    """What the settings say."""

    mode: str
    """ACCESS."""
    owner_ids: frozenset[int] = frozenset()
    """OWNER_IDS."""
    allowed_ids: frozenset[int] = frozenset()
    """ALLOWED_IDS: people and groups."""

    @property
    def asks(self) -> bool:
        """Whether owners are asked about newcomers."""
        return self.mode == "approval"

    @property
    def is_list(self) -> bool:
        """Whether nothing but the settings gives access."""
        return self.mode == "list"

    @property
    def named_ids(self) -> frozenset[int]:
        """Those to whom the settings give access."""
        return self.owner_ids | self.allowed_ids


class Owners:
    """Those of the settings and, unless only the settings count, those who opened a link."""

    def __init__(self, access: AccessList, rules: AccessRules) -> None:
        self._access = access
        self._rules = rules

    @property
    def may_use_links(self) -> bool:
        """Whether a link makes someone an owner."""
        return not self._rules.is_list

    async def ids(self, tx: Transaction | None = None) -> list[int]:
        """All owners."""
        found = await self._access.having(AccessStatus.OWNER, tx=tx) if self.may_use_links else []
        return sorted({*filter(_is_person, self._rules.owner_ids), *(entry.applicant.telegram_id for entry in found)})

    async def has(self, user_id: int) -> bool:
        """Whether this is one."""
        if user_id in self._rules.owner_ids:
            return True
        return self.may_use_links and (await self._access.standings([user_id])).get(user_id) is AccessStatus.OWNER


async def new_link(storage: Storage, now: float) -> str:
    """Make a code that makes the first who says it an owner, for a day. Only its hash is kept."""
    code = secrets.token_urlsafe(LINK_BYTES)
    async with storage.transaction() as tx:
        await storage.access.add_link(tx, digest(code), now, now + LINK_LIFE_S)
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
    """A person, or the chat in whose name someone writes; `masked`: it may be anybody's channel."""

    id: int
    masked: bool = False


class AccessPolicy:
    """Decides, from the settings and from what the owners decided."""

    def __init__(self, access: AccessList, rules: AccessRules) -> None:
        self._access = access
        self._rules = rules
        self._moves: dict[int, int] = {}
        """The ids of groups that have moved, and their next ones; what is stored of them may not have moved yet."""

    @property
    def asks(self) -> bool:
        """Whether owners are asked about newcomers."""
        return self._rules.asks

    def is_named(self, group_id: int) -> bool:
        """Whether the settings give this group access."""
        return group_id in self._rules.allowed_ids

    def moved(self, old: int, new: int) -> None:
        """A group has another id from now on."""
        self._moves[old] = new

    async def verdict(self, sender: Sender | None, chat_id: int | None, *, direct: bool = False) -> Decision:
        """Look at someone in a chat; a private chat has its person's id.

        `direct`: the chat is a channel's direct messages, where each person is let in as in private.
        """
        user_id = sender.id if sender else None
        numbers = self._numbers(chat_id) if chat_id is not None else []
        ids = {*numbers, *([user_id] if user_id is not None else [])}
        standings = await self._access.standings(ids)
        decided = [one for one in numbers if one in self._rules.allowed_ids or standings.get(one) in _DECIDED]
        chat_id = next(iter(decided), chat_id)
        group = chat_id is not None and chat_id < 0
        if await self._is_blocked(sender, standings):
            return Decision.BLOCKED
        if group and standings.get(chat_id or 0) is AccessStatus.BLOCKED:
            return Decision.UNWELCOME
        if self._rules.mode == "open":
            return Decision.COME_IN
        known = self._rules.named_ids
        if self._rules.is_list:
            return Decision.COME_IN if (ids - {chat_id} if direct else ids) & known else Decision.STRANGER
        who = (chat_id if group and not direct else user_id) or 0
        let_in = who in known or standings.get(who) in (AccessStatus.ALLOWED, AccessStatus.OWNER)
        return Decision.COME_IN if let_in else Decision.STRANGER

    def now(self, number: int) -> int:
        """The number that a group has now."""
        seen: set[int] = set()
        while number in self._moves and number not in seen:
            seen.add(number)
            number = self._moves[number]
        return number

    def _numbers(self, number: int) -> list[int]:
        """All that a group had or has, this one first: what waits in the old one comes after what was decided moved."""
        now = self.now(number)
        others = (one for one in (*self._moves, now) if one != number and self.now(one) == now)
        return [number, *others]

    async def is_blocked(self, sender: Sender | None) -> bool:
        """Whether someone's words are to reach nobody.

        Telegram tells nobody whose channel speaks in a group. As soon as a person is blocked it may be theirs, so that
        from then on only the channels are heard that an owner has let in.
        """
        return await self._is_blocked(sender, await self._access.standings([sender.id] if sender else []))

    async def _is_blocked(self, sender: Sender | None, standings: Mapping[int, AccessStatus]) -> bool:
        if sender is None or sender.id in self._rules.owner_ids:
            return False
        status = standings.get(sender.id)
        if status is AccessStatus.BLOCKED or not sender.masked:
            return status is AccessStatus.BLOCKED
        let_in = status is AccessStatus.ALLOWED or sender.id in self._rules.allowed_ids
        return not let_in and await self._access.blocks_anybody()
