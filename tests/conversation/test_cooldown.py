"""A service in trouble is asked less and less often, and that is said once."""

import logging

import pytest

from bot.conversation.cooldown import FIRST_S, LONGEST_S, Cooldown


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_repeated_failures_double_pause_up_to_limit() -> None:
    clock = Clock()
    rest = Cooldown("Things", clock)
    lengths = []
    for _ in range(40):
        rest.begin(OSError())
        lengths.append(rest.left)
        clock.now += rest.left
        assert rest.left == 0
    assert lengths[:3] == [FIRST_S, 2 * FIRST_S, 4 * FIRST_S]
    assert lengths[-1] == LONGEST_S


def test_failures_that_were_under_way_together_are_one() -> None:
    rest = Cooldown("Things", Clock())
    rest.begin(OSError())
    rest.begin(OSError())
    assert rest.left == FIRST_S


def test_success_ends_the_rest_and_the_row() -> None:
    clock = Clock()
    rest = Cooldown("Things", clock)
    rest.begin(OSError())
    clock.now += FIRST_S
    rest.begin(OSError())
    rest.over()
    assert rest.left == 0
    rest.begin(OSError())
    assert rest.left == FIRST_S


def test_failure_and_recovery_are_logged_once_each(caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    rest = Cooldown("Things", clock)
    with caplog.at_level(logging.INFO):
        rest.over()
        for _ in range(3):
            rest.begin(OSError("down"))
            clock.now += rest.left
        rest.over()
        rest.over()
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]
    assert "down" in caplog.records[0].getMessage()
