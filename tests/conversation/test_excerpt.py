"""An excerpt is found in a time that grows as the turn does."""

import time

from bot.conversation.ranking import line
from bot.conversation.tokens import estimate
from storage.records import HistoryTurn, Role


def _shown(content: str) -> tuple[str, float]:
    times, shown = [], ""
    for _ in range(3):
        begun = time.thread_time()
        shown = line(HistoryTurn(1, Role.USER, content, "Ann", 0.0, 999, None, None), ["boat"], estimate)
        times.append(time.thread_time() - begun)
    return shown, min(times)


def test_blanks_behind_the_words_take_no_time() -> None:
    shown, short = _shown("my boat is green." + "\u00a0" * 2000)
    _, long = _shown("my boat is green." + "\u00a0" * 8000)
    assert shown.startswith("Ann: my boat is green.")
    assert long < 8 * short + 0.02


def test_a_turn_of_blanks_only_is_shown_empty() -> None:
    assert _shown(" " * 5000)[0] in ("Ann: ", "Ann:", "Ann:  …")
