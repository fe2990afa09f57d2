"""What one private text message costs: functions, files, statements, transactions, and time.

``python -m benchmarks.message_path [--turns 40]`` runs the bot as a process between the sandbox's servers. The second
and the third message of a chat are each traced from arrival until the bot is quiet again; what the bot does in as long
a time without a message is traced too and taken off. Then short turns are timed without a trace.

With ``--database postgresql://...``, an empty database, the same is done there too, and the timed turns alternate.
"""

import argparse
import asyncio
import json
import os
import re
import signal
import sqlite3
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from types import CodeType, FrameType

from sandbox.bot_process import BotProcess
from sandbox.botapi import BotApi
from sandbox.model import ModelServer, Say

ROOT = Path(__file__).parent.parent
OURS = tuple(str(ROOT / name) + os.sep for name in ("bot", "storage"))
PATIENCE_S, QUIET_S = 90.0, 1.5
"""How long a reply may take, and how long after it the turn's work is surely done, in seconds."""
TRACED = "KEEPSAKE_TRACE_FILE"
MESSAGES = ("I have a sister called Ruth.", "She lives in Turin.")
"""Those that are traced; what the cheaper one costs counts."""


class Trace:
    """Calls of the bot's own functions, and statements to its database, between two signals."""

    def __init__(self, target: Path) -> None:
        self._target = target
        self._on = False
        self._calls: Counter[CodeType] = Counter()
        self._statements: list[str] = []

    def install(self) -> None:
        """SIGUSR1 begins, SIGUSR2 ends and writes what there was as JSON."""
        connect = sqlite3.connect

        def traced(*args: object, **options: object) -> sqlite3.Connection:
            connection: sqlite3.Connection = connect(*args, **options)  # type: ignore[call-overload]
            connection.set_trace_callback(self._stated)
            return connection

        sqlite3.connect = traced  # type: ignore[assignment]
        if os.environ["DATABASE_URL"].startswith("postgres"):
            self._install_on_postgres()
        signal.signal(signal.SIGUSR1, self._begin)
        signal.signal(signal.SIGUSR2, self._end)

    def _install_on_postgres(self) -> None:
        from psycopg import AsyncRawCursor

        for name in ("execute", "executemany"):
            setattr(AsyncRawCursor, name, self._looked_at(getattr(AsyncRawCursor, name)))

    def _looked_at(self, work: Callable[..., Awaitable[object]]) -> Callable[..., Awaitable[object]]:
        async def looked_at(cursor: object, query: str | bytes, *values: object, **options: object) -> object:
            self._stated(query if isinstance(query, str) else query.decode())
            return await work(cursor, query, *values, **options)

        return looked_at

    def _stated(self, sql: str) -> None:
        if self._on:
            self._statements.append(" ".join(sql.split()))

    def _begin(self, *_: object) -> None:
        self._calls.clear()
        self._statements.clear()
        self._on = True
        sys.setprofile(self._called)

    def _end(self, *_: object) -> None:
        sys.setprofile(None)
        self._on = False
        written = {
            "calls": sum(self._calls.values()),
            "functions": [f"{code.co_filename}:{code.co_qualname}" for code in self._calls],
            "statements": self._statements,
        }
        self._target.with_suffix(".part").write_text(json.dumps(written), encoding="utf-8")
        self._target.with_suffix(".part").replace(self._target)

    def _called(self, frame: FrameType, event: str, _: object) -> None:
        code = frame.f_code
        if event == "call" and code.co_filename.startswith(OURS) and not code.co_name.startswith("<"):
            self._calls[code] += 1


@dataclass(frozen=True, slots=True)
class MessagePath:
    """What the bot did for a message, and in as long a time without one."""

    found: Mapping[str, object]
    idle: Mapping[str, object]

    @property
    def selects(self) -> int:
        """Those that the bot does not make without a message, such as the regular ones of its workers."""
        regular = {_shape(one) for one in _statements(self.idle)}
        mine = [one for one in _statements(self.found) if _shape(one) not in regular]
        return sum(one.split(" ", 1)[0].upper() in ("SELECT", "WITH") for one in mine)

    @property
    def functions(self) -> set[str]:
        """Those that the bot does not call without a message, each as file and name."""
        return {*_words(self.found, "functions")} - {*_words(self.idle, "functions")}

    @property
    def files(self) -> set[str]:
        """The files of these functions."""
        return {one.rpartition(":")[0] for one in self.functions}

    @property
    def write_transactions(self) -> int:
        """How often something was committed."""
        return _verbs(self.found)["BEGIN"] - _verbs(self.idle)["BEGIN"]


class BotEndedError(Exception):
    """The bot has ended by itself; the text is its last line."""


class Bench:
    """A bot between the sandbox's servers, as a process."""

    def __init__(self, folder: Path, database: str = "") -> None:
        self.database = database or f"sqlite:///{folder}/keepsake.db"
        self._folder = folder
        self._telegram = BotApi()
        self._ann = self._telegram.user("Ann")
        self._home = self._telegram.private(self._ann)

    @asynccontextmanager
    async def run(self) -> AsyncIterator[None]:
        """The bot runs while the block does, and has answered once."""
        model = ModelServer(words_per_second=1e6)
        model.answer_with(lambda _: Say("Noted, thank you.", chunk=1000))
        async with self._telegram.run() as telegram_url, model.run() as model_url:
            environment = {
                "TELEGRAM_BOT_TOKEN": self._telegram.token,
                "TELEGRAM_API_URL": telegram_url,
                "OPENAI_API_KEY": "any",
                "OPENAI_BASE_URL": model_url,
                "OPENAI_MODEL": "stand-in",
                "EMBEDDING_MODEL": "off",
                "ACCESS": "open",
                "DATABASE_URL": self.database,
                TRACED: str(self._folder / "trace.json"),
                "PYTHONPATH": str(ROOT),
            }
            bot = BotProcess(
                [sys.executable, "-m", "benchmarks.message_path", "--bot"], environment, self._folder / "bot.log"
            )
            await bot.start()
            try:
                await self._greet(bot)
                await asyncio.sleep(QUIET_S)
                yield
            finally:
                await bot.stop()

    async def say(self, words: str) -> float:
        """Send a message and wait for the reply; returns how long it took, in seconds."""
        count, began = len(self._home.replies), time.perf_counter()
        await self._ann.say(self._home, words)
        await self._home.wait(count + 1, PATIENCE_S)
        return time.perf_counter() - began

    async def _greet(self, bot: BotProcess) -> None:
        """Wait for the first reply. Raises BotEndedError if the bot can't run."""
        greeting, ended = asyncio.create_task(self.say("hello")), asyncio.create_task(bot.wait())
        try:
            await asyncio.wait([greeting, ended], return_when=asyncio.FIRST_COMPLETED)
            if not greeting.done():
                raise BotEndedError("".join(bot.last_lines(1)) or "the bot has ended without a word")
            await greeting
        finally:
            greeting.cancel()
            ended.cancel()

    async def path(self) -> MessagePath:
        """What a message costs; what the start has to do may take until the second one."""
        return min(
            [await self._path(words) for words in MESSAGES],
            key=lambda one: (one.write_transactions, one.selects),
        )

    async def _path(self, words: str) -> MessagePath:
        began = time.monotonic()
        found = await self._traced(self.say(words))
        lasted = time.monotonic() - began - QUIET_S
        return MessagePath(found, await self._traced(asyncio.sleep(lasted)))

    async def _traced(self, doing: Awaitable[object]) -> dict[str, object]:
        """What the bot did meanwhile, and until it is quiet again."""
        trace = self._folder / "trace.json"
        trace.unlink(missing_ok=True)
        os.kill(self._pid(), signal.SIGUSR1)
        await doing
        await asyncio.sleep(QUIET_S)
        os.kill(self._pid(), signal.SIGUSR2)
        async with asyncio.timeout(PATIENCE_S):
            while not trace.exists():  # noqa: ASYNC110  # another process writes it
                await asyncio.sleep(0.05)
        found: dict[str, object] = json.loads(trace.read_text(encoding="utf-8"))
        return found

    def cpu_s(self) -> float:
        """User and system time of the bot so far (proc(5): fields 14 and 15 of its stat)."""
        fields = Path(f"/proc/{self._pid()}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def _pid(self) -> int:
        return int((self._folder / "bot.pid").read_text())


async def measure(turns: int, database: str = "") -> MessagePath:
    """What a message costs on SQLite; prints it, and how long short turns take, if there are any.

    `database`: another one, on which the same is measured alternately.
    """
    with TemporaryDirectory(prefix="message-path-") as name:
        benches = []
        async with AsyncExitStack() as stack:
            for at, url in enumerate(["", database] if database else [""]):
                folder = Path(name) / str(at)
                folder.mkdir()
                benches.append(Bench(folder, url))
                await stack.enter_async_context(benches[-1].run())
            paths = [await bench.path() for bench in benches]
            if turns:
                for bench, path in zip(benches, paths, strict=True):
                    print(f"{bench.database.partition(':')[0]}:")
                    _show(path)
                await _timed(benches, turns)
            return paths[0]


def _show(path: MessagePath) -> None:
    found, verbs, idly = path.found, _verbs(path.found), _verbs(path.idle)
    changes = ("INSERT", "UPDATE", "DELETE", "REPLACE")
    print("one private text message of a known chat, from its arrival until the bot is quiet")
    print(f"  {'calls and resumptions':24} {found['calls']:6}")
    for label, count in (("functions", len(path.functions)), ("files", len(path.files))):
        print(f"  {label:24} {count:6}   (without those of its workers)")
    print(f"  {'SELECTs':24} {path.selects:6}   (and {idly['SELECT']} of its workers in as long a time without one)")
    written = sum(verbs[verb] - idly[verb] for verb in changes)
    print(f"  {'write transactions':24} {verbs['BEGIN'] - idly['BEGIN']:6}   ({written} statements)")


def _statements(found: Mapping[str, object]) -> list[str]:
    return _words(found, "statements")


def _words(found: Mapping[str, object], name: str) -> list[str]:
    return list(map(str, found[name]))  # type: ignore[call-overload]


def _shape(statement: str) -> str:
    """A statement without its values."""
    return re.sub(r"'[^']*'|\d+(\.\d+)?", "?", statement)


def _verbs(found: Mapping[str, object]) -> Counter[str]:
    verbs = Counter(re.split(r"[ ;]", statement, maxsplit=1)[0].upper() for statement in _statements(found))
    verbs["SELECT"] += verbs["WITH"]
    return verbs


async def _timed(benches: Sequence[Bench], turns: int) -> None:
    walls: dict[Bench, list[float]] = {bench: [] for bench in benches}
    before = [bench.cpu_s() for bench in benches]
    for at in range(turns):
        for bench, times in walls.items():
            times.append(await bench.say(f"Today I have done thing number {at}."))
    await asyncio.sleep(QUIET_S)
    print(f"{turns} short turns, without a trace")
    for (bench, times), began in zip(walls.items(), before, strict=True):
        kind, spent = bench.database.partition(":")[0], bench.cpu_s() - began
        print(f"  {kind:10} wall time, median {1000 * median(times):6.1f} ms   from sending to the instant reply")
        print(f"  {'':10} CPU time of the bot {1000 * spent / turns:5.1f} ms   a turn, all of its work included")
    if len(benches) > 1:
        first, second = (median(times) for times in walls.values())
        print(f"  ratio of the wall times {second / first:.2f}")


def main() -> None:
    """Measure, or be the bot that is measured."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.message_path", description=__doc__)
    parser.add_argument("--turns", type=int, default=40)
    parser.add_argument("--database", default="", help="the URL of an empty PostgreSQL database, to compare")
    parser.add_argument("--bot", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if not options.bot:
        try:
            asyncio.run(measure(options.turns, options.database))
        except BotEndedError as exc:
            sys.exit(str(exc))
        return
    Trace(Path(os.environ[TRACED])).install()
    from benchmarks import paceless  # noqa: F401  # takes Telegram's pace away
    from bot.__main__ import main as run

    sys.exit(run(["run"]))


if __name__ == "__main__":
    main()
