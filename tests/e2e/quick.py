"""Telegram's pace, taken out of tests that are not about it."""

import pytest

from bot.outbound import pacing


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Messages to one chat go out at once; at Telegram's pace these tests would take minutes."""
    monkeypatch.setattr(pacing, "_PRIVATE", pacing._Rate(spacing=0.001, burst=4))
    monkeypatch.setattr(pacing, "_GROUP", pacing._Rate(spacing=0.001, burst=4))
