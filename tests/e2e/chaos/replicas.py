"""Several processes of the bot on one PostgreSQL database, and what an operator sees of them."""

import asyncio
import re
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psycopg

from storage.postgres.chat_claims import LEADER_LOCK
from tests.e2e.chaos.balancer import balanced
from tests.e2e.chaos.checks import Finding, findings, wrong
from tests.e2e.chaos.world import OPEN, Query, World
from tests.e2e.conftest import Separate
from tests.e2e.programs import Launch
from tests.postgres_cluster import Cluster
from tests.postgres_server import free_port
from tests.tcp import Proxy, served

DATABASE = "keepsake"
READY_S = 60.0
"""How long a process may take to start on a busy machine."""
ASK_EVERY_S = 0.5
"""How often the health of each process is asked for."""
CONNECTIONS = 8
"""The most connections of one process: six of the pool, the session with the locks, and the listener."""
EXPECTED = re.compile(
    r"Notifications are cut off|The database server can't be reached|No connection to PostgreSQL"
    r"|An update could not be stored|Something in the chats was left|The work that the processes share"
    r"|Work was given up|Telegram can't be reached|Updates can't be received|In groups the bot only gets"
    r"|The event loop was held|The previous process died with|A process died with|The connection broke during a commit"
    r"|The database can't be written, trying again|Waiting for PostgreSQL"
)
"""Warnings that kills and outages explain."""
_LEVEL = re.compile(r" (WARNING|ERROR|CRITICAL) ")
_CLAIMS = """
SELECT telegram_id, token FROM pg_locks JOIN pg_stat_activity USING (pid)
JOIN chat_claims ON telegram_id = ((classid::bigint << 32) | objid::bigint)
WHERE locktype = 'advisory' AND objsubid = 1 AND application_name = ?
"""
_LEADER = f"""
SELECT application_name FROM pg_locks JOIN pg_stat_activity USING (pid)
WHERE locktype = 'advisory' AND ((classid::bigint << 32) | objid::bigint) = {LEADER_LOCK}
"""
_BUSY = """
SELECT telegram_id FROM inbox WHERE state = 'new' UNION SELECT telegram_id FROM notices WHERE message_id IS NULL
UNION SELECT telegram_id FROM turns JOIN chats ON chats.id = chat_id
WHERE state IN ('waiting', 'streaming', 'complete', 'replaced')
"""
_CONNECTED = """
SELECT application_name, count(*) FROM pg_stat_activity
WHERE datname = current_database() AND application_name LIKE 'replica%' GROUP BY 1
"""


@dataclass(slots=True)
class Seen:
    """What was wrong with the processes, as their routes and the server show them."""

    unwell: list[str] = field(default_factory=list)
    """What /healthz said when it failed."""
    connections: int = 0
    """The most that one process had."""
    codes: list[int] = field(default_factory=list)
    """The exit codes after SIGTERM."""


class Replica(Separate):
    """One of the processes."""

    def __init__(self, launch: Launch, environment: dict[str, str], folder: Path, name: str, port: int) -> None:
        folder.mkdir()
        super().__init__(launch, environment, folder / "bot.log")
        self.name = name
        self.port = port
        self.log = folder / "bot.log"

    async def ask(self, client: httpx.AsyncClient, path: str) -> httpx.Response | None:
        """One of its routes; None if nothing listens."""
        try:
            return await client.get(f"http://127.0.0.1:{self.port}{path}")
        except httpx.HTTPError:
            return None


class Replicas(World):
    """A world with several processes of the bot."""

    def __init__(self, cluster: Cluster, folder: Path, launch: Launch, seed: int, patience: float, count: int) -> None:
        super().__init__(folder, seed, patience)
        self.cluster = cluster
        self.seen = Seen()
        self.link = Proxy(cluster.port)
        """Between the last of the processes and the server."""
        self.client = httpx.AsyncClient(timeout=10.0, trust_env=False)
        self.replicas: list[Replica] = []
        self._launch = launch
        self._ports = [free_port() for _ in range(count)]

    async def start(self, webhook: str | None, link: int | None) -> None:
        """Start all processes. `link`: the port that leads to the server for the last of them."""
        for number, port in enumerate(self._ports):
            name, last = f"replica{number}", number == len(self._ports) - 1
            url = self.cluster.url(DATABASE)
            if last and link is not None:
                url = url.replace(f":{self.cluster.port}/", f":{link}/")
            own = {"PORT": str(port), "DATABASE_URL": f"{url}?application_name={name}"}
            own |= {"WEBHOOK_URL": webhook} if webhook is not None else {}
            replica = Replica(self._launch, self.environment | own, self.folder / name, name, port)
            self.replicas.append(replica)
            await replica.start()
        for replica in self.replicas:
            await self.ready(replica)

    async def ready(self, replica: Replica) -> None:
        """Wait until a process says that it is ready. Raises TimeoutError."""
        async with asyncio.timeout(READY_S):
            while (answer := await replica.ask(self.client, "/readyz")) is None or not answer.is_success:  # noqa: ASYNC110
                await asyncio.sleep(0.1)

    async def kill(self, replica: Replica) -> None:
        """End a process by SIGKILL."""
        self.killed_at.append(time.time())
        replica.kill()
        await replica.wait()

    async def renew(self, replica: Replica) -> None:
        """Restart a process as a deployment does: SIGTERM, and the next one when it is ready again."""
        replica.terminate()
        self.seen.codes.append(await replica.wait())
        await replica.start()
        await self.ready(replica)

    def ports(self) -> Sequence[int]:
        return self._ports

    @contextmanager
    def querying(self) -> Iterator[Query]:
        with psycopg.connect(self.cluster.url(DATABASE), autocommit=True) as connection:

            def query(sql: str, values: Sequence[object]) -> list[tuple[Any, ...]]:
                text = sql.replace("%", "%%").replace("?", "%s").encode()
                return connection.execute(text, values).fetchall()

            yield query

    def claims(self, replica: Replica) -> dict[int, int]:
        """The chats that a process has, and their tokens."""
        with self.querying() as query:
            return dict(query(_CLAIMS, (replica.name,)))

    def leader(self) -> Replica | None:
        """The process that leads."""
        with self.querying() as query:
            names = [name for (name,) in query(_LEADER, ())]
        return next((replica for replica in self.replicas if replica.name in names), None)

    async def hand_over(self, before: dict[int, int], began: float, patience: float) -> list[float]:
        """For each of these chats that has something to do, how long after `began` another process has it."""
        with self.querying() as query:
            busy = {chat for (chat,) in query(_BUSY, ())}
            waiting = {chat: token for chat, token in before.items() if chat in busy}
            took: list[float] = []
            while waiting and time.monotonic() - began < patience:
                await asyncio.sleep(0.02)
                tokens = dict(query("SELECT telegram_id, token FROM chat_claims", ()))
                for chat in [chat for chat, token in waiting.items() if tokens[chat] > token]:
                    took.append(time.monotonic() - began)
                    del waiting[chat]
        return took + [patience] * len(waiting)

    async def watch(self) -> None:
        """Look at all processes and at their connections, until cancelled."""
        while True:
            for replica in self.replicas:
                answer = await replica.ask(self.client, "/healthz")
                if answer is not None and not answer.is_success and "not found" not in answer.text.lower():
                    self.seen.unwell.append(f"{replica.name}: {answer.text}")
            try:
                with self.querying() as query:
                    counts = [int(number) for _, number in query(_CONNECTED, ())]
            except psycopg.Error:
                counts = []
            self.seen.connections = max([self.seen.connections, *counts])
            await asyncio.sleep(ASK_EVERY_S)

    def findings(self) -> list[Finding]:
        """Check everything; the processes may run, but must have nothing more to do."""
        with self.querying() as query:
            rows = findings(self, query)
        lines = self.unexpected()
        return [
            *rows,
            wrong("/healthz that failed", self.seen.unwell),
            Finding("most connections of one process", self.seen.connections, int(self.seen.connections > CONNECTIONS)),
            wrong("exit codes other than 0 after SIGTERM", [code for code in self.seen.codes if code]),
            wrong("log lines that nothing explains", [*lines.items()], lines.total()),
        ]

    def unexpected(self) -> Counter[str]:
        """Warnings and errors in the logs, without numbers."""
        lines = [line for replica in self.replicas for line in replica.log.read_text().splitlines()]
        found = [line for line in lines if _LEVEL.search(line) or line.startswith("Traceback")]
        return Counter(re.sub(r"\d+", "#", line) for line in found if not EXPECTED.search(line))

    def _open(self) -> int:
        try:
            with self.querying() as query:
                return int(query(OPEN, ())[0][0])
        except psycopg.Error:
            return -1


@asynccontextmanager
async def open_replicas(
    cluster: Cluster,
    folder: Path,
    launch: Launch,
    *,
    count: int,
    seed: int,
    patience: float,
    polls: bool = False,
) -> AsyncIterator[Replicas]:
    """Start the servers and the processes, on an empty database; all processes are ended afterwards.

    `polls`: without a webhook.
    """
    cluster.run(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")
    cluster.run(f"CREATE DATABASE {DATABASE}")
    world = Replicas(cluster, folder, launch, seed, patience, count)
    await world.begin()
    async with AsyncExitStack() as stack:
        stack.push_async_callback(world.end)
        stack.push_async_callback(world.client.aclose)
        stack.push_async_callback(_end, world)
        link = await stack.enter_async_context(served(world.link.handle))
        webhook = None if polls else await stack.enter_async_context(balanced(world.ports()))
        await world.start(webhook and f"{webhook}/hook", link)
        watching = asyncio.create_task(world.watch(), name="watch")
        try:
            yield world
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)


async def _end(world: Replicas) -> None:
    for replica in world.replicas:
        if replica.running:
            replica.kill()
            await replica.wait()
