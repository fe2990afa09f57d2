"""Who may talk to the bot, who has asked to, and who decided; and the one-time links that make someone an owner.

Nothing is cached, so a decision made in the shell or by another owner applies from the next message on.
"""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from storage.database import Database, Row, SQLValue, Transaction
from storage.sql import BYTEWISE, in_list, in_texts, listed

_GUEST = ("telegram_id", "name", "username", "language", "brought_by", "bringer_id")
_END_LINKS = "UPDATE owner_links SET expires_at = ? WHERE claimed_by IS NULL AND expires_at > ?"
_LIST = 2**60
"""Locked for requests and decisions, which are about several chats; no chat has this ID."""
LONGEST_NAME = 200
"""In characters; Telegram's own limit for names and titles is 128."""
KEPT_S = 30 * 86_400.0
"""How long a used or expired link is remembered, in seconds."""


class AccessStatus(StrEnum):
    """The access of a person or a group."""

    ASKING = "asking"
    ALLOWED = "allowed"
    DENIED = "denied"
    BLOCKED = "blocked"
    OWNER = "owner"


@dataclass(frozen=True, slots=True)
class Applicant:
    """A person or a group (with a negative id), as Telegram shows them."""

    telegram_id: int
    name: str = ""
    username: str | None = None
    language: str | None = None
    """The app language (IETF) of the person, or of the user who added the bot to the group."""
    brought_by: str | None = None
    """For a group: the name of the user who added the bot."""
    bringer_id: int | None = None

    @property
    def is_person(self) -> bool:
        """Whether this is a person rather than a group."""
        return self.telegram_id > 0


@dataclass(frozen=True, slots=True)
class Decider:
    """Who decided; without an id, the operator in the shell."""

    user_id: int | None = None
    name: str | None = None


SHELL = Decider()


@dataclass(frozen=True, slots=True)
class AccessEntry:
    """One row: an applicant and the decision. Times are in Unix seconds."""

    id: int
    applicant: Applicant
    status: AccessStatus
    asked_at: float | None = None
    decided_at: float | None = None
    decided_by: Decider = SHELL


class LinkState(StrEnum):
    """The result of opening an owner link."""

    CLAIMED = "claimed"
    USED = "used"
    EXPIRED = "expired"


class AccessList:
    """The tables of access and of owner links; a link is stored as a hash."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @staticmethod
    async def lock(tx: Transaction) -> None:
        """Let no other process ask owners or decide until the transaction ends; nothing else may be locked after it."""
        await tx.lock(_LIST)

    async def statuses(self, telegram_ids: Collection[int]) -> dict[int, AccessStatus]:
        """The access of these people and groups; unknown ones are left out."""
        rows = await self._database.rows(
            f"SELECT telegram_id, standing FROM access WHERE telegram_id {in_list()}",
            (listed(telegram_ids),),
        )
        return {row["telegram_id"]: AccessStatus(row["standing"]) for row in rows}

    async def blocks_anybody(self) -> bool:
        """Whether any person is blocked."""
        sql = "SELECT 1 FROM access WHERE standing = ? AND telegram_id > 0 LIMIT 1"
        return await self._database.row(sql, (AccessStatus.BLOCKED,)) is not None

    async def find(self, telegram_id: int, tx: Transaction | None = None) -> AccessEntry | None:
        """The entry of a person or a group."""
        return await self._one("telegram_id = ?", (telegram_id,), tx)

    async def by_username(self, name: str) -> AccessEntry | None:
        """The entry with this username (without the @) when they asked; the latest one if the name changed hands."""
        return await self._one(
            f"lower(username {BYTEWISE}) = ? ORDER BY asked_at DESC NULLS LAST, id DESC LIMIT 1", (name.lower(),)
        )

    async def of_request(self, owner_id: int, message_id: int) -> AccessEntry | None:
        """The entry that a request sent to an owner was about."""
        about = "id = (SELECT about FROM notices WHERE telegram_id = ? AND message_id = ?)"
        return await self._one(about, (owner_id, message_id))

    async def having(self, *statuses: AccessStatus, tx: Transaction | None = None) -> list[AccessEntry]:
        """All entries with one of these statuses, oldest first."""
        rows = await (tx or self._database).rows(
            f"SELECT * FROM access WHERE standing {in_texts()} ORDER BY coalesce(decided_at, asked_at), id",
            (listed(statuses),),
        )
        return [_entry(row) for row in rows]

    async def count(self, tx: Transaction, status: AccessStatus) -> int:
        """The number of entries with this status."""
        return int((await tx.rows("SELECT count(*) AS n FROM access WHERE standing = ?", (status,)))[0]["n"])

    async def brought_by(self, tx: Transaction, user_id: int) -> int:
        """How many groups wait for a decision to which this person added the bot."""
        sql = "SELECT count(*) AS n FROM access WHERE standing = 'asking' AND bringer_id = ?"
        return int((await tx.rows(sql, (user_id,)))[0]["n"])

    async def request_access(
        self, tx: Transaction, applicant: Applicant, now: float, denied_before: float
    ) -> AccessEntry | None:
        """Record a request for access; None if it is already known or decided (denied: after `denied_before`).

        There is one row per applicant, however often they ask.
        """
        rows = await tx.rows(
            "INSERT INTO access (telegram_id, standing, name, username, language, brought_by, bringer_id, asked_at)"
            " VALUES (?, 'asking', ?, ?, ?, ?, ?, ?) ON CONFLICT (telegram_id) DO UPDATE SET standing = 'asking',"
            " name = excluded.name, username = excluded.username, brought_by = excluded.brought_by,"
            " bringer_id = excluded.bringer_id, asked_at = excluded.asked_at, told = 0,"
            " decided_at = NULL, decided_by = NULL, decider = NULL, leaving = 0"
            " WHERE access.standing = 'denied' AND access.decided_at <= ? RETURNING *",
            (*_columns(applicant), now, denied_before),
        )
        return _entry(rows[0]) if rows else None

    async def mark_informed(self, tx: Transaction, telegram_id: int) -> bool:
        """Mark a group as informed that its owner was asked; False if it already was."""
        mark = "UPDATE access SET told = 1 WHERE telegram_id = ? AND standing = 'asking' AND told = 0"
        return bool(await tx.execute(mark, (telegram_id,)))

    async def decide(self, tx: Transaction, number: int, status: AccessStatus, by: Decider, now: float) -> bool:
        """Decide a pending request; False if it was already decided. `number` is the row's id."""
        return bool(
            await tx.execute(
                "UPDATE access SET standing = ?, decided_at = ?, decided_by = ?, decider = ?"
                " WHERE id = ? AND standing = 'asking'",
                (status, now, by.user_id, by.name, number),
            )
        )

    async def put(
        self, tx: Transaction, applicant: Applicant, status: AccessStatus, by: Decider, now: float
    ) -> AccessEntry:
        """Set someone's status, whatever it was before."""
        rows = await tx.rows(
            "INSERT INTO access (telegram_id, standing, name, username, language, brought_by, bringer_id, decided_at,"
            " decided_by, decider) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (telegram_id) DO UPDATE SET"
            " standing = excluded.standing,"
            " name = CASE WHEN excluded.name = '' THEN access.name ELSE excluded.name END,"
            " username = coalesce(excluded.username, access.username),"
            " language = coalesce(excluded.language, access.language),"
            " brought_by = coalesce(excluded.brought_by, access.brought_by),"
            " bringer_id = coalesce(excluded.bringer_id, access.bringer_id), decided_at = excluded.decided_at,"
            " decided_by = excluded.decided_by, decider = excluded.decider, leaving = 0 RETURNING *",
            (applicant.telegram_id, status, *_columns(applicant)[1:], now, by.user_id, by.name),
        )
        return _entry(rows[0])

    async def seen(self, tx: Transaction, number: int) -> AccessEntry | None:
        """An entry by its row id, as this transaction sees it."""
        rows = await tx.rows("SELECT * FROM access WHERE id = ?", (number,))
        return _entry(rows[0]) if rows else None

    async def leave(self, tx: Transaction, telegram_id: int) -> None:
        """Mark a group that the bot is to leave."""
        await tx.execute("UPDATE access SET leaving = 1 WHERE telegram_id = ?", (telegram_id,))

    async def moves(self) -> dict[int, int]:
        """The new ids of groups that became supergroups, by their old ones."""
        rows = await self._database.rows("SELECT old_id, new_id FROM moved_groups")
        return {row["old_id"]: row["new_id"] for row in rows}

    async def to_leave(self) -> list[int]:
        """The groups that the bot still has to leave."""
        return [row["telegram_id"] for row in await self._database.rows("SELECT telegram_id FROM access WHERE leaving")]

    async def has_left(self, tx: Transaction, telegram_id: int) -> None:
        """The bot has left that group."""
        await tx.execute("UPDATE access SET leaving = 0 WHERE telegram_id = ?", (telegram_id,))

    async def add_link(
        self, tx: Transaction, digest: str, now: float, expires_at: float, *, ends_others: bool = True
    ) -> None:
        """Store a new link. Earlier unused ones expire, unless other processes have made them: `ends_others`."""
        await self.lock(tx)
        await tx.execute("DELETE FROM owner_links WHERE expires_at < ?", (now - KEPT_S,))
        if ends_others:
            await tx.execute(_END_LINKS, (now, now))
        await tx.execute("INSERT INTO owner_links (hash, expires_at) VALUES (?, ?)", (digest, expires_at))

    async def has_link(self, digest: str) -> bool:
        """Whether the bot ever made this link, as far as it remembers."""
        return bool(await self._database.rows("SELECT 1 FROM owner_links WHERE hash = ?", (digest,)))

    async def claim_link(self, tx: Transaction, digest: str, user_id: int, now: float) -> LinkState:
        """Use a link: the first user to open it claims it, and all other links expire."""
        await self.lock(tx)
        claimed = await tx.execute(
            "UPDATE owner_links SET claimed_by = ? WHERE hash = ? AND claimed_by IS NULL AND expires_at > ?",
            (user_id, digest, now),
        )
        if claimed:
            await tx.execute(_END_LINKS, (now, now))
            return LinkState.CLAIMED
        used = await tx.rows("SELECT 1 FROM owner_links WHERE hash = ? AND claimed_by IS NOT NULL", (digest,))
        return LinkState.USED if used else LinkState.EXPIRED

    async def _one(self, where: str, values: tuple[SQLValue, ...], tx: Transaction | None = None) -> AccessEntry | None:
        row = await (tx or self._database).row(f"SELECT * FROM access WHERE {where}", values)
        return _entry(row) if row else None


async def note_move(tx: Transaction, old: int, new: int) -> None:
    """Record a group's new id, for all processes and later starts: updates under the old one may still come."""
    changed = await tx.execute(
        "INSERT INTO moved_groups (old_id, new_id) VALUES (?, ?) ON CONFLICT (old_id) DO UPDATE"
        " SET new_id = excluded.new_id WHERE moved_groups.new_id <> excluded.new_id",
        (old, new),
    )
    if changed:
        await tx.announce_change()


async def move_access(tx: Transaction, old: int, new: int) -> None:
    """Move a group's entry to its new id. If both ids have one, the latest decision wins, also over requests."""
    latest = "SELECT id, telegram_id FROM access WHERE telegram_id IN (?, ?) ORDER BY coalesce(decided_at, -1)"
    rows = {row["telegram_id"]: row for row in await tx.rows(latest, (old, new))}
    if old not in rows:
        return
    if new in rows:
        dropped, kept = rows
        await tx.execute("UPDATE notices SET about = ? WHERE about = ?", (rows[kept]["id"], rows[dropped]["id"]))
        await tx.execute("DELETE FROM access WHERE telegram_id = ?", (dropped,))
    await tx.execute("UPDATE access SET telegram_id = ? WHERE telegram_id = ?", (new, old))


def _columns(applicant: Applicant) -> tuple[SQLValue, ...]:
    name, brought_by = applicant.name[:LONGEST_NAME], applicant.brought_by
    return (
        applicant.telegram_id,
        name,
        applicant.username,
        applicant.language,
        brought_by and brought_by[:LONGEST_NAME],
        applicant.bringer_id,
    )


def _entry(row: Row) -> AccessEntry:
    return AccessEntry(
        id=row["id"],
        applicant=Applicant(*(row[name] for name in _GUEST)),
        status=AccessStatus(row["standing"]),
        asked_at=row["asked_at"],
        decided_at=row["decided_at"],
        decided_by=Decider(row["decided_by"], row["decider"]),
    )
