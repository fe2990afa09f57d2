"""How well turns match what was said, by words and by meaning together, and how much of them that is worth showing.

Two numbers of a turn are added:

- its *coverage*: what its words score of what a turn would score that holds all the words asked for, 0 to 1;
- its *nearness*: by how many standard deviations it is nearer in meaning than the conversation's turns are on average.

So words decide where they match well, and meaning where the same is said in other words. Measured on two conversations
of LoCoMo in English, one in Russian and one in Chinese, with multilingual-e5-small and 1,200 tokens, share of questions
whose evidence is found (words alone 84, 85, 52, 64; meaning alone 74, 73, 80, 90): this sum 84, 88, 80, 90; the ranks
fused (1 : 1, k = 20) 84, 87, 76, 84, and 1 : 2 79, 83, 84, 92.

Which of the turns that were found are shown: each once, the best with their neighbours, as long as there is room.

A turn as it is shown to the model again: word for word when it is short, else the part that was asked for.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from bot.conversation.query import plain
from bot.conversation.query import spoken as said
from bot.conversation.similarity import SimilarityScores
from bot.conversation.tokens import MESSAGE_TOKENS, TokenCounter
from storage.records import HistoryTurn
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
WITH_NEIGHBOURS = 8
"""So many hits are shown with the turn before and the one after, and further ones alone. (Nine conversations in eight
languages: 91.1 % of the evidence; with all neighbours 89.5 %, with those of four 90.3 %, in as many tokens.)"""
WHOLE_TOKENS = 200
"""A turn up to this length is shown whole."""
PART_TOKENS = 150
"""About so much of a longer one is shown."""
_PIECE = re.compile(r"\s*\S.*?(?:[.!?。\uff01\uff1f…](?=\s|$)|[。\uff01\uff1f]|\n|$)", re.DOTALL)
THE_BOT = "you"
"""How the bot's own lines are headed; it is the bot that reads them."""


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
    hits: Sequence[Hit], weight: float, scores: SimilarityScores | None, also: Sequence[int] = (), most: int = MOST
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


def without_echoes(ranked: Sequence[int], near: Sequence[HistoryTurn], words: str) -> list[int]:
    """The hits without what is the message itself, said before, and without what was said around it then."""
    places = [at for at, spoken in enumerate(near) if plain(spoken.content) == words]
    echoes = {near[beside].turn_id for at in places for beside in range(max(at - 1, 0), min(at + 2, len(near)))}
    return [turn_id for turn_id in ranked if turn_id not in echoes]


def told_once(order: Sequence[int], ranked: Sequence[int], lines: dict[int, str]) -> list[int]:
    """The turns without those that say word for word what a better or an earlier one says."""
    kept = {lines[turn_id]: turn_id for turn_id in reversed((*(hit for hit in ranked if hit in lines), *order))}
    return [turn_id for turn_id in order if kept[lines[turn_id]] == turn_id]


def shown(order: Sequence[int], ranked: Sequence[int], sizes: dict[int, int], budget: int) -> set[int]:
    """The best hits with their neighbours, then others, as long as there is room; where there is little, hits alone.

    Only turns with a size are taken.
    """
    place = {turn_id: at for at, turn_id in enumerate(order)}
    chosen: set[int] = set()
    for rank, hit in enumerate(ranked):
        at = place.get(hit)
        if at is None:
            continue
        for group in (order[max(at - 1, 0) : at + 2] if rank < WITH_NEIGHBOURS else [hit], [hit]):
            new = [turn_id for turn_id in group if turn_id in sizes and turn_id not in chosen]
            size = sum(sizes[turn_id] for turn_id in new)
            if size <= budget:
                chosen.update(new)
                budget -= size
                break
    return chosen


def line(turn: HistoryTurn, terms: Sequence[str], count_tokens: TokenCounter) -> str:
    """The turn as one entry: who speaks and what.

    Further lines are indented, whatever breaks them, and nobody is called as the bot is: so no words can pass for an
    entry of their own, nor for the bot's.
    """
    words = said(turn.content)
    counted = turn.tokens or count_tokens(words)
    if counted > WHOLE_TOKENS + MESSAGE_TOKENS:
        words = _part(words, terms, count_tokens)
    speaker = turn.speaker or THE_BOT
    name = f"{speaker} (a person)" if turn.speaker and speaker.casefold() == THE_BOT else speaker
    return f"{name}: " + "\n  ".join(words.removeprefix(f"{speaker}: ").splitlines())


def _part(words: str, terms: Sequence[str], count_tokens: TokenCounter) -> str:
    pieces = _PIECE.findall(words.rstrip()) or [""]  # at blanks without an end each of them would be tried anew
    stems = [_root(term) for term in terms]
    scores = [sum(stem in piece.casefold() for stem in stems) for piece in pieces]
    first = last = max(range(len(pieces)), key=lambda at: (scores[at], -at))
    room = PART_TOKENS - count_tokens(pieces[first])
    while room > 0 and (first > 0 or last < len(pieces) - 1):
        forward = last < len(pieces) - 1
        first, last = (first, last + 1) if forward else (first - 1, last)
        room -= count_tokens(pieces[last if forward else first])
    shown = "".join(pieces[first : last + 1]).strip()
    if count_tokens(shown) > 2 * PART_TOKENS:  # a single sentence without an end
        shown = _around(shown, stems)
    before, after = "… " if first > 0 else "", " …" if last < len(pieces) - 1 or len(shown) < len(words) else ""
    return before + shown + after


def _around(text: str, stems: Sequence[str], reach: int = 250) -> str:
    found = re.search("|".join(map(re.escape, stems)) or "$", text, re.IGNORECASE)
    start = max(0, (found.start() if found else 0) - reach)
    return text[start : start + 2 * reach]


def _root(term: str) -> str:
    """A term without its inflection, roughly: the index stems better, and has chosen this turn already."""
    return term[: max(4, len(term) - 2)]
