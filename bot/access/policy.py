"""Who is let in, and who the owners are: those named in the settings, and those who opened a one-time link.

People and groups are let in separately: a person for their private chat, a group as a whole.
"""

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto

from storage import Transaction
from storage.access_list import AccessList, AccessStatus
from storage.database import Database

LINK_LIFE_S = 86_400.0
"""A link is meant for the person who has just started the bot."""
LINK_BYTES = 24
"""Random bytes; encoded, they are 32 of the 64 characters that Telegram allows in a link."""
_DECIDED = (AccessStatus.ALLOWED, AccessStatus.BLOCKED)


@dataclass(frozen=True, slots=True)
class AccessRules:
    """What the settings say about access."""

    mode: str
    """ACCESS: "approval", "list" or "open"."""
    owner_ids: frozenset[int] = frozenset()
    """OWNER_IDS."""
    allowed_ids: frozenset[int] = frozenset()
    """ALLOWED_IDS: people, and groups with negative IDs."""

    @property
    def asks(self) -> bool:
        """Whether owners are asked about newcomers."""
        return self.mode == "approval"

    @property
    def is_list(self) -> bool:
        """Whether only the settings give access."""
        return self.mode == "list"

    @property
    def named_ids(self) -> frozenset[int]:
        """The IDs to which the settings give access."""
        return self.owner_ids | self.allowed_ids


class Owners:
    """The owners named in the settings and, unless only the settings count, those who opened a link."""

    def __init__(self, access: AccessList, rules: AccessRules) -> None:
        self._access = access
        self._rules = rules

    @property
    def may_use_links(self) -> bool:
        """Whether a link makes someone an owner."""
        return not self._rules.is_list

    async def ids(self, tx: Transaction | None = None) -> list[int]:
        """All owners' Telegram IDs, sorted."""
        found = await self._access.having(AccessStatus.OWNER, tx=tx) if self.may_use_links else []
        return sorted({*filter(_is_person, self._rules.owner_ids), *(entry.applicant.telegram_id for entry in found)})

    async def has(self, user_id: int) -> bool:
        """Whether this user is an owner."""
        if user_id in self._rules.owner_ids:
            return True
        return self.may_use_links and (await self._access.statuses([user_id])).get(user_id) is AccessStatus.OWNER


async def new_link(database: Database, access: AccessList, now: float, *, ends_others: bool = True) -> str:
    """Create a code, valid for a day, that makes the first person who sends it an owner. Only its hash is stored.

    `ends_others`: earlier codes are not valid any more.
    """
    code = secrets.token_urlsafe(LINK_BYTES)
    async with database.transaction() as tx:
        await access.add_link(tx, digest(code), now, now + LINK_LIFE_S, ends_others=ends_others)
    return code


def digest(code: str) -> str:
    """The hash that is stored of a code. The code is random, so a hash without salt can't be reversed by guessing."""
    return hashlib.sha256(code.encode()).hexdigest()


def _is_person(telegram_id: int) -> bool:
    return telegram_id > 0


class Decision(Enum):
    """What to do with an update from this sender in this chat."""

    COME_IN = auto()
    STRANGER = auto()
    BLOCKED = auto()
    """A person whose messages are ignored everywhere."""
    UNWELCOME = auto()
    """A group that the bot should leave."""


@dataclass(frozen=True, slots=True)
class Sender:
    """A person, or the chat in whose name someone writes; `masked`: a channel, which could be anyone's."""

    id: int
    masked: bool = False


class AccessPolicy:
    """Decides who is let in, from the settings and from the owners' decisions."""

    def __init__(self, access: AccessList, rules: AccessRules) -> None:
        self._access = access
        self._rules = rules
        self._moves: dict[int, int] = {}
        """Old to new IDs of groups that became supergroups; their rows in the database may not have been moved yet.

        Those of this process are known as soon as the update arrives, others' once they are stored.
        """

    @property
    def asks(self) -> bool:
        """Whether owners are asked about newcomers."""
        return self._rules.asks

    def is_named(self, group_id: int) -> bool:
        """Whether the settings give this group access."""
        return group_id in self._rules.allowed_ids

    async def load(self) -> None:
        """Load the moves of groups that are stored, by this process or another."""
        self._moves |= await self._access.moves()

    def moved(self, old: int, new: int) -> None:
        """Note that a group has a new ID."""
        self._moves[old] = new

    async def verdict(self, sender: Sender | None, chat_id: int | None, *, direct: bool = False) -> Decision:
        """Decide about a sender in a chat; a private chat's ID is its person's.

        `direct`: the chat is a channel's direct messages, where each person is let in as in a private chat.
        """
        user_id = sender.id if sender else None
        ids_of_chat = self._known_ids(chat_id) if chat_id is not None else []
        ids = {*ids_of_chat, *([user_id] if user_id is not None else [])}
        statuses = await self._access.statuses(ids)
        decided = [
            known for known in ids_of_chat if known in self._rules.allowed_ids or statuses.get(known) in _DECIDED
        ]
        chat_id = next(iter(decided), chat_id)
        group = chat_id is not None and chat_id < 0
        if await self._is_blocked(sender, statuses):
            return Decision.BLOCKED
        if group and statuses.get(chat_id or 0) is AccessStatus.BLOCKED:
            return Decision.UNWELCOME
        if self._rules.mode == "open":
            return Decision.COME_IN
        known = self._rules.named_ids
        if self._rules.is_list:
            return Decision.COME_IN if (ids - {chat_id} if direct else ids) & known else Decision.STRANGER
        who = (chat_id if group and not direct else user_id) or 0
        let_in = who in known or statuses.get(who) in (AccessStatus.ALLOWED, AccessStatus.OWNER)
        return Decision.COME_IN if let_in else Decision.STRANGER

    def current_id(self, number: int) -> int:
        """The ID that a group has now."""
        seen: set[int] = set()
        while number in self._moves and number not in seen:
            seen.add(number)
            number = self._moves[number]
        return number

    def _known_ids(self, number: int) -> list[int]:
        """All IDs that a group has or had, this one first: its row may move before its last updates are handled."""
        now = self.current_id(number)
        others = (other for other in (*self._moves, now) if other != number and self.current_id(other) == now)
        return [number, *others]

    async def is_blocked(self, sender: Sender | None) -> bool:
        """Whether a sender's messages are to be ignored.

        Telegram does not say whose channel is writing in a group. Once any person is blocked, it could be theirs, so
        from then on only channels that an owner has let in are accepted.
        """
        return await self._is_blocked(sender, await self._access.statuses([sender.id] if sender else []))

    async def _is_blocked(self, sender: Sender | None, statuses: Mapping[int, AccessStatus]) -> bool:
        if sender is None or sender.id in self._rules.owner_ids:
            return False
        status = statuses.get(sender.id)
        if status is AccessStatus.BLOCKED or not sender.masked:
            return status is AccessStatus.BLOCKED
        let_in = status is AccessStatus.ALLOWED or sender.id in self._rules.allowed_ids
        return not let_in and await self._access.blocks_anybody()
