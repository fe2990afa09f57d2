"""The bot's owners: those of the settings, and those who opened a one-time link."""

import hashlib
import secrets
from dataclasses import dataclass

from storage import Storage
from storage.guests import Standing

LINK_LIFE_S = 86_400.0
"""A link is for whoever has just started the bot."""
LINK_BYTES = 24
"""Of randomness; as text 32 of the 64 characters that Telegram lets a link carry."""


@dataclass(frozen=True, slots=True)
class Owners:
    """`of_settings` is OWNER_IDS; `stored`: those of the database count too, which they don't with ACCESS=list."""

    storage: Storage
    of_settings: frozenset[int]
    stored: bool

    async def ids(self) -> list[int]:
        """All owners."""
        found = await self.storage.access.having(Standing.OWNER) if self.stored else []
        return sorted({*filter(_is_person, self.of_settings), *(entry.guest.telegram_id for entry in found)})

    async def has(self, user_id: int) -> bool:
        """Whether this is one."""
        if user_id in self.of_settings:
            return True
        return self.stored and (await self.storage.access.standings([user_id])).get(user_id) is Standing.OWNER


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
