"""The sandbox as a process of its own, as a user starts it, in a folder of the test's."""

import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.programs import Variables, whole

ROOT = Path(__file__).parents[2]
PATIENCE_S = 40.0
"""How long the page's address may take; on a busy machine, imports alone take some seconds."""
PAUSE_S = 0.05
END_S = 30.0
_ADDRESS = re.compile(r"http://127\.0\.0\.1:\d+/\?token=[\w-]+")


@dataclass(frozen=True, slots=True)
class SandboxProcess:
    """One that runs: its page's address, with the token, and its folder with its databases."""

    url: str
    data: Path

    @property
    def base(self) -> str:
        """The address without the token, up to the port."""
        return self.url.partition("/?")[0]

    @property
    def database(self) -> Path:
        """The bot's."""
        return self.data / "sandbox.db"


@contextmanager
def running(data: Path, *options: str, variables: Variables | None = None) -> Iterator[SandboxProcess]:
    """A sandbox with a page while the block runs. Raises AssertionError with its output if it doesn't start."""
    data.mkdir(parents=True, exist_ok=True)
    output = data / "output.txt"
    command = [sys.executable, "-m", "bot", "sandbox", "--page", "--no-browser", "--data", str(data), *options]
    environment = whole({"EMBEDDING_MODEL": "off", **(variables or {})})
    with output.open("wb") as written:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=written,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield SandboxProcess(_address(process, output), data)
    finally:
        _end(process)


def _address(process: "subprocess.Popen[bytes]", output: Path) -> str:
    last = time.monotonic() + PATIENCE_S
    while not (found := _ADDRESS.search(output.read_text(errors="replace"))):
        assert process.poll() is None, f"the sandbox has ended: {output.read_text(errors='replace')}"
        assert time.monotonic() < last, f"the sandbox prints no address: {output.read_text(errors='replace')}"
        time.sleep(PAUSE_S)
    return found[0]


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(END_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise
