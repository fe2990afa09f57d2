"""What takes time in every test, taken out of those that are not about it."""

import pytest

from bot.outbound import flood_control


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Messages to one chat go out at once. At Telegram's pace these tests would take minutes."""
    monkeypatch.setattr(flood_control, "_PRIVATE", flood_control._Rate(spacing=0.001, burst=4))
    monkeypatch.setattr(flood_control, "_GROUP", flood_control._Rate(spacing=0.001, burst=4))
