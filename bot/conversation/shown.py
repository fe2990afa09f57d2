"""Which of the turns that were found are shown: each once, the best with their neighbours, as long as there is room."""

from collections.abc import Sequence

from bot.conversation.asking import plain
from storage.records import Spoken

WITH_NEIGHBOURS = 8
"""So many hits are shown with the turn before and the one after, and further ones alone. (Nine conversations in eight
languages: 91.1 % of the evidence; with all neighbours 89.5 %, with those of four 90.3 %, in as many tokens.)"""


def without_echoes(ranked: Sequence[int], near: Sequence[Spoken], words: str) -> list[int]:
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
