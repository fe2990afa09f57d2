import pytest


@pytest.fixture(autouse=True)
def _durations(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in the application; python-telegram-bot warns otherwise, and warnings are errors."""
    monkeypatch.setenv("PTB_TIMEDELTA", "true")
