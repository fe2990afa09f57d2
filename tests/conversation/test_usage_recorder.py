"""A reported size that no longer grows with the prompt is seen, and honest reports are not mistaken for it."""

from collections.abc import Iterable

import pytest

from bot.conversation.usage_recorder import PromptGrowthMonitor

CUT = {
    "ever the same": [(1000, 1000), (2000, 2000), *((size, 4074) for size in range(4200, 6000, 260))],
    "up and down below it": [(3900, 3900), (4300, 4050), (4600, 3980), (4900, 4060), (5200, 4011), (5500, 4074)],
    "whole messages fall out": [(3900, 3900), (6000, 4090), (6300, 2100), (6600, 2400), (6900, 2700)],
    "cut from the first on": [(13_000, 4074), (13_300, 4060), (13_600, 4074), (13_900, 4071), (14_200, 4074)],
    "small messages": [(4000, 4000), *((4100 + 40 * at, 4074) for at in range(12))],
}
HONEST = {
    "as counted": [(size, size) for size in range(1000, 9000, 300)],
    "a third of our count": [(size, size // 3) for size in range(1000, 9000, 300)],
    "another language from here on": [(1000, 1000), *((6000 + 200 * at, 2800 + 80 * at) for at in range(12))],
    "the same question again": [(5000, 5000)] * 8,
    "compacted between": [(7000, 7000), (2000, 2000), (7000, 7000), (2000, 2000)] * 3,
    "two flat ones, then on": [(4000, 4000), (4300, 4000), (4600, 4000), (4900, 4900), (5200, 5200)],
}


def _watched(prompts: Iterable[tuple[int, int]]) -> PromptGrowthMonitor:
    growth = PromptGrowthMonitor()
    for counted, reported in prompts:
        growth.saw(1, "m", counted, reported)
    return growth


@pytest.mark.parametrize("prompts", CUT.values(), ids=CUT)
def test_a_prompt_that_is_cut_is_suspected(prompts: list[tuple[int, int]]) -> None:
    assert 4050 <= _watched(prompts).suspected["m"] <= 4096


@pytest.mark.parametrize("prompts", HONEST.values(), ids=HONEST)
def test_honest_reports_are_no_window(prompts: list[tuple[int, int]]) -> None:
    assert not _watched(prompts).suspected


def test_what_was_cleared_is_suspected_no_more() -> None:
    growth = _watched(CUT["ever the same"])
    growth.conclude("m", clear=True)
    for counted, reported in CUT["ever the same"]:
        growth.saw(1, "m", counted, reported)
    assert not growth.suspected
