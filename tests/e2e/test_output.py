"""What commands write goes to readers who leave and to full disks: none of them ends with a traceback."""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import pytest

from bot.cli.output import READER_GONE
from tests.e2e.conftest import Stage
from tests.e2e.programs import start, whole
from tests.selection import first

COMMANDS = ("doctor", "users", "owner", "block 5", "export")


def _unread() -> BinaryIO:
    """A pipe whose reader has gone."""
    reads, writes = os.pipe()
    os.close(reads)
    return os.fdopen(writes, "wb", buffering=0)


def _full() -> BinaryIO:
    return Path("/dev/full").open("wb", buffering=0)


CASES = pytest.mark.parametrize(
    ("where", "code", "told"), [(_unread, READER_GONE, ""), (_full, 1, "No space left on device")]
)


@CASES
@pytest.mark.parametrize("command", first(COMMANDS, 2))
async def test_unwritten_output_ends_a_command_quietly(
    where: Callable[[], BinaryIO], code: int, told: str, command: str, process: Stage, tmp_path: Path
) -> None:
    with where() as out, tempfile.TemporaryFile() as err:
        environment = whole({**process.environment, "ACCESS": "approval"})
        ended = await (await process._launch(command.split(), environment, tmp_path, out, err)).wait()
        err.seek(0)
        complained = err.read().decode()
    assert "Traceback" not in complained
    assert "Exception ignored" not in complained
    assert ended == code, complained
    assert told in complained


@CASES
@pytest.mark.parametrize("command", ["--help", "sandbox --help"])
async def test_unwritten_help_ends_quietly_too(
    where: Callable[[], BinaryIO], code: int, told: str, command: str, tmp_path: Path
) -> None:
    with where() as out, tempfile.TemporaryFile() as err:
        ended = await (await start(command.split(), whole({}), tmp_path, out, err)).wait()
        err.seek(0)
        complained = err.read().decode().splitlines()
    assert ended == code
    assert len(complained) == bool(told)
    assert told in "".join(complained)
