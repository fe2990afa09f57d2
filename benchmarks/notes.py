"""A substitute for a model's memory of a conversation: as long as a real one, without any complete line of it."""

from collections.abc import Callable, Iterable

NOTE_TOKENS = 450
"""About the length of a model's memory if 800 tokens are allowed."""


def notes(lines: Iterable[str], length: Callable[[str], int]) -> str:
    """The beginnings of the longest lines under a heading: evidence must come from the turns, not from the memory."""
    text = "## Facts and preferences"
    for line in sorted(set(lines), key=len, reverse=True):
        words = line.split()
        note = f"\n- {' '.join(words[: min(9, len(words) // 2)])}"
        if length(text + note) > NOTE_TOKENS:
            break
        text += note
    return text
