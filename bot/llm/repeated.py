"""What a server repeats of the prompt in the words of an error: it must not reach the log."""

from collections.abc import Iterator, Sequence

LENGTH = 12
"""So many characters in a row that stand in the prompt too are taken from there, however the server cut them."""
WIDE, A_WIDE = "\u2e80", 3
"""From here on a sign is a syllable or a word, and counts as so many letters."""
MOST = 20_000
"""Characters that are looked through, from the end of the prompt, and as many from its beginning."""
LEFT_OUT = "[...]"


def without_words_of(prompt: Sequence[str], text: str) -> str:
    """The text without what it has from a prompt's; spaces and signs count for nothing."""
    theirs = _compact(text)[0]
    if len(theirs) < LENGTH:
        return text
    ours = set(_pieces(prompt))
    starts = [at for at in range(len(theirs) - LENGTH + 1) if theirs[at : at + LENGTH] in ours]
    return _cut(text, starts) if starts else text


def _pieces(prompt: Sequence[str]) -> Iterator[str]:
    for ordered in (prompt, prompt[::-1]):
        left = MOST
        for text in ordered:
            words = _compact(text[:left])[0][:left]
            yield from (words[at : at + LENGTH] for at in range(len(words) - LENGTH + 1))
            left -= max(len(text), len(words))
            if left <= 0:
                break


def _compact(text: str) -> tuple[str, list[int]]:
    """The text in small letters without spaces and escapes, and where each of its characters stands."""
    kept = [
        (small, at)
        for at, letter in enumerate(text)
        if letter.isalnum()
        for small in letter.lower() * (A_WIDE if letter >= WIDE else 1)
    ]
    return "".join(small for small, _ in kept), [at for _, at in kept]


def _cut(text: str, starts: Sequence[int]) -> str:
    places = _compact(text)[1]
    gone = [False] * len(text)
    for start in starts:
        first, last = places[start], places[start + LENGTH - 1]
        gone[first : last + 1] = [True] * (last + 1 - first)
    left = ""
    for at, letter in enumerate(text):
        if not gone[at]:
            left += letter
        elif not left.endswith(LEFT_OUT):
            left += LEFT_OUT
    return left
