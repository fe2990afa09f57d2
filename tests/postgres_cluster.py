"""A PostgreSQL server of a test's own, which it may stop, restart and damage."""

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Self

import psycopg
import pytest

from tests.postgres_server import (
    USER,
    NoPostgresError,
    answers,
    end_with_parent,
    environment,
    free_port,
    process_owner,
    programs,
)

SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "shared_buffers": "16MB",
    "max_connections": "60",
    "fsync": "off",
    "full_page_writes": "off",
    "wal_level": "replica",
    "max_wal_senders": "4",
    "lc_messages": "C",
}
STOPS = {"fast": signal.SIGINT, "immediate": signal.SIGQUIT}
"""The ways to stop a server: ending all sessions, or like a crash."""


class Cluster:
    """A server with its data in a folder of its own. The user keepsake may do everything, without a password."""

    def __init__(self, folder: Path) -> None:
        """`folder`: is made, for the server's user alone."""
        self.folder = folder
        self.port = free_port()
        self._programs, self._owner = programs(), process_owner()
        self._process: subprocess.Popen[bytes] | None = None
        folder.mkdir(mode=0o700)
        if self._owner:
            shutil.chown(folder, self._owner["user"], self._owner["group"])

    @classmethod
    def create(cls, folder: Path) -> Self:
        """One with nothing in it, running."""
        cluster = cls(folder)
        options = ("--username", USER, "--auth", "trust", "--encoding", "UTF8", "--locale", "C", "--no-sync")
        cluster.call("initdb", "--pgdata", folder / "data", *options)
        cluster.start()
        return cluster

    @property
    def settings(self) -> Path:
        """The file with the server's settings."""
        return self.folder / "data" / "postgresql.conf"

    def url(self, name: str = "postgres", user: str = USER, password: str | None = None) -> str:
        return f"postgresql://{user}{f':{password}' if password else ''}@127.0.0.1:{self.port}/{name}"

    def authenticate(self, line: str) -> None:
        """Put a line at the beginning of pg_hba.conf, for the next start."""
        path = self.folder / "data" / "pg_hba.conf"
        path.write_text(f"{line}\n{path.read_text()}")

    def run(self, sql: str, name: str = "postgres") -> None:
        """Run a statement as the owner."""
        with psycopg.connect(self.url(name), autocommit=True) as connection:
            connection.execute(sql.encode())

    def start(self) -> None:
        """Start it, and wait until it answers."""
        options = SETTINGS | {"port": str(self.port)}
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    *(self._programs / "postgres", "-D", self.folder / "data"),
                    *(f"--{name}={value}" for name, value in options.items()),
                ],
                cwd=self.folder,
                env=environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=end_with_parent,
                **self._owner,
            )
        assert answers(self._process, self.url()), (self.folder / "log").read_text()

    def stop(self, mode: str = "immediate") -> None:
        """Stop it in one of the ways in STOPS, and wait until it has ended."""
        if self._process is not None:
            self._process.send_signal(STOPS[mode])
            self._process.wait()

    def restart(self, mode: str = "fast") -> None:
        """Stop it and start it again."""
        self.stop(mode)
        self.start()

    def call(self, program: str, *arguments: str | Path) -> None:
        """Run one of PostgreSQL's programs as the server's user."""
        options: dict[str, Any] = {"capture_output": True, "text": True, "check": False, **self._owner}
        ran = subprocess.run(
            [self._programs / program, *arguments],
            cwd=self.folder,
            env=environment(),
            stdin=subprocess.DEVNULL,
            **options,
        )
        assert ran.returncode == 0, ran.stderr


@contextmanager
def own_cluster() -> Iterator[Cluster]:
    """A server while the block runs. Raises NoPostgresError if it is not installed."""
    folder = Path(tempfile.mkdtemp(prefix="keepsake-cluster-"))
    folder.chmod(0o755)
    try:
        cluster = Cluster.create(folder / "server")
        try:
            yield cluster
        finally:
            cluster.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def cluster_for_test() -> Iterator[Cluster]:
    """`own_cluster` for a test, which it skips in runs without PostgreSQL."""
    if "POSTGRES_TEST_URL" not in os.environ:
        pytest.skip("needs PostgreSQL: make test-postgres")
    with ExitStack() as running:
        try:
            cluster = running.enter_context(own_cluster())
        except NoPostgresError as exc:
            pytest.skip(str(exc))
        yield cluster
