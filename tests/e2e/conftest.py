"""The bot between a Bot API server and a model server on loopback.

``stage`` runs the composition root inside the test, without its menus. ``process`` runs the bot as a process of its
own, which can be killed, forked from one that has read its modules. ``program`` starts ``python -m bot`` from nothing,
which takes some twenty times as long: for tests of the start and the end.
"""

import asyncio
import os
import signal
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import cache, partial
from pathlib import Path
from typing import BinaryIO, Protocol

import pytest

from bot import app
from bot.conversation import tokens
from bot.handlers.context import UNFINISHED
from bot.settings import load
from bot.updates.in_flight import InFlightFile
from bot.updates.quarantine import Quarantine
from bot.wiring import sharing
from sandbox.botapi import BotApi, Chat, User
from sandbox.model import ModelServer
from tests.conftest import ON_POSTGRES
from tests.e2e.forks import Forks
from tests.e2e.programs import Launch, Program, Ran, Variables, start, whole

TOKEN = "123456:AAE-very_secret_token"
KEY = "sk-0123456789abcdef-secret"
PATIENCE_S = 20.0
"""How long a test waits for what must come; a process takes some seconds to start on a busy machine."""

CHUNK = 8
"""Words in a delta of the model, where a test says nothing of their pace: each delta takes a millisecond in all."""


vocabulary = cache(tokens.qwen_encoding)
"""Read once for all bots of a test run: each would take a quarter of a second for it."""


class Bot(Protocol):
    """A bot that runs somewhere."""

    @property
    def running(self) -> bool: ...

    async def start(self) -> None: ...

    def kill(self) -> None: ...

    def terminate(self) -> None: ...

    async def wait(self) -> int: ...


QUICK_S = 2.0
"""What a bot that is ended quickly has for storing what it just sent, in seconds."""


class Resident:
    """The bot as a task of the test's own event loop; it can't be killed, only ended quickly."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, environment: Variables) -> None:
        self._environment = environment
        self._folder = folder
        self._monkeypatch = monkeypatch
        self._task: asyncio.Task[None] | None = None

    @property
    def running(self) -> bool:
        return self._task is not None and not self._task.done()

    async def start(self) -> None:
        for name, value in self._environment.items():
            self._monkeypatch.setenv(name, value)
        settings = load(env_file=None)
        self._task = asyncio.create_task(app.live(settings, Quarantine(InFlightFile(self._folder / "inflight"))))

    def terminate(self) -> None:
        assert self._task is not None
        self._task.cancel()

    def kill(self) -> None:
        self._monkeypatch.setattr(sharing, "DRAIN_S", QUICK_S)
        self.terminate()

    async def wait(self) -> int:
        assert self._task is not None
        (ended,) = await asyncio.gather(self._task, return_exceptions=True)
        assert isinstance(ended, asyncio.CancelledError), ended
        return 0


class Separate:
    """The bot as a process of its own, whose output goes to the end of a file."""

    def __init__(self, launch: Launch, environment: Variables, log: Path) -> None:
        self._launch = launch
        self._environment = environment
        self._log = log
        self._program: Program | None = None

    @property
    def pid(self) -> int:
        assert self._program is not None
        return self._program.pid

    @property
    def running(self) -> bool:
        return self._program is not None and self._program.running

    async def start(self) -> None:
        self._log.parent.mkdir(exist_ok=True)
        with self._log.open("ab") as log:
            self._program = await self._launch([], whole(self._environment), self._log.parent, log, log)

    def terminate(self) -> None:
        assert self._program is not None
        self._program.send(signal.SIGTERM)

    def kill(self) -> None:
        assert self._program is not None
        self._program.send(signal.SIGKILL)

    async def wait(self) -> int:
        assert self._program is not None
        return await self._program.wait()


class Stage:
    """The world around a bot, and the bot in it."""

    def __init__(
        self,
        telegram: BotApi,
        model: ModelServer,
        folder: Path,
        make_bot: Callable[[Variables], Bot],
        launch: Launch = start,
    ) -> None:
        self.telegram = telegram
        self.model = model
        self.folder = folder
        self.environment: Variables = {}
        self.ann: User = telegram.user("Ann")
        self.home: Chat = telegram.private(self.ann)
        self.bot: Bot | None = None
        self._make_bot = make_bot
        self._launch = launch

    async def start(self, **variables: str) -> None:
        """Start the bot, with more settings if need be."""
        self.environment.update(variables)
        self.bot = self._make_bot(self.environment)
        await self.bot.start()

    async def kill(self) -> None:
        """End the bot by SIGKILL."""
        assert self.bot is not None
        self.bot.kill()
        await self.bot.wait()

    async def end(self) -> int:
        """End the bot by SIGTERM; returns its exit code."""
        assert self.bot is not None
        self.bot.terminate()
        return await self.bot.wait()

    async def shell(self, *arguments: str, **variables: str) -> Ran:
        """Run a command beside the bot, with more settings if need be."""
        environment = whole({**self.environment, **variables})
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            program = await self._launch(arguments, environment, self.folder, out, err)
            code = await program.wait()
            return Ran(code, _text(out), _text(err))

    async def ready(self) -> None:
        """Wait until the bot is about to ask for updates."""
        calls, asked = len(self.telegram.calls), ("deleteWebhook", "setWebhook")
        await self.telegram.changed(
            lambda: any(call.method in asked for call in self.telegram.calls[calls:]), PATIENCE_S
        )

    async def fetched(self) -> None:
        """Wait until the bot has taken all updates from Telegram."""
        await self.telegram.changed(lambda: self.telegram.pending_updates == 0, PATIENCE_S)

    async def replies(self, count: int, chat: Chat | None = None) -> list[str]:
        """Wait until the bot has so many messages in the chat; returns their texts."""
        return [message.text for message in await (chat or self.home).wait(count, PATIENCE_S)]

    def log(self) -> str:
        """All that a bot with a process of its own has logged."""
        return (self.folder / "bot.log").read_text(encoding="utf-8")


@pytest.fixture
def telegram_version() -> str:
    return "10.1"


@pytest.fixture(scope="session")
def forks(tmp_path_factory: pytest.TempPathFactory) -> Forks:
    """Where bots are forked from, by all workers of a run."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        return Forks(tmp_path_factory.getbasetemp().parent, os.getppid())
    return Forks(tmp_path_factory.getbasetemp(), os.getpid())


MakeDatabase = Callable[[Path], Awaitable[str]]


@pytest.fixture
def make_database(request: pytest.FixtureRequest) -> MakeDatabase:
    """Gives the URL of a database with nothing in it: a file in this folder, or on PostgreSQL the one of all tests."""

    async def make(folder: Path) -> str:
        if ON_POSTGRES:
            return str(await request.getfixturevalue("postgres").empty())
        return f"sqlite:///{folder}/keepsake.db"

    return make


@pytest.fixture
async def stage(
    database_file: Path,
    make_database: MakeDatabase,
    telegram_version: str,
    monkeypatch: pytest.MonkeyPatch,
    forks: Forks,
    caplog: pytest.LogCaptureFixture,
) -> AsyncIterator[Stage]:
    """A stage whose bot is a task of the test.

    It registers no menus, which are twelve calls at each start: as much work as a start and a turn without them. And it
    writes down nowhere which piece of work is at it, twice for each step of each: nothing can kill it there.
    """
    monkeypatch.setattr(tokens, "qwen_encoding", vocabulary)
    monkeypatch.setattr(app, "register_menu", no_menu)
    monkeypatch.setattr(InFlightFile, "run", lambda *_: 0)

    folder = database_file.parent
    make = partial(Resident, folder, monkeypatch)
    async with open_stage(folder, await make_database(folder), telegram_version, make, forks.bot) as stage:
        yield stage
    records = caplog.get_records("call")
    assert [record.getMessage() for record in records if record.msg == UNFINISHED] == []


@pytest.fixture
async def process(
    database_file: Path, make_database: MakeDatabase, telegram_version: str, forks: Forks
) -> AsyncIterator[Stage]:
    """A stage whose bot is a process that was forked."""
    folder = database_file.parent
    async with _separately(folder, await make_database(folder), telegram_version, forks.bot) as stage:
        yield stage
        assert stage.bot is None or UNFINISHED.partition("%")[0] not in stage.log()


@pytest.fixture
async def program(tmp_path: Path, make_database: MakeDatabase, telegram_version: str) -> AsyncIterator[Stage]:
    """A stage whose bot is started from nothing, as whoever runs it does."""
    async with _separately(tmp_path, await make_database(tmp_path), telegram_version, start) as stage:
        yield stage


async def no_menu(_: object) -> None:
    """Instead of ``register_menu``."""


def _separately(folder: Path, database_url: str, version: str, launch: Launch) -> AbstractAsyncContextManager[Stage]:
    def make(variables: Variables) -> Bot:
        return Separate(launch, variables, folder / "bot.log")

    return open_stage(folder, database_url, version, make, launch)


def _text(file: BinaryIO) -> str:
    file.seek(0)
    return file.read().decode()


@asynccontextmanager
async def open_stage(
    folder: Path, database_url: str, version: str, make_bot: Callable[[Variables], Bot], launch: Launch = start
) -> AsyncIterator[Stage]:
    """A Bot API server, a model server, and the settings of a bot between them."""
    telegram, model = BotApi(token=TOKEN, version=version), ModelServer(key=KEY, words_per_second=1000, chunk=CHUNK)
    async with telegram.run() as telegram_url, model.run() as model_url:
        stage = Stage(telegram, model, folder, make_bot, launch)
        stage.environment = {
            "TELEGRAM_BOT_TOKEN": TOKEN,
            "TELEGRAM_API_URL": telegram_url,
            "OPENAI_API_KEY": KEY,
            "OPENAI_BASE_URL": model_url,
            "DASHSCOPE_BASE_URL": model.dashscope_url,
            "OPENAI_MODEL": "stand-in",
            "EMBEDDING_MODEL": "off",
            "ACCESS": "open",
            "DATABASE_URL": database_url,
        }
        if ON_POSTGRES:  # where the bot keeps what it has in flight
            stage.environment["TMPDIR"] = str(folder)
        yield stage
        if stage.bot is not None and stage.bot.running:
            await stage.kill()
