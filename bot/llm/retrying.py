"""How long to wait before a request is tried again, as the openai client does it for the other interfaces."""

import random

from bot.backoff import backoff

FIRST_S, LONGEST_S = 0.5, 8.0
JITTER = 0.25
"""The share of a pause that is left to chance, so that many clients do not come back at once."""
MOST_PATIENCE_S = 120.0


def pause(attempt: int, retry_after: str) -> float | None:
    """Seconds until the try after this one (0 is the first); None: the server asks for more patience than we have.

    `retry_after`: the server's header, in seconds, or empty.
    """
    try:
        asked = float(retry_after)
    except ValueError:  # none, or a date, which DashScope does not send
        asked = 0.0
    if asked > MOST_PATIENCE_S:
        return None
    return asked if asked > 0 else backoff(attempt + 1, FIRST_S, LONGEST_S) * (1 - JITTER * random.random())  # noqa: S311 - no secret
