import re

import pytest

from bot.outbound.formatting import to_rich, to_text
from bot.outbound.numbering import shown_numbers

AS_WRITTEN = [
    ("2. Rome\n5. Oslo", [2, 5]),
    ("3. three\n2. two\n1. one", [3, 2, 1]),
    ("1. a\n3. b\n4. c\n4. d", [1, 3, 4, 4]),
    ("0. a\n1. b", [0, 1]),
    ("100. a\n101. b", [100, 101]),
    ("1) a\n3) b", [1, 3]),
    ("1984. A year", [1984]),
    ("1. a\n\n3. b\n\n   more\n\n9. c", [1, 3, 9]),
    ("1. a\n2. b\n\ntext\n\n4. c", [1, 2, 4]),
    ("1. a\n2. b\n\n```\nx\n```\n\n3. c\n5. d", [1, 2, 3, 5]),
    ("1. a\n2. b\n4. c\n\n1) d\n2) e", [1, 2, 4, 1, 2]),
    ("> 2. a\n> 5. b", [2, 5]),
    ("- x\n\n  2. a\n  4. b\n- y", [2, 4]),
    ("2. a\n\n   3. b\n   7. c\n\n6. d", [2, 3, 7, 6]),
]


@pytest.mark.parametrize(("source", "numbers"), AS_WRITTEN)
def test_numbers_arrive_in_text_as_written(source: str, numbers: list[int]) -> None:
    lines = [line.strip() for line in to_text(source).text.split("\n")]
    assert [int(re.split("[.)]", line)[0]) for line in lines if line[:1].isdigit()] == numbers


@pytest.mark.parametrize(("source", "numbers"), AS_WRITTEN)
def test_numbers_arrive_in_rich_messages_as_written(source: str, numbers: list[int]) -> None:
    assert list(shown_numbers(to_rich(source).html)) == numbers


@pytest.mark.parametrize(
    "source", ["1) a\n3) b", "1. a\n2. b\n4) c\n5) d", "2) a\n\n  1. b\n  3. c\n4) d", "> 3) a\n\n1. `2)`\n2. c"]
)
def test_delimiters_arrive_in_text_as_written(source: str) -> None:
    told = re.findall(r"\d[.)]", source)
    assert re.findall(r"\d[.)]", to_text(source).text) == told


def test_ones_alone_are_counted() -> None:
    assert to_text("1. a\n1. b\n1. c").text == "1. a\n2. b\n3. c"
    assert to_rich("1. a\n1. b").html == '<ol start="1"><li>a</li><li>b</li></ol>'


def test_a_list_that_counts_up_has_no_values() -> None:
    assert to_rich("2. a\n3. b").html == '<ol start="2"><li>a</li><li>b</li></ol>'
    assert to_rich("2. a\n5. b").html == (
        '<ol start="2"><li value="2" type="1">a</li><li value="5" type="1">b</li></ol>'
    )
