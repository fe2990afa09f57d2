"""The event loop gets its time beside threads."""

import gc
import sys

from bot.concurrency import spare_what_stays, yield_often


def test_threads_yield_within_a_millisecond() -> None:
    before = sys.getswitchinterval()
    try:
        yield_often()
        assert sys.getswitchinterval() <= 0.001
    finally:
        sys.setswitchinterval(before)


def test_collector_passes_over_what_stays() -> None:
    before = gc.get_freeze_count()
    try:
        spare_what_stays()
        assert gc.get_freeze_count() > before
    finally:
        gc.unfreeze()
