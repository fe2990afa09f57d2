"""A check ends in findings, whatever a server, a disk or a library does: in time, and with no traceback."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from bot.doctor.report import Finding, note

log = logging.getLogger(__name__)


Check = Callable[[], Awaitable[Finding | list[Finding]]]


async def guarded(what: str, check: Check, seconds: float) -> list[Finding]:
    """What the check found, or that it came to no end."""
    try:
        async with asyncio.timeout(seconds):
            found = await check()
    except TimeoutError:
        return [note(what, f"not finished: it took more than {seconds:.0f} s", "Try again at a quiet time.")]
    except Exception as exc:
        log.debug("%s could not be checked", what, exc_info=exc)
        told = f"could not be checked because of an unexpected error ({type(exc).__name__}: {exc})"
        return [note(what, told, "Run it with LOG_LEVEL=DEBUG for the details, and please report them.")]
    return found if isinstance(found, list) else [found]
