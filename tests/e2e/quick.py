"""What takes time in every test, taken out of those that are not about it."""

import pytest

from bot import app
from bot.outbound import pacing


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Messages to one chat go out at once, and no menus are registered, which are twelve calls a start.

    At Telegram's pace these tests would take minutes.
    """
    monkeypatch.setattr(pacing, "_PRIVATE", pacing._Rate(spacing=0.001, burst=4))
    monkeypatch.setattr(pacing, "_GROUP", pacing._Rate(spacing=0.001, burst=4))
    monkeypatch.setattr(app, "register_menu", _no_menu)


async def _no_menu(_: object) -> None:
    return
