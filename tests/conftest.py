"""What tests of all kinds begin with."""

import asyncio
import gc
import os
import shutil
import signal
import ssl
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

import pytest

from storage import Storage
from storage.database import Database
from storage.files import restrict
from storage.sqlite import SQLiteDatabase
from tests.plans import Plans
from tests.postgres import Databases, databases

ON_POSTGRES = "POSTGRES_TEST_URL" in os.environ
"""Whether the tests' databases are PostgreSQL's."""
SQLITE = "sqlite:///"
_TESTS = Path(__file__).parent

restrict()
"""As the bot does at its start: what tests put in place for it has the rights of its own files."""

os.environ["EMBEDDING_MODEL"] = "off"
"""As for whoever has not installed the extra: each bot would start processes of its own, and take the tests' time."""

os.environ["PTB_TIMEDELTA"] = "true"
"""As in the application; python-telegram-bot warns otherwise, and warnings are errors."""


if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
"""A shell lets what it runs in the background ignore it, and so would the programs that tests interrupt."""

Database.checks_reads = True
"""A read past the transaction that its task is in fails."""

SQLiteDatabase.synchronous = "OFF"
"""Nothing here outlives the machine, and waiting for the disk takes most of a small transaction's time."""


ssl.create_default_context = cache(ssl.create_default_context)  # type: ignore[assignment]
"""Each of the tests' clients would read all certificates, to talk to servers on this machine without any."""


def pytest_configure() -> None:
    """What is imported and collected stays: the collector of garbage need not look through it again and again."""
    gc.disable()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """On PostgreSQL, tests of what only SQLite has are skipped, and tests without a database are left out."""
    if not ON_POSTGRES:
        return
    without = [item for item in items if not _has_database(item)]
    config.hook.pytest_deselected(items=without)
    items[:] = [item for item in items if _has_database(item)]
    for item in items:
        if mark := item.get_closest_marker("sqlite_only"):
            item.add_marker(pytest.mark.skip(reason=f"only SQLite: {mark.args[0]}"))


def _has_database(item: pytest.Item) -> bool:
    folder = item.path.relative_to(_TESTS).parts[0]
    return folder in ("storage", "e2e") or not {"database_url", "postgres"}.isdisjoint(
        getattr(item, "fixturenames", ())
    )


def pytest_collection_finish() -> None:
    """From here on there is garbage."""
    gc.freeze()
    gc.enable()


@pytest.fixture(autouse=True)
def plans(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No statement of any test reads a whole table."""
    plans = Plans()
    if not ON_POSTGRES:
        plans.watch(monkeypatch)
    yield
    assert not plans.scans, "These read whole tables:\n{}".format("\n".join(plans.scans))


@pytest.fixture
def no_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a server refuses is not asked for again; a test of trying again says how often."""
    for module in ("openai_server", "dashscope", "embeddings", "transcription"):
        monkeypatch.setattr(f"bot.llm.{module}.RETRIES", 0)


@pytest.fixture(scope="session")
def first_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database as the first start makes it: applying every schema file takes 25 ms, and the disk's time for each."""
    path = tmp_path_factory.mktemp("first") / "keepsake.db"
    with ThreadPoolExecutor(1) as thread:  # a test's loop may be running in this one
        thread.submit(asyncio.run, migrate(path)).result()
    return path


@pytest.fixture
def database_file(first_database: Path, tmp_path: Path) -> Path:
    """A database of this version with nothing in it, for one test."""
    path = tmp_path / "keepsake.db"
    shutil.copyfile(first_database, path)
    return path


@pytest.fixture(scope="session")
def postgres() -> Iterator[Databases]:
    """Databases on the PostgreSQL server of this run."""
    server = os.environ.get("POSTGRES_TEST_URL")
    if server is None:
        pytest.skip("needs a PostgreSQL server: make test-postgres")
    with databases(server) as made:
        yield made


@pytest.fixture
async def postgres_url(postgres: Databases) -> str:
    """A PostgreSQL database of this version with nothing in it, for one test."""
    return await postgres.empty()


@pytest.fixture
async def database_url(request: pytest.FixtureRequest) -> str:
    """An empty database for each test: SQLite, or PostgreSQL with POSTGRES_TEST_URL."""
    if ON_POSTGRES:
        return str(await request.getfixturevalue("postgres").empty())
    return f"{SQLITE}{request.getfixturevalue('database_file')}"


@pytest.fixture
async def storage(database_url: str) -> AsyncIterator[Storage]:
    """That database, opened."""
    opened = await open_database(database_url)
    yield opened
    await opened.close()


async def open_database(url: str) -> Storage:
    """Open a database of either kind."""
    if url.startswith(SQLITE):
        return await Storage.open(Path(url.removeprefix(SQLITE)))
    return await Storage.connect(url)


async def migrate(path: Path) -> None:
    """Open a database and close it: it is made, or has this version's schema then."""
    await (await Storage.open(path)).close()
