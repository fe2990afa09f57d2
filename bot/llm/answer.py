"""An answer as it comes: its characters whole, its reasoning told apart, and an end to it.

A model that goes in circles, or a server that never stops, would fill the memory and empty the account: what is beyond
the bounds is not read, and the server is told by a closed line. The bounds are counted in tokens as they are in most
languages, since nobody knows every model's own; they are generous, so that a server that keeps one itself ends first.
"""

from dataclasses import dataclass, replace

from bot.llm.boxes import Boxes
from bot.llm.characters import Halves, whole_call
from bot.llm.finishes import MOST_END, in_mid_sentence
from bot.llm.harmony import Harmony
from bot.llm.interface import Delta, Finish
from bot.llm.thinking import Split

MOST_TOKENS = 16_384
"""Of an answer, where nobody knows the model's own most."""
MOST_THOUGHTS = 32_768
"""Tokens of reasoning, where the model's own most is not more."""
MOST_SPOKEN = 48_000 * 600
"""Bytes of speech: ten minutes."""
_SLACK = 1.25
_LATIN, _OTHER = 0.25, 0.6
"""Tokens in a character."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """The most tokens of an answer, and of the reasoning before it."""

    answer: int = MOST_TOKENS
    thoughts: int = MOST_THOUGHTS


BRIEF = Bounds(16, 64)
"""Where it matters only that there is an answer."""


class Answer:
    """One answer, put into whole characters, with the reasoning that is written into it told apart."""

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds
        self._said = self._thought = 0.0
        self._came = 0.0
        """Tokens of all that was read, also of blanks before the first word, which are kept back."""
        self._spoken = 0
        self._boxes, self._thinking = Boxes(), Harmony()
        self._text, self._reasoning = Halves(), Halves()
        self._end = ""
        self._counted = False
        """There was a report of what it cost."""

    @property
    def is_cut(self) -> bool:
        """Whether it breaks off in the middle of a sentence."""
        return in_mid_sentence(self._end)

    def read(self, delta: Delta) -> Delta:
        """A piece of it, which is the last one where it takes the answer over its bounds."""
        self._came += rough_tokens(delta.text)
        read = self._bounded(self._read(delta))
        if read.finish is None and self._came > _SLACK * (self._bounds.answer + self._bounds.thoughts):
            return replace(read, finish=Finish.LENGTH)
        return read

    def _bounded(self, delta: Delta) -> Delta:
        if delta.taken_back:
            self._said = 0.0
        text, self._said = _fitting(delta.text, self._said, self._bounds.answer)
        reasoning, self._thought = _fitting(delta.reasoning, self._thought, self._bounds.thoughts)
        self._spoken += len(delta.voice)
        if text == delta.text and reasoning == delta.reasoning and self._spoken <= MOST_SPOKEN:
            return delta
        return replace(delta, text=text, reasoning=reasoning, finish=Finish.LENGTH, calls=())

    def _read(self, delta: Delta) -> Delta:
        over = delta.finish is not None
        piece, thoughts = self._text.joined(delta.text), self._reasoning.joined(delta.reasoning)
        if over:
            piece, thoughts = piece + self._text.rest(), thoughts + self._reasoning.rest()
        piece = self._boxes.without(piece, last=over)
        if thoughts:
            self._thinking.apart()
        split, rest = self._thinking.split(piece) if piece else Split(), Split()
        if over:
            rest = self._thinking.rest(whole=delta.finish is not Finish.LENGTH)
        text, reasoning = split.text + rest.text, split.reasoning + rest.reasoning
        if rest.taken_back:
            text, reasoning = rest.text, split.reasoning + split.text + rest.reasoning
        self._end = (("" if split.taken_back or rest.taken_back else self._end) + text)[-MOST_END:]
        calls = tuple(map(whole_call, delta.calls))
        back = split.taken_back or rest.taken_back
        if delta.usage is not None:
            if self._counted and not delta.usage.output:  # zeros replace no report
                delta = replace(delta, usage=None)
            self._counted = self._counted or bool(delta.usage and delta.usage.output)
        return replace(delta, text=text, reasoning=thoughts + reasoning, calls=calls, taken_back=back)


def _fitting(text: str, before: float, most: int) -> tuple[str, float]:
    """What of a piece keeps within the bound, and the count with it."""
    count = before + rough_tokens(text)
    if count <= _SLACK * most:
        return text, count
    room = _SLACK * most - before
    return text[: max(int(room * len(text) / (count - before)), 0)], count


def rough_tokens(text: str) -> float:
    """How many tokens a text has, roughly, as most models count."""
    if text.isascii():
        return _LATIN * len(text)
    latin = sum(char < "\x80" for char in text)
    return _LATIN * latin + _OTHER * (len(text) - latin)
