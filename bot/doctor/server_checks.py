"""Checks of a database on a PostgreSQL server. No line has the password in it."""

import asyncio
from collections.abc import Sequence

from bot.doctor.environment import DATABASE_PATIENCE_S, MOST_WRONG_S, size_text, was_set_aside
from bot.doctor.report import Finding, cross, fine, note
from bot.settings import Settings
from bot.updates.in_flight import parsed, set_aside_in
from storage import StorageError
from storage.postgres.claim import is_claimed
from storage.postgres.server_report import ServerReport, in_flight_of, report_on, set_aside_of

URL = "DATABASE_URL: use the address, the user and the password that the database's host shows."
RIGHTS = "Make the bot's user the owner of the database, or GRANT CREATE ON SCHEMA public and all rights on its tables."
NEWER = "Run the version of Keepsake that wrote it, or a later one."
CLOCK = "Use NTP on both machines."
PLAIN = (
    "Add ?sslmode=require to DATABASE_URL, unless the network between them is private; verify-full also checks who "
    "the server is."
)


async def check_server(settings: Settings) -> list[Finding]:
    """Check that the server can be reached and suits, the rights, the schema, the clock, and who else uses it."""
    name, url = settings.database_name, settings.database_url
    try:
        async with asyncio.timeout(DATABASE_PATIENCE_S):
            found = await report_on(url)
            running = await is_claimed(url)
            aside = await set_aside_of(url) if found.schema else []
            texts = await in_flight_of(url) if found.schema else []
    except TimeoutError:
        return [cross("Database", f"{name} did not answer within {DATABASE_PATIENCE_S:.0f} s", URL)]
    except StorageError as exc:
        return [cross("Database", f"{name} can't be used: {exc}", URL)]
    aside += [line for text in texts for line in set_aside_in(parsed(text.encode(), "A process's record"))]
    return [_judged(name, found), *was_set_aside(aside), *_bot_on(running), *_around(found)]


def _judged(name: str, found: ServerReport) -> Finding:
    what = f"{name} on PostgreSQL {found.server}"
    if found.schema > found.latest:
        knows = f"its schema is {found.schema}, and this version knows schemas up to {found.latest}"
        return cross("Database", f"{name} was written by a newer version: {knows}", NEWER)
    if not found.permitted:
        return cross(
            "Database", f"{what}: this user may not create tables, or not write to those that are there", RIGHTS
        )
    if not found.schema:
        return fine("Database", f"{what} can be reached, and is empty: the next start will create the tables")
    older = "" if found.schema == found.latest else ", from an older version: the next start will update it"
    return fine("Database", f"{what} can be reached and written ({size_text(found.size)}){older}")


def _bot_on(running: bool) -> Sequence[Finding]:
    return [note("Running", "a bot is running on this database, which is fine")] if running else []


def _around(found: ServerReport) -> list[Finding]:
    """The clock and the connection, if they are worth a note."""
    findings = []
    if abs(found.ahead_s) > MOST_WRONG_S:
        how = "ahead of" if found.ahead_s > 0 else "behind"
        findings.append(note("Clock", f"{abs(found.ahead_s):.0f} s {how} the database server's", CLOCK))
    if not found.encrypted:
        findings.append(note("Encryption", "the connection to the database server is not encrypted", PLAIN))
    return findings
