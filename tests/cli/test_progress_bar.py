"""A progress bar is for terminals."""

import io
import sys
from contextlib import suppress

import pytest

from bot.cli import progress_bar
from bot.cli.progress_bar import ProgressBar


class Terminal(io.StringIO):
    """What is written to a terminal."""

    def isatty(self) -> bool:
        return True


def test_terminal_sees_work_advance(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress_bar, "REDRAWN_S", 0.0)
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with ProgressBar("Importing", 4) as bar:
        bar.advance(1)
        bar.advance(9)  # more than was expected
    shown = terminal.getvalue()
    assert [line[-4:].strip() for line in shown.split("\r")[1:]] == ["0%", "25%", "100%", "00%"]
    assert "Importing [########----------------------]  25%" in shown
    assert shown.endswith("100%\n")


def test_unfinished_work_is_shown_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    bar = ProgressBar("Importing", 2)
    with suppress(ValueError), bar:
        bar.advance(1)
        raise ValueError
    assert terminal.getvalue().endswith(" 50%\n")


@pytest.mark.parametrize("stream", [io.StringIO(), None])
def test_others_see_nothing(stream: io.StringIO | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", stream)
    with ProgressBar("Importing", 2) as bar:
        bar.advance(1)
    assert stream is None or stream.getvalue() == ""
