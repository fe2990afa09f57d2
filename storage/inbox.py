"""Updates as Telegram sent them: committed before they are acknowledged, and each handled once."""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from storage.access_list import note_move
from storage.database import Database, Transaction
from storage.sql import in_list, listed

_KINDS = ("type", "status")
"""The fields of updates whose strings are never anyone's words."""


@dataclass(frozen=True, slots=True)
class RawUpdate:
    """One update as JSON."""

    update_id: int
    raw: str

    @property
    def telegram_id(self) -> int:
        """The Telegram chat in whose lane it is handled; 0 if it has none."""
        return _chat_of(self.raw)


class Inbox:
    """The table of updates."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, tx: Transaction, updates: Sequence[RawUpdate], now: float) -> set[int]:
        """Store the updates that are new; returns their ids."""
        number = "SELECT update_id FROM inbox WHERE update_id " + in_list()
        known = {row["update_id"] for row in await tx.rows(number, (listed(update.update_id for update in updates),))}
        new = {update.update_id: update for update in updates if update.update_id not in known}
        await tx.execute_many(
            "INSERT INTO inbox (update_id, received_at, raw, telegram_id) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (update_id) DO NOTHING",  # another process may just have stored it
            [(update.update_id, now, update.raw, update.telegram_id) for update in new.values()],
        )
        for update in new.values():
            if (move := _move_of(update.raw)) is not None:
                await note_move(tx, *move)  # at once, since the group's updates under its new ID may come anywhere
        return set(new)

    async def unhandled(self, telegram_id: int | None = None) -> list[RawUpdate]:
        """The updates of all chats, or of one, that were received but not handled, in Telegram's order."""
        if telegram_id is None:
            rows = await self._database.rows("SELECT update_id, raw FROM inbox WHERE state = 'new' ORDER BY update_id")
        else:
            rows = await self._database.rows(
                "SELECT update_id, raw FROM inbox WHERE telegram_id = ? AND state = 'new' ORDER BY update_id",
                (telegram_id,),
            )
        return [RawUpdate(row["update_id"], row["raw"]) for row in rows]

    async def newest_unhandled(self) -> dict[int, int]:
        """The newest update that is not handled, by Telegram chat."""
        rows = await self._database.rows(
            "SELECT telegram_id, max(update_id) AS newest FROM inbox WHERE state = 'new' GROUP BY telegram_id"
        )
        return {row["telegram_id"]: row["newest"] for row in rows if row["telegram_id"] is not None}

    async def done(self, tx: Transaction, update_ids: Collection[int]) -> None:
        """Mark updates as handled, in the transaction that writes their effect.

        Their JSON is blanked: what is kept of them is in that effect, where it can be edited, forgotten and purged.
        """
        if update_ids:
            self._database.soiled = True
            await tx.execute(
                f"UPDATE inbox SET state = 'done', raw = '{{}}', telegram_id = NULL WHERE update_id {in_list()}",
                (listed(update_ids),),
            )

    async def unreadable(self, tx: Transaction, update_ids: Collection[int]) -> None:
        """Mark updates that can't be parsed. Their JSON is kept for the operator until it is pruned, without words.

        Whose they are is unknown: they may be a stranger's, or a blocked person's.
        """
        rows = await tx.rows(f"SELECT update_id, raw FROM inbox WHERE update_id {in_list()}", (listed(update_ids),))
        if rows:
            self._database.soiled = True
            await tx.execute_many(
                "UPDATE inbox SET state = 'unreadable', raw = ? WHERE update_id = ?",
                [(_wordless(row["raw"]), row["update_id"]) for row in rows],
            )

    async def quarantine(self, tx: Transaction, update_ids: Collection[int]) -> None:
        """Mark updates that aren't handled because they crashed the process; their JSON is kept."""
        await tx.execute(f"UPDATE inbox SET state = 'quarantined' WHERE update_id {in_list()}", (listed(update_ids),))

    async def quarantined(self, tx: Transaction, update_id: int) -> RawUpdate | None:
        """A quarantined update, if it is still stored."""
        rows = await tx.rows(
            "SELECT update_id, raw FROM inbox WHERE update_id = ? AND state = 'quarantined'", (update_id,)
        )
        return RawUpdate(rows[0]["update_id"], rows[0]["raw"]) if rows else None

    async def renew(self, tx: Transaction, update_id: int) -> None:
        """Release a quarantined update, so that it is handled after all."""
        await tx.execute("UPDATE inbox SET state = 'new' WHERE update_id = ? AND state = 'quarantined'", (update_id,))

    async def forget(self, tx: Transaction, telegram_id: int) -> None:
        """Blank the JSON of a chat's updates that were set aside; that they were received is still known."""
        await tx.execute(
            "UPDATE inbox SET raw = '{}', telegram_id = NULL WHERE telegram_id = ? AND state != 'new'", (telegram_id,)
        )

    async def prune(self, tx: Transaction, before: float) -> int:
        """Delete handled updates received before this time; returns how many. Earlier versions kept the JSON of all."""
        blank = "UPDATE inbox SET raw = '{}', telegram_id = NULL WHERE telegram_id > ? AND state = 'done'"
        if await tx.execute(blank, (-(2**63),)):
            self._database.soiled = True
        return await tx.execute("DELETE FROM inbox WHERE received_at < ? AND state != 'new'", (before,))


def _wordless(raw: str) -> str:
    """The JSON with its form and its IDs, and "" for what people wrote; "{}" if it can't be read."""
    try:
        return json.dumps(_without_words(json.loads(raw)))
    except (ValueError, RecursionError):  # a number of thousands of digits is a ValueError too
        return "{}"


def _without_words(value: object, name: str = "") -> object:
    match value:
        case dict():
            return {key: _without_words(item, key) for key, item in value.items()}
        case list():
            return [_without_words(item) for item in value]
        case str() if name not in _KINDS:
            return ""
        case float():  # a place, perhaps
            return 0.0
    return value


def _chat_of(raw: str) -> int:
    """The Telegram chat of an update of any kind, or of the message with a button that was pressed.

    A group's move belongs to the old group: it is handled after the work in progress there.
    """
    try:
        update = json.loads(raw)
    except (ValueError, RecursionError):
        return 0
    for part in update.values() if isinstance(update, dict) else ():
        if isinstance(part, dict):
            message = part.get("message")
            chats = (part.get("chat"), message.get("chat") if isinstance(message, dict) else None)
            found = next((chat.get("id") for chat in chats if isinstance(chat, dict)), 0)
            moved = part.get("migrate_from_chat_id")
            return next((number for number in (moved, found) if type(number) is int and abs(number) < 2**63), 0)
    return 0


def _move_of(raw: str) -> tuple[int, int] | None:
    """The old and the new ID of a group, if the update says that it has become a supergroup."""
    if "migrate_" not in raw:
        return None
    try:
        message = json.loads(raw).get("message") or {}
        here, old, new = message["chat"]["id"], message.get("migrate_from_chat_id"), message.get("migrate_to_chat_id")
    except (ValueError, RecursionError, AttributeError, KeyError, TypeError):
        return None
    old, new = (old, here) if old else (here, new)
    return (old, new) if isinstance(old, int) and isinstance(new, int) else None
