"""How well turns match what was said, by words and by meaning together, and how much of them that is worth showing.

Two numbers of a turn are added:

- its *coverage*: what its words score of what a turn would score that holds all the words asked for, 0 to 1;
- its *nearness*: by how many standard deviations it is nearer in meaning than the conversation's turns are on average.

So words decide where they match well, and meaning where the same is said in other words. Measured on two conversations
of LoCoMo in English, one in Russian and one in Chinese, with multilingual-e5-small and 1,200 tokens, share of questions
whose evidence is found (words alone 84, 85, 52, 64; meaning alone 74, 73, 80, 90): this sum 84, 88, 80, 90; the ranks
fused (1 : 1, k = 20) 84, 87, 76, 84, and 1 : 2 79, 83, 84, 92.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from bot.conversation.similarity import Scores
from storage.search import Hit

NEARNESS_WEIGHT = 0.12
"""Of one standard deviation, in coverage."""
MOST = 60
"""Turns that are ranked by each of the two."""
USUAL_COVERAGE = 0.4
"""Of the best turn, where it is not known what a perfect one would score."""
NTH = 5
"""A question that gathers ("which of them ...") has many turns that match about as well; the fifth is looked at."""
SHARES = ((0.5, 0.31), (0.7, 0.6), (0.8, 0.6), (1.0, 1.0))
"""Its match, as a share of the best one, and how much of the most tokens the question is worth: at 0.5 what was asked
stands in one place, and at 1 in many. (Nine conversations in eight languages: 88.7 % of the evidence with 1,144 tokens
on average; half for all 86 % with 1,162, and from a half to the whole by the tenth turn 89.5 % with 1,458.)"""
FAINT, CLEAR = 0.35, 0.65
"""How well words that ask for nothing, by their form, match the best turn: by chance, and surely not so. (Statements in
these conversations: 0.24 to 0.45 for half of them; questions: 0.4 to 0.8.)"""


@dataclass(frozen=True, slots=True)
class Ranks:
    """A turn's place in a ranking, and in each of those that it was made of, from 1; None: it has none there."""

    overall: int | None
    words: int | None
    meaning: int | None


@dataclass(frozen=True, slots=True)
class Ranking:
    """Turns that match, the best first."""

    turn_ids: tuple[int, ...] = ()
    matches: tuple[float, ...] = ()
    """How well each does."""
    coverage: float = 0.0
    """The best one."""
    by_words: tuple[int, ...] = ()
    by_meaning: tuple[int, ...] = ()
    """The best of each of the two alone."""

    def ranks(self, turn_id: int) -> Ranks:
        """The places of a turn."""
        return Ranks(*(_place(turn_id, each) for each in (self.turn_ids, self.by_words, self.by_meaning)))

    def moved(self, by: Mapping[int, float]) -> "Ranking":
        """In the order of matches that are raised by so much; how well turns match without it stays as it was."""
        matches = {one: match + by.get(one, 0.0) for one, match in zip(self.turn_ids, self.matches, strict=True)}
        ranked = sorted(matches, key=lambda turn_id: (-matches[turn_id], turn_id))[:MOST]
        return replace(self, turn_ids=tuple(ranked), matches=self.matches[:MOST])

    @property
    def worth(self) -> float:
        """Which share of the most tokens a question is worth: little where one turn matches, all where many do."""
        fifth = self.matches[NTH - 1] / self.matches[0] if len(self.matches) >= NTH and self.matches[0] > 0 else 0.0
        least, most = SHARES[0], SHARES[-1]
        for (low, little), (high, much) in pairwise(SHARES):
            if low <= fifth <= high:
                return little + (much - little) * _between(fifth, low, high)
        return least[1] if fifth < least[0] else most[1]

    @property
    def clear(self) -> float:
        """Whether the best match is more than chance, from 0 to 1."""
        return _between(self.matches[0], FAINT, CLEAR) if self.matches else 0.0

    @property
    def alone(self) -> float:
        """Whether few turns match as well as the best one, from 0 to 1: a common phrase is found in many."""
        return 1 - _between(self.worth, SHARES[0][1], SHARES[1][1])


def rank(
    hits: Sequence[Hit], weight: float, scores: Scores | None, also: Sequence[int] = (), most: int = MOST
) -> Ranking:
    """Rank turns found by words, turns that are near in meaning, and some others.

    `weight` is what a perfect hit would score.
    """
    coverage = {hit.turn_id: hit.score / weight for hit in hits} if weight > 0 else {}
    nearness = {} if scores is None else scores.nearness(MOST, (*coverage, *also))
    matches = {
        turn_id: coverage.get(turn_id, 0.0) + NEARNESS_WEIGHT * nearness.get(turn_id, 0.0)
        for turn_id in (*coverage, *nearness, *also)
    }
    ranked = sorted(matches, key=lambda turn_id: (-matches[turn_id], turn_id))[:most]
    return Ranking(
        tuple(ranked),
        tuple(matches[one] for one in ranked),
        max(coverage.values(), default=0.0),
        by_words=tuple(hit.turn_id for hit in hits),
        by_meaning=tuple(sorted(nearness, key=lambda turn_id: -nearness[turn_id])[:MOST]),
    )


def _place(turn_id: int, ranked: Sequence[int]) -> int | None:
    return ranked.index(turn_id) + 1 if turn_id in ranked else None


def _between(value: float, low: float, high: float) -> float:
    return min(max((value - low) / (high - low), 0.0), 1.0)
