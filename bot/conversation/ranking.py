"""Ranking of search results by words and meaning, and the selection and rendering of those that are shown.

Two numbers of a turn are added:

- its *coverage*: the score of its words relative to a turn that contains all search words, 0 to 1;
- its *nearness*: by how many standard deviations its similarity exceeds the average of the conversation's turns.

So words decide if they match well, and meaning if the same was said differently. Measured on two conversations of
LoCoMo in English, one in Russian and one in Chinese, with multilingual-e5-small and 1,200 tokens, as the percentage of
questions whose evidence is found (words alone 84, 85, 52, 64; meaning alone 74, 73, 80, 90): this sum 84, 88, 80, 90;
reciprocal rank fusion (1 : 1, k = 20) 84, 87, 76, 84, and 1 : 2 79, 83, 84, 92.

Each turn is shown once, the best ones with their neighbours, while there is room: verbatim if it is short, otherwise
the part that matches.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from bot.conversation.query import strip_framing
from bot.conversation.query import strip_timestamp as said
from bot.conversation.similarity import SimilarityScores
from bot.conversation.tokens import MESSAGE_TOKENS, TokenCounter
from storage.records import HistoryTurn
from storage.search import Hit

NEARNESS_WEIGHT = 0.12
"""What one standard deviation of nearness is worth, in units of coverage."""
MOST = 60
"""The most turns ranked by words, and by meaning."""
USUAL_COVERAGE = 0.4
"""Assumed coverage of the best turn if the score of a perfect one is unknown."""
NTH = 5
"""A question that collects ("which of them ...") has many turns that match about equally; the fifth is the probe."""
SHARES = ((0.5, 0.31), (0.7, 0.6), (0.8, 0.6), (1.0, 1.0))
"""The probe's match relative to the best, and the share of the token limit that the question then gets: at 0.5 the
answer is in one place, at 1 in many. (Nine conversations in eight languages: 88.7 % of the evidence with 1,144 tokens
on average; a fixed half 86 % with 1,162; half to all by the tenth turn 89.5 % with 1,458.)"""
FAINT, CLEAR = 0.35, 0.65
"""How well the best turn matches a message that isn't a question: by chance, and certainly not by chance. (Statements
in these conversations: half are between 0.24 and 0.45; questions: 0.4 to 0.8.)"""
WITH_NEIGHBOURS = 8
"""The first hits, which are shown with the turns before and after; later hits are shown alone. (Nine conversations in
eight languages: 91.1 % of the evidence; with all neighbours 89.5 %, with those of four hits 90.3 %, at equal tokens.)
"""
WHOLE_TOKENS = 200
"""A turn up to this length is shown whole."""
PART_TOKENS = 150
"""The approximate length shown of a longer one."""
REACH = 250
"""How many characters are shown before and after a match in a sentence that is longer than that."""
_PIECE = re.compile(r"\s*\S.*?(?:[.!?。\uff01\uff1f…](?=\s|$)|[。\uff01\uff1f]|\n|$)", re.DOTALL)
THE_BOT = "you"
"""The speaker of the bot's own lines, since the bot is the reader."""


@dataclass(frozen=True, slots=True)
class TextPart:
    """The part of a turn that is shown, in characters of its text without the timestamp."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Ranks:
    """A turn's rank overall, by words and by meaning, from 1; None if it has none."""

    overall: int | None
    words: int | None
    meaning: int | None


@dataclass(frozen=True, slots=True)
class Ranking:
    """Matching turns, the best first."""

    turn_ids: tuple[int, ...] = ()
    matches: tuple[float, ...] = ()
    """The match of each."""
    coverage: float = 0.0
    """The best coverage."""
    by_words: tuple[int, ...] = ()
    by_meaning: tuple[int, ...] = ()
    """The best by each criterion alone."""

    def ranks(self, turn_id: int) -> Ranks:
        """The ranks of a turn."""
        return Ranks(*(_place(turn_id, ranked) for ranked in (self.turn_ids, self.by_words, self.by_meaning)))

    def with_bonus(self, bonus: Mapping[int, float]) -> "Ranking":
        """Reorder by matches raised by a bonus; `matches` keeps the original values."""
        matches = {
            turn_id: match + bonus.get(turn_id, 0.0) for turn_id, match in zip(self.turn_ids, self.matches, strict=True)
        }
        ranked = sorted(matches, key=lambda turn_id: (-matches[turn_id], turn_id))[:MOST]
        return replace(self, turn_ids=tuple(ranked), matches=self.matches[:MOST])

    @property
    def worth(self) -> float:
        """The share of the token limit that a question deserves: little if one turn matches, all if many do."""
        fifth = self.matches[NTH - 1] / self.matches[0] if len(self.matches) >= NTH and self.matches[0] > 0 else 0.0
        least, most = SHARES[0], SHARES[-1]
        for (low, little), (high, much) in pairwise(SHARES):
            if low <= fifth <= high:
                return little + (much - little) * _between(fifth, low, high)
        return least[1] if fifth < least[0] else most[1]

    @property
    def clear(self) -> float:
        """How certain it is that the best match isn't by chance, from 0 to 1."""
        return _between(self.matches[0], FAINT, CLEAR) if self.matches else 0.0

    @property
    def alone(self) -> float:
        """How few turns match as well as the best, from 0 to 1: a common phrase is found in many."""
        return 1 - _between(self.worth, SHARES[0][1], SHARES[1][1])


def rank(
    hits: Sequence[Hit], weight: float, scores: SimilarityScores | None, also: Sequence[int] = (), most: int = MOST
) -> Ranking:
    """Rank turns found by words, turns near in meaning, and others given in `also`.

    `weight` is the score of a perfect hit.
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
        tuple(matches[turn_id] for turn_id in ranked),
        max(coverage.values(), default=0.0),
        by_words=tuple(hit.turn_id for hit in hits),
        by_meaning=tuple(sorted(nearness, key=lambda turn_id: -nearness[turn_id])[:MOST]),
    )


def _place(turn_id: int, ranked: Sequence[int]) -> int | None:
    return ranked.index(turn_id) + 1 if turn_id in ranked else None


def _between(value: float, low: float, high: float) -> float:
    return min(max((value - low) / (high - low), 0.0), 1.0)


def without_echoes(ranked: Sequence[int], near: Sequence[HistoryTurn], words: str) -> list[int]:
    """Remove earlier occurrences of the message itself, and the turns around them."""
    indexes = [index for index, spoken in enumerate(near) if strip_framing(spoken.content) == words]
    echoes = {
        near[near_index].turn_id
        for index in indexes
        for near_index in range(max(index - 1, 0), min(index + 2, len(near)))
    }
    return [turn_id for turn_id in ranked if turn_id not in echoes]


def without_duplicates(order: Sequence[int], ranked: Sequence[int], lines: dict[int, str]) -> list[int]:
    """Remove turns that repeat a better or earlier one verbatim."""
    kept = {lines[turn_id]: turn_id for turn_id in reversed((*(hit for hit in ranked if hit in lines), *order))}
    return [turn_id for turn_id in order if kept[lines[turn_id]] == turn_id]


def choose_turns(order: Sequence[int], ranked: Sequence[int], sizes: dict[int, int], budget: int) -> set[int]:
    """Choose the best hits with their neighbours, then single hits, while there is room.

    Only turns with a size are considered.
    """
    index_of = {turn_id: index for index, turn_id in enumerate(order)}
    chosen: set[int] = set()
    for rank, hit in enumerate(ranked):
        index = index_of.get(hit)
        if index is None:
            continue
        for group in (order[max(index - 1, 0) : index + 2] if rank < WITH_NEIGHBOURS else [hit], [hit]):
            new = [turn_id for turn_id in group if turn_id in sizes and turn_id not in chosen]
            size = sum(sizes[turn_id] for turn_id in new)
            if size <= budget:
                chosen.update(new)
                budget -= size
                break
    return chosen


def render_line(turn: HistoryTurn, terms: Sequence[str], count_tokens: TokenCounter) -> str:
    """The turn as one entry, with the part of a long one that matches the terms."""
    return render_part(turn, part_shown(turn, terms, count_tokens))


def part_shown(turn: HistoryTurn, terms: Sequence[str], count_tokens: TokenCounter) -> TextPart | None:
    """The part to show of a turn; None: all of it."""
    words = said(turn.content)
    counted = turn.tokens or count_tokens(words)
    return _excerpt(words, terms, count_tokens) if counted > WHOLE_TOKENS + MESSAGE_TOKENS else None


def render_part(turn: HistoryTurn, part: TextPart | None) -> str:
    """The turn, or a part of it, as one entry: speaker and text.

    Further lines are indented, and no person can be named like the bot, so no text passes for a separate entry or for
    the bot's.
    """
    words = said(turn.content)
    if part is not None:
        before, after = (rest.strip() for rest in (words[: part.start], words[part.end :]))
        words = f"{'… ' if before else ''}{words[part.start : part.end]}{' …' if after else ''}"
    speaker = turn.speaker or THE_BOT
    name = f"{speaker} (a person)" if turn.speaker and speaker.casefold() == THE_BOT else speaker
    return f"{name}: " + "\n  ".join(words.removeprefix(f"{speaker}: ").splitlines())


def _excerpt(words: str, terms: Sequence[str], count_tokens: TokenCounter) -> TextPart:
    pieces = _PIECE.findall(words.rstrip()) or [
        ""
    ]  # only for whitespace without an end; otherwise each blank would be tried as a start
    stems = [_root(term) for term in terms]
    scores = [sum(stem in piece.casefold() for stem in stems) for piece in pieces]
    first = last = max(range(len(pieces)), key=lambda at: (scores[at], -at))
    room = PART_TOKENS - count_tokens(pieces[first])
    while room > 0 and (first > 0 or last < len(pieces) - 1):
        forward = last < len(pieces) - 1
        first, last = (first, last + 1) if forward else (first - 1, last)
        room -= count_tokens(pieces[last if forward else first])
    text = "".join(pieces[first : last + 1])
    shown = text.strip()
    start = sum(map(len, pieces[:first])) + len(text) - len(text.lstrip())
    if count_tokens(shown) <= 2 * PART_TOKENS:
        return TextPart(start, start + len(shown))
    found = re.search("|".join(map(re.escape, stems)) or "$", shown, re.IGNORECASE)  # a single very long sentence
    reach_from = max(0, (found.start() if found else 0) - REACH)
    return TextPart(start + reach_from, start + min(reach_from + 2 * REACH, len(shown)))


def _root(term: str) -> str:
    """A term without its inflection, approximately: the index, which stems better, has already chosen this turn."""
    return term[: max(4, len(term) - 2)]
