"""The clock of the machine beside a server's, which says with every answer what time it is."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC
from email.utils import parsedate_to_datetime

import httpx

from bot.doctor.report import Finding, fine, note
from bot.trust import trust

PATIENCE_S = 10.0
MOST_WRONG_S = 60.0
"""Less is not worth a word: times in conversations are told to the minute."""


async def check(urls: Sequence[str], now: Callable[[], float]) -> Finding:
    """Compare with the first of the servers that tells its time; `now` gives Unix seconds."""
    async with httpx.AsyncClient(verify=trust(), timeout=PATIENCE_S) as client:
        for url in urls:
            wrong = await _difference(client, url, now)
            if wrong is not None:
                return _judged(wrong)
    return note("Clock", "not compared, because no server reported its time")


async def _difference(client: httpx.AsyncClient, url: str, now: Callable[[], float]) -> float | None:
    """How far this clock is ahead, in seconds. Any answer will do, and a refusal is one."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            before = now()
            answer = await client.head(url)
            here = (before + now()) / 2
            there = parsedate_to_datetime(answer.headers["Date"])
    except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, LookupError, ValueError, TypeError):
        return None
    return here - (there if there.tzinfo else there.replace(tzinfo=UTC)).timestamp()


def _judged(wrong: float) -> Finding:
    if abs(wrong) <= MOST_WRONG_S:
        return fine("Clock", "agrees with the servers")
    how = "ahead" if wrong > 0 else "behind"
    advice = "Use NTP (timedatectl set-ntp true): this clock sets the times in conversations and the daily limits."
    return note("Clock", f"{abs(wrong):.0f} s {how}", advice)
