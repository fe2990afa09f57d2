"""A PostgreSQL server of a test's own, which it may stop, restart and damage."""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

INSTALLED = Path("/usr/lib/postgresql")
"""Where Debian has its versions of the server."""
OWNER = "keepsake"
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "shared_buffers": "16MB",
    "max_connections": "30",
    "fsync": "off",
    "full_page_writes": "off",
    "wal_level": "replica",
    "max_wal_senders": "4",
    "lc_messages": "C",
}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Cluster:
    """A server with its data in a folder of its own. The user keepsake may do everything, without a password."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.port = port

    @classmethod
    def create(cls, folder: Path) -> "Cluster":
        """Make one, and start it; skips the test if PostgreSQL is not installed."""
        cluster = cls(folder, free_port())
        folder.mkdir(mode=0o700)
        shutil.chown(folder, **_owner())
        cluster.call(
            "initdb", "-D", folder / "data", "-U", OWNER, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"
        )
        cluster.configure(SETTINGS)
        cluster.start()
        return cluster

    def url(self, name: str = "postgres", user: str = OWNER, password: str | None = None) -> str:
        return f"postgresql://{user}{f':{password}' if password else ''}@127.0.0.1:{self.port}/{name}"

    def configure(self, settings: dict[str, str]) -> None:
        """Add settings, for the next start."""
        with (self.folder / "data" / "postgresql.conf").open("a") as file:
            file.writelines(f"{name} = '{value}'\n" for name, value in settings.items())

    def authenticate(self, line: str) -> None:
        """Put a line at the beginning of pg_hba.conf, for the next start."""
        path = self.folder / "data" / "pg_hba.conf"
        path.write_text(f"{line}\n{path.read_text()}")

    def run(self, sql: str, name: str = "postgres") -> None:
        """Run a statement as the owner."""
        with psycopg.connect(self.url(name), autocommit=True) as connection:
            connection.execute(sql.encode())

    def start(self) -> None:
        self.control("start", "-o", f"-p {self.port}", "-l", str(self.folder / "log"))

    def stop(self, mode: str = "immediate") -> None:
        self.control("stop", "-m", mode)

    def restart(self, mode: str = "fast") -> None:
        self.stop(mode)
        self.start()

    def control(self, action: str, *options: str) -> None:
        self.call("pg_ctl", action, "-D", self.folder / "data", "-w", *options)

    def call(self, program: str, *arguments: str | Path) -> None:
        """Run one of PostgreSQL's programs."""
        ran = subprocess.run(
            [_programs() / program, *arguments],
            cwd=self.folder,
            env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.STDOUT,
            check=False,
            **({"user": owner["user"], "group": owner["group"], "extra_groups": []} if (owner := _owner()) else {}),
        )
        assert ran.returncode == 0, f"{program} failed"


@contextmanager
def own_cluster() -> Iterator[Cluster]:
    """A server while the block runs; skips the test if PostgreSQL is not installed."""
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


def _programs() -> Path:
    folders = [path for path in INSTALLED.glob("*/bin") if (path / "initdb").exists()]
    if not folders:
        pytest.skip("PostgreSQL is not installed (Debian's package: postgresql)")
    return max(folders, key=lambda path: int(path.parent.name))


def _owner() -> dict[str, Any]:
    """Whose server it is: PostgreSQL refuses to run as root."""
    return (
        {"user": "postgres", "group": "postgres"}
        if os.geteuid() == 0
        else {"user": os.geteuid(), "group": os.getegid()}
    )
