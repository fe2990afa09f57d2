"""Who asks too often waits for less than a minute, and is told once in it."""

from types import SimpleNamespace
from typing import cast

from telegram import Message

from bot.handlers.guards import RateLimiter

ANN, BOB = 7, 8


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def pace(most: int | None, clock: Clock) -> RateLimiter:
    return RateLimiter(most, clock)


def message() -> Message:
    chat = SimpleNamespace(id=ANN, type="private", is_forum=None)
    found = SimpleNamespace(
        chat=chat, message_id=1, is_topic_message=None, message_thread_id=None, direct_messages_topic=None
    )
    return cast("Message", found)


def test_without_a_limit_nothing_is_counted() -> None:
    free = pace(None, Clock())
    assert all(free.admits(ANN) for _ in range(1000))
    assert free._recent == {}


def test_the_limit_is_each_persons_own_and_slides() -> None:
    clock = Clock()
    two = pace(2, clock)
    assert [two.admits(ANN), two.admits(ANN), two.admits(ANN), two.admits(BOB)] == [True, True, False, True]
    clock.now += 59.9
    assert not two.admits(ANN)
    clock.now += 0.1
    assert two.admits(ANN)


def test_rate_limited_user_hears_wait_once_a_minute() -> None:
    clock = Clock()
    one = pace(1, clock)
    one.admits(ANN)
    clock.now += 20
    assert not one.admits(ANN)
    told = one.refusal(message(), ANN)
    assert told is not None
    assert "40 seconds" in told.text
    assert one.refusal(message(), ANN) is None


def test_who_was_quiet_for_a_minute_is_forgotten() -> None:
    clock = Clock()
    one = pace(1, clock)
    for user in range(1, 100):
        one.admits(user)
    clock.now += 61
    one.admits(ANN)
    assert set(one._recent) == {ANN}
