"""The log waits for no reader."""

import os
import sys
from pathlib import Path

import pytest

from bot.log_stream import LogStream


def test_stuck_reader_costs_lines_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.log_stream.WAIT_S", 0.01)
    reading, writing = os.pipe()
    with os.fdopen(writing, "w") as pipe, os.fdopen(reading, "rb") as reader:
        stream = LogStream(pipe)
        for number in range(2000):
            stream.write(f"{number} {'x' * 10_000 if number % 7 == 0 else 'y' * 100}\n")
        os.set_blocking(reading, False)
        assert reader.read().startswith(b"0 x")
        stream.write("read again\n")
        dropped, last = reader.read().decode().split("\n")[-3:-1]
    assert dropped.endswith("lines were dropped: nobody read the log)")
    assert last == "read again"


def test_files_are_written_as_usual(tmp_path: Path) -> None:
    with (tmp_path / "log").open("w") as file:
        stream = LogStream(file)
        stream.write("line\n")
        stream.flush()
        assert (tmp_path / "log").read_text() == "line\n"


def test_gone_reader_raises_at_once() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as pipe, pytest.raises(BrokenPipeError):
        LogStream(pipe).write("line\n")


def test_stream_without_descriptor_is_written(capsys: pytest.CaptureFixture[str]) -> None:
    LogStream(sys.stderr).write("line\n")
    assert capsys.readouterr().err == "line\n"
