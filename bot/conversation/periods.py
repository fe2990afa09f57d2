"""A time that a question names: what was said then, or told of it soon after, comes before what matches as well.

People tell of a weekend on Monday, and of a journey before it; and who asks may be wrong about the day.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, tzinfo

from bot.conversation.keys import spoken_in
from bot.conversation.ranking import MOST, Ranking
from bot.conversation.time_ranges import named_time
from storage import Storage
from storage.past import Told

DURING, SOON, AHEAD = 0.3, 0.2, 0.1
"""What is added to the match of a turn that was said then, soon after it, or shortly before it."""
DAY_S = 86_400.0
SOON_S, AHEAD_S = 7 * DAY_S, 3 * DAY_S
"""How long that is."""
MOST_TOLD = 200
"""Turns that are looked at where nothing but the time is asked for."""
FEW_TOLD = 8
"""With fewer turns of that time, those soon after are shown too."""
SLICES, STRIDE = 12, 5
"""What is asked for by time alone is shown of all parts of it; of these each fifth, so that few are spread as well."""
MUCH_TOKENS, MUCH = 60, 0.5
"""A longer turn tells more."""


@dataclass(frozen=True, slots=True)
class Period:
    """From one time up to another (not with), and the turns around it."""

    begin: float
    end: float
    first_turn: int
    last_turn: int
    rest: str
    """The question without the words for the time."""
    told: Sequence[Told]
    """Turns of that time and soon after."""
    alone: bool
    """Whether nothing but the time is asked for ..."""
    asks: bool
    """... and it is a question, whatever the chat's languages are."""

    def bonus(self, at: float) -> float:
        """For a turn of this time."""
        if at < self.begin:
            return AHEAD * max(0.0, 1 - (self.begin - at) / AHEAD_S)
        return DURING if at < self.end else SOON * max(0.0, 1 - (at - self.end) / SOON_S)

    def gathered(self, ranking: Ranking) -> Ranking:
        """Where only a time is asked for: its turns, spread over it, and where they are few, those soon after."""
        if not self.alone or not self.told:
            return ranking
        match = dict(zip(ranking.turn_ids, ranking.matches, strict=True))
        within = _spread([one for one in self.told if one.at < self.end], match)
        after = _spread([one for one in self.told if one.at >= self.end], match)
        ranked = [*within, *(after if len(within) < FEW_TOLD else ())][:MOST]
        return replace(ranking, turn_ids=tuple(ranked), matches=(1.0,) * len(ranked))


def _spread(told: Sequence[Told], match: Mapping[int, float]) -> list[int]:
    """The best of each part of a time, then the second best of each."""
    if not told:
        return []

    def worth(one: Told) -> float:
        return match.get(one.turn_id, 0.0) + MUCH * min(one.tokens / MUCH_TOKENS, 1.0)

    begin, length = told[0].at, max(told[-1].at - told[0].at, 1.0)
    slices: dict[int, list[Told]] = {}
    for one in told:
        slices.setdefault(min(int((one.at - begin) / length * SLICES), SLICES - 1), []).append(one)
    places = [
        (place, part * STRIDE % SLICES, one.turn_id)
        for part, each in slices.items()
        for place, one in enumerate(sorted(each, key=worth, reverse=True))
    ]
    return [turn_id for _, _, turn_id in sorted(places)]


async def period_in(
    words: str, home: Sequence[str], now: float, zone: tzinfo, storage: Storage, chat_id: int, turns: tuple[int, int]
) -> Period | None:
    """The time that a question names, if anything was said then or soon after between two turns (without them)."""
    named = named_time(words, spoken_in(words, home), datetime.fromtimestamp(now, UTC), zone)
    if named is None:
        return None
    begin, end = named.begin.timestamp(), named.end.timestamp()
    if (ends := await storage.past.between(chat_id, begin, end + SOON_S)) is None:
        return None
    after_turn, before_turn = turns
    first, last = max(ends[0], after_turn + 1), min(ends[1], before_turn - 1)
    if first > last:
        return None
    told = await storage.past.told(chat_id, first, last, MOST_TOLD)
    told = [one for one in told if begin <= one.at < end + SOON_S]  # what was imported has later ids
    return Period(begin, end, first, last, named.rest, told, named.alone, named.asks)
