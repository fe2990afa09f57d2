"""The missed questions by kind: how many lines they need, how they are phrased, and what was recalled instead."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from benchmarks.dialogue import Question

MARKS = ("?", "\uff1f", "؟")
SHORTENED = 90
"""The printed length of a question."""


@dataclass(frozen=True)
class Answered:
    """A question, how many of its evidence lines were in the prompt, and whether anything was recalled."""

    question: Question
    found: int
    recalled: bool

    @property
    def missed(self) -> bool:
        """Whether an evidence line was missing."""
        return self.found < len(self.question.evidence)


Kind = tuple[str, Callable[[Answered], bool]]

KINDS: tuple[Kind, ...] = (
    ("all", lambda _: True),
    ("one line", lambda one: len(one.question.evidence) == 1),
    ("two lines", lambda one: len(one.question.evidence) == 2),
    ("three lines and more", lambda one: len(one.question.evidence) > 2),
    ("several facts", lambda one: one.question.category == 1),
    ("about time", lambda one: one.question.category == 2),
    ("to be inferred", lambda one: one.question.category == 3),
    ("one fact", lambda one: one.question.category == 4),
    ("with a false premise", lambda one: one.question.category == 5),
    ("with a question mark", lambda one: one.question.text.rstrip().endswith(MARKS)),
    ("without one", lambda one: not one.question.text.rstrip().endswith(MARKS)),
)
"""By number of evidence lines, by LoCoMo's categories, and by form."""


def table(answered: Sequence[Answered]) -> list[str]:
    """One line per kind of question: asked, found, and why the others were missed."""
    lines = [
        f"{'questions':28}{'asked':>7}{'found':>8}{'nothing recalled':>18}{'none of its lines':>19}{'some of them':>14}"
    ]
    for name, belongs in KINDS:
        of_kind = [one for one in answered if belongs(one)]
        if not of_kind:
            continue
        missed = [one for one in of_kind if one.missed]
        empty = sum(not one.recalled for one in missed)
        some = sum(one.recalled and one.found > 0 for one in missed)
        share = 1 - len(missed) / len(of_kind)
        lines.append(f"{name:28}{len(of_kind):7}{share:8.1%}{empty:18}{len(missed) - empty - some:19}{some:14}")
    return lines


def listed(answered: Sequence[Answered]) -> list[str]:
    """The missed questions, each with the number of lines found."""
    return [
        f"  {one.found}/{len(one.question.evidence)} {'' if one.recalled else '(nothing recalled) '}"
        f"{one.question.text[:SHORTENED]}"
        for one in answered
        if one.missed
    ]
