"""An excerpt is found in a time that grows as the turn does.

What is recalled has its places by words and by meaning, and so have the best of what was found and not shown.
"""

import time

from bot.conversation.ranking import Ranks, rank, render_line
from bot.conversation.recall import NEAR_MISSES
from bot.conversation.tokens import estimate
from storage.records import HistoryTurn, Role
from storage.search import Hit
from tests.conversation.conftest import History
from tests.conversation.test_recall import Meaning


def _shown(content: str) -> tuple[str, float]:
    times, shown = [], ""
    for _ in range(3):
        begun = time.thread_time()
        shown = render_line(HistoryTurn(1, Role.USER, content, "Ann", 0.0, 999, None, None), ["boat"], estimate)
        times.append(time.thread_time() - begun)
    return shown, min(times)


def test_blanks_behind_the_words_take_no_time() -> None:
    shown, short = _shown("my boat is green." + "\u00a0" * 2000)
    _, long = _shown("my boat is green." + "\u00a0" * 8000)
    assert shown.startswith("Ann: my boat is green.")
    assert long < 8 * short + 0.02


def test_a_turn_of_blanks_only_is_shown_empty() -> None:
    assert _shown(" " * 5000)[0] in ("Ann: ", "Ann:", "Ann:  …")


async def test_words_alone_give_no_rank_of_meaning(history: History) -> None:
    cat, beside, *_ = await history.talk("I adopted a cat called Pixel", "What a lovely name", "Rain again", "Yes")
    await history.small_talk(5)
    recalled = await history.find("What is my cat called?")
    assert recalled.ranks[cat] == Ranks(overall=1, words=1, meaning=None)
    assert beside in recalled.turn_ids
    assert recalled.ranks[beside].meaning is None


async def test_unfound_neighbour_has_no_rank(history: History) -> None:
    said = await history.talk("Feline company helps", "It does", "Rain again", "Yes")
    recalled = await history.find("Which pet lives here?", semantic=Meaning(said[:1]))
    assert recalled.turn_ids == tuple(said[:2])
    assert recalled.ranks[said[0]] == Ranks(overall=1, words=None, meaning=1)
    assert recalled.ranks[said[1]] == Ranks(overall=None, words=None, meaning=None)


async def test_what_both_find_has_both_ranks(history: History) -> None:
    cat, _, unsaid, *_ = await history.talk("I adopted a cat", "Oh", "Feline company helps", "It does", "Rain", "Yes")
    await history.small_talk(5)
    recalled = await history.find("What cat did I adopt?", semantic=Meaning([unsaid], [cat]))
    assert recalled.ranks[cat] == Ranks(overall=1, words=1, meaning=2)
    assert (recalled.ranks[unsaid].words, recalled.ranks[unsaid].meaning) == (None, 1)


async def test_what_had_no_room_is_a_near_miss(history: History) -> None:
    for number in range(60):
        await history.say(f"The marathon of year {number} took place in rain, wind and a good deal of mud")
    await history.small_talk(60)
    recalled = await history.find("What was the rain like at the marathon?", budget=300)
    assert recalled.turn_ids
    assert len(recalled.near_misses) == NEAR_MISSES
    assert not set(recalled.near_misses) & set(recalled.turn_ids)
    places = [recalled.ranks[turn_id].overall or 0 for turn_id in recalled.near_misses]
    assert places[0] > 0
    assert places == sorted(places)


async def test_unworthy_match_is_a_near_miss(history: History) -> None:
    said = await history.talk("Feline company helps", "It does", "Rain again", "Yes")
    await history.small_talk(5)
    recalled = await history.find("Which engine did the rover have?", semantic=Meaning(said[:1], said, near=1.5))
    assert (recalled.text, recalled.turn_ids) == ("", ())
    assert recalled.near_misses[0] == said[0]
    assert recalled.ranks[said[0]] == Ranks(overall=1, words=None, meaning=1)


def test_ranks_are_counted_from_one() -> None:
    ranking = rank([Hit(7, 4.0), Hit(5, 2.0)], 4.0, None)
    assert [ranking.ranks(turn_id) for turn_id in (7, 5, 6)] == [
        Ranks(1, 1, None),
        Ranks(2, 2, None),
        Ranks(None, None, None),
    ]
