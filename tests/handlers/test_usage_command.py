"""The picture of a month's tokens speaks the chat's language."""

from datetime import date

import pytest

from bot.handlers import usage_command
from bot.language import speaking
from storage.records import DayUsage, Usage

DAYS = [DayUsage(date(2026, 11, 20), 1, Usage(1000, 400, 200))]


@pytest.mark.parametrize(("language", "meaning"), [("ru", ""), ("zh", "🟩 输入（缓存） · 🟧 输入（新） · 🟪 输出")])
def test_what_no_font_can_write_stands_below(language: str, meaning: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(usage_command, "_MORE_FONTS", ())
    with speaking(language):
        png, told = usage_command.usage_chart(DAYS, date(2026, 11, 29))
    assert (png[:4], told) == (b"\x89PNG", meaning)
