"""What stands in for a model's memory of a conversation: as long as a real one, and without any whole line of it."""

from collections.abc import Callable, Iterable

NOTE_TOKENS = 450
"""About as long as models make a memory that may have 800 tokens."""


def notes(lines: Iterable[str], length: Callable[[str], int]) -> str:
    """The beginnings of the longest lines under a heading: evidence must come from the turns, not from here."""
    text = "## Facts and preferences"
    for line in sorted(set(lines), key=len, reverse=True):
        words = line.split()
        note = f"\n- {' '.join(words[: min(9, len(words) // 2)])}"
        if length(text + note) > NOTE_TOKENS:
            break
        text += note
    return text
