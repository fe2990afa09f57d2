"""A model that refused a picture is not blind for good."""

from bot.llm.interface import Capabilities
from bot.llm.learned import FIRST_REST_S, LONGEST_REST_S, Doubts

SEES = Capabilities(sees=True, hears=True, speaks=True)


def test_it_is_tried_again_after_a_while() -> None:
    doubts = Doubts()
    doubts.refused("sees", 100.0)
    assert doubts.left_of(SEES, 100.0 + FIRST_REST_S - 1) == Capabilities(sees=False, hears=True, speaks=True)
    assert doubts.left_of(SEES, 100.0 + FIRST_REST_S) == SEES


def test_refused_sense_is_retried_ever_less_often() -> None:
    doubts, now, tries = Doubts(), 0.0, 0
    while now < 30 * LONGEST_REST_S:
        if doubts.left_of(SEES, now).sees:
            tries += 1
            doubts.refused("sees", now)
        now += FIRST_REST_S
    assert 30 <= tries <= 36


def test_requests_under_way_prolong_nothing() -> None:
    doubts = Doubts()
    for _ in range(5):
        doubts.refused("hears", 0.0)
    assert doubts.left_of(SEES, FIRST_REST_S).hears


def test_what_was_never_there_does_not_come() -> None:
    doubts = Doubts()
    doubts.refused("hears", 0.0)
    assert not doubts.left_of(Capabilities(), FIRST_REST_S).hears
