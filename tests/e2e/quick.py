"""What takes time in every test, taken out of those that are not about it."""

import pytest

from bot.outbound import pacing


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Messages to one chat go out at once. At Telegram's pace these tests would take minutes."""
    monkeypatch.setattr(pacing, "_PRIVATE", pacing._Rate(spacing=0.001, burst=4))
    monkeypatch.setattr(pacing, "_GROUP", pacing._Rate(spacing=0.001, burst=4))
