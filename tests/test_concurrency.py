"""The event loop gets its time beside threads."""

import gc
import sys

import pytest

from bot.concurrency import backoff, freeze_loaded_objects, shorten_switch_interval


def test_it_doubles_up_to_its_bound() -> None:
    assert [backoff(failures, 0.5, 5.0) for failures in range(7)] == [0.5, 0.5, 1.0, 2.0, 4.0, 5.0, 5.0]


@pytest.mark.parametrize("failures", [1_024, 2_000, 10**6, 10**30])
def test_no_number_of_failures_is_too_many(failures: int) -> None:
    assert backoff(failures, 0.001, 86_400.0) == 86_400.0


def test_threads_yield_within_a_millisecond() -> None:
    before = sys.getswitchinterval()
    try:
        shorten_switch_interval()
        assert sys.getswitchinterval() <= 0.001
    finally:
        sys.setswitchinterval(before)


def test_collector_passes_over_what_stays() -> None:
    before = gc.get_freeze_count()
    try:
        freeze_loaded_objects()
        assert gc.get_freeze_count() > before
    finally:
        gc.unfreeze()
