"""Listening for the notifications of the processes that share a database."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

from bot.concurrency import backoff
from bot.updates.lock_session import FIRST_WAIT_S, MAX_WAIT_S
from storage.postgres.notifications import Listener, Notification
from storage.storage_errors import StorageError

log = logging.getLogger(__name__)


async def listen(url: str, heed: Callable[[Notification], None], missed: Callable[[], None]) -> None:
    """Heed notifications until cancelled, also after the connection was cut.

    `missed` is called when it is cut, and when there is another: some notifications may have been lost.
    """
    failures = 0
    while True:
        try:
            async with aclosing(_notifications(url, missed)) as notifications:
                async for notification in notifications:
                    failures = 0
                    heed(notification)
        except StorageError as exc:
            failures += 1
            log.log(logging.WARNING if failures == 1 else logging.DEBUG, "Notifications are cut off: %s", exc)
            missed()
            await asyncio.sleep(backoff(failures, FIRST_WAIT_S, MAX_WAIT_S))


async def _notifications(url: str, begun: Callable[[], None]) -> AsyncGenerator[Notification, None]:
    listener = await Listener.connect(url)
    begun()
    try:
        async for notification in listener.notifications():
            yield notification
    finally:
        await listener.close()
