"""Telegram may be away for as long as it likes."""

import asyncio
from typing import Any

import pytest
from telegram.error import NetworkError

from bot.updates.polling import MAX_WAIT_S, Polling


@pytest.mark.parametrize("already", [0, 2_000, 10**6])
async def test_polling_outlives_any_number_of_failures(already: int, monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 50:
            raise asyncio.CancelledError

    class Away:
        base_url = "http://telegram"

        async def delete_webhook(self) -> bool:
            return True

        async def retrieve(self, *_: object, **__: object) -> bytes:
            raise NetworkError("away")

    monkeypatch.setattr(asyncio, "sleep", sleep)
    away: Any = Away()
    asking = Polling(away, away, away)
    asking._failures = already
    with pytest.raises(asyncio.CancelledError):
        await asking.run()
    assert waits[-1] == MAX_WAIT_S
    assert waits == sorted(waits)
    assert waits[0] == (1 if not already else MAX_WAIT_S)
