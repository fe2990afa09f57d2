"""How far our own count of tokens is off, learned from what the server reports.

The reported ``prompt_tokens`` is the truth. Its ratio to our count of the same prompt is kept for each chat, since
languages differ in it, and for each model, which serves a chat that has no answer yet.
"""

FURTHEST = 5.0
"""A ratio beyond this, or below its inverse, says that a report is wrong, and not that a count is."""


def learned(reported: int, counted: int) -> float | None:
    """The ratio of a reported prompt to our count of it; None when the two can't be about the same prompt."""
    if reported <= 0 or counted <= 0:
        return None
    ratio = reported / counted
    return ratio if 1 / FURTHEST <= ratio <= FURTHEST else None
