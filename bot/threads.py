"""What leaves the event loop its time, where threads and the collector of garbage share the interpreter with it."""

import gc
import sys

_TURN_S = 0.001
"""As long as a thread keeps the interpreter while the loop waits for it; five times that is usual."""


def yield_often() -> None:
    """Have threads hand the interpreter over after a millisecond: the loop takes it for less than that at a time."""
    sys.setswitchinterval(_TURN_S)


def spare_what_stays() -> None:
    """Have the collector pass over all that there is by now: modules and patterns, which took it up to 0.1 s."""
    gc.collect()
    gc.freeze()
