"""The doctor says what is wrong with a PostgreSQL server or a database on it, and never shows the password."""

import time
from dataclasses import replace
from pathlib import Path

import pytest

from bot.doctor import environment, server_checks
from bot.doctor.report import Finding, Severity
from bot.settings import Settings
from storage import Storage
from storage.access_list import SHELL, AccessStatus, Applicant
from storage.inbox import RawUpdate
from storage.postgres.claim import DatabaseClaim
from storage.postgres.postgresql import migrations
from storage.postgres.processes import Processes
from storage.postgres.server_report import ServerReport
from tests.doctor.conftest import World
from tests.postgres import Databases

SUITS = ServerReport("15.18", migrations()[-1].version, migrations()[-1].version, 1_000_000, True, 0.0, True)


@pytest.fixture
def settings(world: World, postgres_url: str) -> Settings:
    return world.settings(DATABASE_URL=postgres_url)


def _lines(findings: list[Finding]) -> list[tuple[str, str, str]]:
    return [(str(one.mark), one.what, one.found) for one in findings]


async def test_server_that_suits_is_fine(settings: Settings) -> None:
    (mark, what, found), *others = _lines(await environment.check_database(settings))
    assert (mark, what, others) == ("✓", "Database", [])
    assert found.startswith(f"{settings.database_name} on PostgreSQL ")
    assert "can be reached and written (" in found


async def test_empty_database_is_fine_and_stays_empty(world: World, postgres: Databases) -> None:
    async with postgres.new(schema=False) as url:
        settings = world.settings(DATABASE_URL=url)
        for _ in range(2):
            (found,) = await environment.check_database(settings)
            assert (found.mark, "and is empty" in found.found) == (Severity.FINE, True)
        assert (await environment.check_access(settings)).mark is Severity.NOTE


async def test_unreachable_server_is_a_cross_without_password(world: World) -> None:
    settings = world.settings(DATABASE_URL="postgres://ann:pa55-w0rd@127.0.0.1:1/memory")
    (found,) = await environment.check_database(settings)
    assert found.mark is Severity.CROSS
    assert "postgresql://127.0.0.1:1/memory can't be used" in found.found
    assert "pa55-w0rd" not in found.text(str)


async def test_running_bot_and_owners_are_seen(settings: Settings, postgres_url: str) -> None:
    claim = await DatabaseClaim.take(postgres_url, "it", 0.0)
    storage = await Storage.connect(postgres_url)
    try:
        async with storage.transaction() as tx:
            await storage.access.put(tx, Applicant(5, "Ann"), AccessStatus.OWNER, SHELL, 0.0)
        assert ("·", "Running", "a bot is running on this database, which is fine") in _lines(
            await environment.check_database(settings)
        )
        assert (await environment.check_access(settings)).mark is Severity.FINE
    finally:
        await storage.close()
        await claim.release()


async def test_what_was_set_aside_on_server_is_listed(settings: Settings, postgres_url: str) -> None:
    storage = await Storage.connect(postgres_url)
    async with storage.transaction() as tx:
        await storage.inbox.add(tx, [RawUpdate(7, "{}")], time.time())
        await storage.inbox.quarantine(tx, [7])
    lines = [b"keepsake-in-flight 1 ending 0", b"job 9 0 0 0 aside"]
    text = b"".join(line.ljust(95) + b"\n" for line in lines).decode()
    await Processes(storage.database).note(1, text)
    await storage.close()
    found = [one for one in await environment.check_database(settings) if one.what == "Set aside"]
    assert [one.found.partition(":")[0] for one in found] == ["update 7 of chat ?, a scheduled job"]


@pytest.mark.parametrize(
    ("report", "mark", "words"),
    [
        (replace(SUITS, schema=99), "✗", "was written by a newer version"),
        (replace(SUITS, permitted=False), "✗", "this user may not create tables"),
        (replace(SUITS, schema=27), "✓", "from an older version: the next start will update it"),
        (replace(SUITS, ahead_s=90), "·", "90 s ahead of the database server's"),
        (replace(SUITS, ahead_s=-90), "·", "90 s behind the database server's"),
        (replace(SUITS, encrypted=False), "·", "is not encrypted"),
    ],
)
async def test_server_that_does_not_suit_is_judged(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, report: ServerReport, mark: str, words: str
) -> None:
    async def reported(_: str) -> ServerReport:
        return report

    monkeypatch.setattr(server_checks, "report_on", reported)
    found = _lines(await environment.check_database(settings))
    assert [line[0] for line in found if words in line[2]] == [mark]


async def test_backup_folder_on_server_is_a_note(world: World, postgres_url: str, tmp_path: Path) -> None:
    settings = world.settings(DATABASE_URL=postgres_url, BACKUP_DIR=str(tmp_path))
    found = await environment.check_backups(settings)
    assert (found.mark, "pg_dump" in found.found) == (Severity.NOTE, True)
