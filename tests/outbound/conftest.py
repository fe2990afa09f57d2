import pytest


@pytest.fixture(autouse=True)
def periods_are_timedeltas(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in the bot's own process; without it python-telegram-bot warns about every 429."""
    monkeypatch.setenv("PTB_TIMEDELTA", "1")
