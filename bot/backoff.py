"""How long to wait before something that fails is tried again."""

_MOST_DOUBLINGS = 60
"""More of them than any bound needs, and fewer than a float can't hold."""


def backoff(failures: int, first: float, longest: float) -> float:
    """Seconds to wait after so many failures in a row: `first`, twice as long after each more, `longest` at most."""
    return min(first * 2.0 ** min(max(failures - 1, 0), _MOST_DOUBLINGS), longest)
