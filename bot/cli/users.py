"""The shell commands about access: ``users``, ``allow``, ``block`` and ``owner``.

They only work on the database, also while the bot runs: it reads access from there with every message, and sends the
notices stored here within seconds.
"""

import time
from contextlib import AsyncExitStack

from bot.access.access_requests import AccessRequests, called
from bot.access.policy import Owners, new_link
from bot.access.roster import RosterReader
from bot.errors import SettingError, StartError
from bot.settings import Settings
from bot.wiring.persistence import access_rules, open_shared
from storage import StorageError
from storage.access_list import SHELL, AccessStatus, Applicant


async def users(settings: Settings) -> str:
    """The list of users, see ``Roster.text``. Raises StartError."""
    async with AsyncExitStack() as stack:
        storage = await open_shared(settings, stack)
        rules = access_rules(settings)
        roster = await RosterReader(
            storage.access, storage.chats, storage.usage, rules, Owners(storage.access, rules), settings.zone
        ).read()
        return roster.text + "\n"


async def put(settings: Settings, telegram_id: int, status: AccessStatus) -> str:
    """Let a person or a group in, or block them, including owners made by a link. Raises StartError.

    Returns the line to print.
    """
    if settings.access == "list" and status is AccessStatus.ALLOWED:
        raise SettingError("ACCESS=list: only those in OWNER_IDS and ALLOWED_IDS have access, so add the ID there")
    if telegram_id in settings.owner_ids:
        raise SettingError(f"OWNER_IDS has {telegram_id}, and takes precedence over this command")
    async with AsyncExitStack() as stack:
        storage = await open_shared(settings, stack)
        known = await storage.access.find(telegram_id)
        requests = AccessRequests(
            storage.access, storage.chats, storage.outbox, Owners(storage.access, access_rules(settings)), time.time
        )
        if known is not None and known.status is AccessStatus.OWNER and status is AccessStatus.ALLOWED:
            return f"{called(known.applicant)} is already an owner.\n"
        try:
            async with storage.transaction() as tx:
                entry, _ = await requests.put(tx, known.applicant if known else Applicant(telegram_id), status, SHELL)
        except StorageError as exc:
            raise StartError(f"{settings.database_name}: {exc}") from exc
        return f"{called(entry.applicant)} {'has access' if status is AccessStatus.ALLOWED else 'is blocked'} now.\n"


async def owner(settings: Settings) -> str:
    """Create a one-time link for a new owner, and expire unused ones; returns the line to print. Raises StartError."""
    if settings.access == "list":
        raise SettingError("ACCESS=list: the owners are those in OWNER_IDS, so add your ID there")
    async with AsyncExitStack() as stack:
        storage = await open_shared(settings, stack)
        try:
            code = await new_link(storage.database, storage.access, time.time())
        except StorageError as exc:
            raise StartError(f"{settings.database_name}: {exc}") from exc
    from bot.cli.bot_client import username  # takes as long to import as all else; only this command needs it

    name = await username(settings)
    if name is None:
        return f"Telegram did not say the bot's name. Send this to the bot within 24 hours: /start {code}\n"
    return f"The first person to open this link within 24 hours becomes an owner: https://t.me/{name}?start={code}\n"
