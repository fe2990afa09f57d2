"""A private PostgreSQL server for the tests: in a folder of its own, on a free port of 127.0.0.1.

    python -m tests.postgres_server COMMAND...

runs a command with POSTGRES_TEST_URL set, and ends the server with it; without PostgreSQL it says so, runs nothing, and
exits with 77.
"""

import ctypes
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import psycopg

OLDEST = 14
SKIPPED = 77
"""The exit code of what was not run, by an old convention."""
PATIENCE_S = 60.0
"""How long the server may take to start."""
TRIES = 3
"""How many ports are tried, since another program may take one between looking for it and listening on it."""
USER = "keepsake"
INSTALLED = Path("/usr/lib/postgresql")
"""Where Debian has its versions of the server."""
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "max_connections": "200",
    "shared_buffers": "64MB",
    # Nothing here outlives the machine.
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    # Tests are short, and what runs by the clock makes their times and their plans vary.
    "autovacuum": "off",
    "checkpoint_timeout": "1h",
    "timezone": "UTC",
}
_END_WITH_PARENT = 1
"""The option PR_SET_PDEATHSIG of prctl."""


class NoPostgresError(Exception):
    """There is no server to start, or it does not start; the text says why."""


def programs() -> Path:
    """The folder of the newest server that is installed. Raises NoPostgresError."""
    folders = [path for path in INSTALLED.glob("*/bin") if (path / "initdb").exists() and path.parent.name.isdigit()]
    newest = max(folders, key=lambda path: int(path.parent.name), default=None)
    if newest is not None and int(newest.parent.name) >= OLDEST:
        return newest
    found = shutil.which("initdb")
    if found is None or not (folder := Path(found).resolve().parent).joinpath("postgres").exists():
        raise NoPostgresError(f"PostgreSQL {OLDEST} or later is not installed (Debian's package: postgresql)")
    words = subprocess.run([found, "--version"], capture_output=True, text=True, check=True).stdout.split()
    if int(words[2].partition(".")[0]) < OLDEST:
        raise NoPostgresError(f"PostgreSQL {words[2]} is installed, and {OLDEST} or later is needed")
    return folder


@contextmanager
def server() -> Iterator[str]:
    """A server while the block runs; yields its URL, without a database. Raises NoPostgresError."""
    folder = Path(tempfile.mkdtemp(prefix="keepsake-postgres-"))
    try:
        owner = process_owner()
        if owner:
            shutil.chown(folder, owner["user"], owner["group"])
        password, binaries = secrets.token_urlsafe(12), programs()
        _create(binaries, folder, password, owner)
        process, port = _start(binaries, folder, password, owner)
        try:
            yield f"postgresql://{USER}:{password}@127.0.0.1:{port}"
        finally:
            _end_server(process)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def process_owner() -> dict[str, Any]:
    """Whose process it becomes, as arguments of Popen: the server refuses to run as root."""
    if os.geteuid() != 0:
        return {}
    users = {entry.pw_name: entry for entry in pwd.getpwall()}
    entry = users.get("postgres") or users.get("nobody")
    if entry is None:
        raise NoPostgresError("PostgreSQL does not run as root, and there is neither a user postgres nor nobody")
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


def _create(binaries: Path, folder: Path, password: str, owner: dict[str, Any]) -> None:
    secret = folder / "password"
    secret.write_text(password)
    if owner:
        shutil.chown(secret, owner["user"], owner["group"])
    ran = subprocess.run(
        [
            *(binaries / "initdb", "--pgdata", folder / "data", "--username", USER, "--pwfile", secret),
            *("--auth", "md5", "--encoding", "UTF8", "--locale", "C", "--no-sync"),
        ],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
        **owner,
    )
    if ran.returncode:
        raise NoPostgresError(f"initdb failed: {ran.stderr.strip()}")


def _start(binaries: Path, folder: Path, password: str, owner: dict[str, Any]) -> tuple[subprocess.Popen[bytes], int]:
    log = folder / "log"
    for _ in range(TRIES):
        port = free_port()
        options = {**SETTINGS, "port": str(port), "unix_socket_directories": str(folder)}
        with log.open("wb") as out:
            process = subprocess.Popen(
                [
                    binaries / "postgres",
                    "-D",
                    folder / "data",
                    *(f"--{name}={value}" for name, value in options.items()),
                ],
                cwd=folder,
                env=environment(),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
                preexec_fn=end_with_parent,
                **owner,
            )
        if answers(process, f"postgresql://{USER}:{password}@127.0.0.1:{port}/postgres"):
            return process, port
    raise NoPostgresError(f"PostgreSQL does not start: {log.read_text(errors='replace').strip()}")


def environment() -> dict[str, str]:
    """Without anything that names another server."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def end_with_parent() -> None:
    """In the server's process before it runs: on Linux it ends with this process, even if that is killed."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_END_WITH_PARENT, signal.SIGQUIT)


def answers(process: "subprocess.Popen[bytes]", url: str) -> bool:
    """Wait for the server; returns whether it answers."""
    until = time.monotonic() + PATIENCE_S
    try:
        while process.poll() is None and time.monotonic() < until:
            try:
                psycopg.connect(url, connect_timeout=5).close()
            except psycopg.OperationalError:
                time.sleep(0.05)
            else:
                return True
    except BaseException:
        _end_server(process)
        raise
    _end_server(process)
    return False


def _end_server(process: "subprocess.Popen[bytes]") -> None:
    """End it at once; what it holds is thrown away."""
    process.send_signal(signal.SIGQUIT)
    process.wait()


def _run(command: list[str]) -> int:
    """Run a command with a server; signals that end this process end the command first."""
    with server() as url:
        child = subprocess.Popen(command, env={**os.environ, "POSTGRES_TEST_URL": url})
        try:
            return child.wait()
        except BaseException:
            child.terminate()
            child.wait()
            raise


def _end(number: int, _: object) -> NoReturn:
    raise SystemExit(128 + number)


def main() -> int:
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _end)
    try:
        return _run(sys.argv[1:])
    except NoPostgresError as exc:
        print(f"Not run on PostgreSQL: {exc}", file=sys.stderr)
        return SKIPPED


if __name__ == "__main__":
    sys.exit(main())
