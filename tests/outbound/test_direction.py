import json
from unittest.mock import AsyncMock

import pytest

from bot.outbound.formatting import to_rich
from tests.outbound.double import PRIVATE, connected


@pytest.mark.parametrize(
    ("source", "is_rtl"),
    [
        ("שלום עולם, this", True),
        ("مرحبا بك في `print(hello_world)`", True),
        ("سلام دنیا\n\n```py\nprint('a long program')\n```\n\n$\\alpha + \\beta$", True),
        ("| نام | سن |\n|---|---|\n| علی | 5 |", True),
        ("اردو میں جواب [x](https://a-very-long.example/address)", True),
        ("The word שלום means peace", False),
        ("2 + 3 = 5", False),
        ("```\nשלום\n```\nhello", False),
        ("你好", False),
    ],
)
def test_the_script_of_most_letters_decides(source: str, is_rtl: bool) -> None:
    assert to_rich(source).is_rtl == is_rtl


@pytest.mark.parametrize(("answer", "rich"), [("שלום", True), ("hello", None)])
async def test_telegram_is_told_the_direction(answer: str, rich: bool | None) -> None:
    async with connected(reply_format="rich") as line:
        await line.sender.deliver(PRIVATE, answer, AsyncMock())
        assert json.loads(line.api.calls[-1].fields["rich_message"]).get("is_rtl") is rich
