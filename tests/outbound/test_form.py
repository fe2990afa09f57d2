"""Text goes out as text, and as a rich message only where it holds a table or a formula."""

import pytest

from bot.outbound import formatting
from bot.outbound.content import Rich
from bot.outbound.formatting import goes_rich

TABLE = "| a | b |\n|---|:-:|\n| 1 | 2 |"
RICH = [
    TABLE,
    "a | b\n---|---\n1 | 2",
    "> | a |\n> |:-:|\n> | 1 |",
    "- an item\n\n  | a |\n  |---|\n  | 1 |",
    "where $a^2 + b^2 = c^2$ holds",
    "so \\(x\\) is \\[ \\frac{1}{2} \\]",
    "$$\nE = mc^2\n$$",
    "$$\\sum_i i$$",
    "```math\nx^2\n```",
    "~~~ Math\nx^2\n~~~",
    "from $50 on, $x > 3$ holds",
    "$2^{10}$ is 1024",
    "$$2 + 2 = 4$$",
]
TEXT = [
    "**bold**, _italic_, `code`, ~~gone~~, ||hidden|| and [a link](https://example.org)",
    "# Title\n\n- one\n  - two\n- [x] done\n\n1. a\n2. b\n\n> quoted\n\n---",
    "It costs $5, then $10.",
    "$50-$80",
    "$1,000$",
    "US$5 and $10.49 (~$11.20)",
    "Use `$x^2$` and `\\(x\\)`.",
    f"```\n{TABLE}\n$x^2$\n```",
    f"~~~markdown\n{TABLE}\n~~~",
    "    | a | b |\n    |---|---|",
    "a | b and c || d",
    "|---| is the line below a head",
    "\\$x^2\\$ is escaped",
    "<table><tr><td>1</td></tr></table> <tg-math>x</tg-math>",
    "```latex\nx^2\n```",
    "(x) and [y]",
]


@pytest.mark.parametrize("answer", RICH)
def test_a_table_or_formula_is_rich(answer: str) -> None:
    assert goes_rich(f"Before.\n\n{answer}\n\nAfter.", "auto")


@pytest.mark.parametrize("answer", TEXT)
def test_what_text_can_show_is_text(answer: str) -> None:
    assert not goes_rich(f"Before.\n\n{answer}\n\nAfter.", "auto")


@pytest.mark.parametrize("answer", [TABLE, "plain"])
def test_rich_and_text_force_one(answer: str) -> None:
    assert goes_rich(answer, "rich")
    assert not goes_rich(answer, "text")


def test_what_the_converter_chokes_on_is_text(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(answer: str) -> Rich:
        raise RecursionError

    monkeypatch.setattr(formatting, "to_rich", broken)
    assert not goes_rich(TABLE, "auto")
