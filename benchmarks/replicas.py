"""How many short turns a second one process and several give on one PostgreSQL server, and what they cost.

``python -m benchmarks.replicas --server postgresql://user@host:port`` lets many chats ask at once, each again as soon
as it has its answer, and prints a table. The stand-ins for Telegram and the model, the load balancer and the server
share the machine with the bot: the last columns show what was left to it.
"""

import argparse
import asyncio
import os
import secrets
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg

from sandbox.bot_process import BotProcess
from sandbox.botapi import BotApi, Chat, User
from sandbox.model import ModelServer, Say
from tests.e2e.chaos.balancer import balanced
from tests.postgres_server import free_port

ROOT = Path(__file__).parent.parent
PATIENCE_S = 120.0
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Throughput:
    """What was measured with a number of processes; CPU in seconds."""

    processes: int
    turns: int
    took: float
    bots: Sequence[float]
    driver: float
    """The stand-ins, the load balancer and those who ask."""
    rest: float
    """PostgreSQL, and whatever else ran on the machine."""

    def row(self) -> str:
        """As a line of the table."""
        bots = " ".join(f"{one / self.took:4.0%}" for one in self.bots)
        cores = os.cpu_count() or 1
        return (
            f"{self.processes:>9} {self.turns:>6} {self.took:>7.1f} {self.turns / self.took:>8.1f}"
            f" {1000 * sum(self.bots) / self.turns:>9.1f}   {bots:<20} {self.driver / self.took:>7.0%}"
            f" {self.rest / self.took:>7.0%} {cores:>6}"
        )


HEAD = "processes  turns seconds  turns/s  ms a turn   CPU of each          stand-ins    rest  cores"


@asynccontextmanager
async def _database(server: str) -> AsyncIterator[str]:
    name = f"bench_{secrets.token_hex(4)}"
    async with await psycopg.AsyncConnection.connect(f"{server}/postgres", autocommit=True) as admin:
        await admin.execute(f"CREATE DATABASE {name}".encode())
        try:
            yield f"{server}/{name}"
        finally:
            await admin.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


async def measure(server: str, processes: int, chats: int, turns: int, folder: Path) -> Throughput:
    """Let this many chats ask this often each."""
    telegram, model = BotApi(), ModelServer(words_per_second=1e6)
    telegram.flood_limits = False
    model.answer_with(lambda _: Say("Noted, thank you.", chunk=1000))
    people = [telegram.user(f"Person {number}") for number in range(chats)]
    homes = [telegram.private(person) for person in people]
    ports = [free_port() for _ in range(processes)]
    async with (
        telegram.run() as telegram_url,
        model.run() as model_url,
        balanced(ports) as hook,
        _database(server) as database,
    ):
        environment = {
            "TELEGRAM_BOT_TOKEN": telegram.token,
            "TELEGRAM_API_URL": telegram_url,
            "OPENAI_API_KEY": "any",
            "OPENAI_BASE_URL": model_url,
            "OPENAI_MODEL": "stand-in",
            "EMBEDDING_MODEL": "off",
            "ACCESS": "open",
            "DATABASE_URL": database,
            "PYTHONPATH": str(ROOT),
            "MESSAGES_PER_MINUTE": "10000",
        }
        bots = []
        for number, port in enumerate(ports):
            logged = folder / f"{processes}-{number}" / "bot.log"
            own = {"PORT": str(port), "WEBHOOK_URL": f"{hook}/hook"}
            bots.append(BotProcess([sys.executable, "-m", "benchmarks.paceless"], environment | own, logged))
            await bots[-1].start()
        try:
            await telegram.wait_call("setWebhook", timeout=PATIENCE_S)
            await _ask_all(people, homes, 1)  # each is greeted
            pids = [int(bot.log.with_suffix(".pid").read_text()) for bot in bots]
            before, began = [*map(_cpu_s, pids), _cpu_s(os.getpid()), _busy_s()], time.monotonic()
            await _ask_all(people, homes, turns)
            took = time.monotonic() - began
            after = [*map(_cpu_s, pids), _cpu_s(os.getpid()), _busy_s()]
        finally:
            for bot in bots:
                await bot.stop()
    *spent, driver, everything = [one - other for one, other in zip(after, before, strict=True)]
    return Throughput(processes, chats * turns, took, spent, driver, everything - driver - sum(spent))


async def _ask_all(people: Sequence[User], homes: Sequence[Chat], turns: int) -> None:
    async with asyncio.TaskGroup() as tasks:
        for person, home in zip(people, homes, strict=True):
            tasks.create_task(_ask(person, home, turns))


async def _ask(person: User, home: Chat, turns: int) -> None:
    for number in range(turns):
        count = len(home.replies)
        await person.say(home, f"Today I have done thing number {number}.")
        async with asyncio.timeout(PATIENCE_S):
            while len(home.replies) <= count:  # noqa: ASYNC110 - 300 who check at every change would cost more
                await asyncio.sleep(0.05)


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def _busy_s() -> float:
    """What all cores have worked (proc(5): the first line of stat, without idle and iowait)."""
    user, nice, system, _, _, irq, soft = map(int, Path("/proc/stat").read_text().split()[1:8])
    return (user + nice + system + irq + soft) / TICKS


async def main(options: argparse.Namespace) -> None:
    """Measure one process, and several."""
    print(f"{options.chats} chats, {options.turns} short turns each\n{HEAD}", flush=True)
    rates = []
    with TemporaryDirectory(prefix="replicas-") as name:
        for processes in (1, options.processes):
            found = await measure(options.server, processes, options.chats, options.turns, Path(name))
            print(found.row(), flush=True)
            rates.append(found.turns / found.took)
    print(f"{options.processes} processes give {rates[1] / rates[0]:.2f} times the turns of one")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.replicas", description=__doc__)
    parser.add_argument("--server", default=os.environ.get("POSTGRES_TEST_URL"), help="its URL without a database")
    parser.add_argument("--processes", type=int, default=3)
    parser.add_argument("--chats", type=int, default=300)
    parser.add_argument("--turns", type=int, default=5)
    asyncio.run(main(parser.parse_args()))
