"""What takes long shows that the bot is at work."""

import asyncio

from telegram.error import TelegramError

from bot.outbound.preview import busy


async def test_typing_indicator_appears_and_never_breaks_work() -> None:
    shown = asyncio.Event()

    async def show() -> None:
        shown.set()
        raise TelegramError("no")

    async with busy(show, after=0.0):
        await shown.wait()
        await asyncio.sleep(0)


async def test_quick_work_shows_nothing() -> None:
    shown = []

    async def show() -> None:
        shown.append(1)

    async with busy(show):
        await asyncio.sleep(0)
    assert shown == []
