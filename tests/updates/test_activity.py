"""When a process finds out whether Telegram can be reached, and when it leaves its chats to others."""

import pytest

from bot.outbound.reach import LOST_S, SILENT_S, TelegramReach
from bot.updates.activity import Activity


class World:
    """A process at a time that a test sets."""

    def __init__(self) -> None:
        self.now = 0.0
        self.reach = TelegramReach(lambda: self.now)
        self.reach.answered()
        self.activity = Activity(self.reach, lambda: self.now)

    @property
    def asks(self) -> bool:
        """Whether Telegram is about to be asked."""
        return self.reach._due.is_set()

    def fail(self, *at: float) -> None:
        for self.now in at:
            self.reach.failed()


@pytest.fixture
def world() -> World:
    return World()


@pytest.mark.parametrize(
    ("live", "others", "at", "asks"),
    [
        (1, 0, 1000.0, False),  # alone, nothing depends on it
        (3, 2, 1.0, False),
        (3, 1, 1.0, True),  # another one has trouble
        (3, 2, SILENT_S, True),
    ],
)
def test_telegram_is_asked_when_it_matters(world: World, live: int, others: int, at: float, *, asks: bool) -> None:
    world.now = at
    world.activity.look(live, others)
    assert world.asks == asks


def test_passive_only_after_failures_since_others_are_known(world: World) -> None:
    world.activity.look(2, 0)
    world.fail(10, 20, 30, 40 + LOST_S)
    world.activity.look(2, 1)
    assert not world.activity.is_passive
    world.fail(45 + LOST_S)
    world.activity.look(2, 1)
    assert world.activity.is_passive


def test_active_again_with_an_answer_or_alone(world: World) -> None:
    for again in (world.reach.answered, lambda: None):
        world.activity.look(2, 1)
        world.fail(*(world.now + step for step in (10, 20, 30, 30 + LOST_S)))
        world.activity.look(2, 1)
        assert world.activity.is_passive
        again()
        world.activity.look(2, int(again == world.reach.answered))
        assert not world.activity.is_passive
