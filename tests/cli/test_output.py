"""Standard output takes what commands write, in any locale, or is not there at all."""

import io
import sys

import pytest

from bot.cli import output


def test_words_are_utf8_in_any_locale(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(taken, encoding="ascii"))
    output.write("✓ Köln \udcff\n")
    assert taken.getvalue() == "✓ Köln \\udcff\n".encode()


def test_without_any_output_nothing_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", None)
    output.write("nobody reads this")
    output.complain("nor this")
    assert not output.exists()
