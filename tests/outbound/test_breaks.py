import pytest

from bot.outbound.breaks import MARK
from bot.outbound.formatting import to_rich, to_text
from bot.outbound.lossless import keeps_everything

TABLE = "| # | x<br>y |\n|---|---|\n| 1. | a<br>**b**<BR/>c<br> |\n| q \\| | `<br>` |"


def test_breaks_in_cells_break_in_rich_messages() -> None:
    rich = to_rich(TABLE)
    assert "<th>x<br/>y</th>" in rich.html
    assert "<td>a<br/><b>b</b><br/>c<br/></td>" in rich.html
    assert "<code>&lt;br&gt;</code>" in rich.html
    assert keeps_everything(TABLE, rich)


def test_breaks_in_cells_are_rows_in_text() -> None:
    text = to_text(TABLE)
    rows = [[cell.strip() for cell in line.rsplit(" | ", 1)] for line in text.text.split("\n")]
    assert rows == [["#", "x y"], ["----+-----"], ["1.", "a"], ["", "b"], ["", "c"], ["q |", "<br>"]]
    assert keeps_everything(TABLE, text)


@pytest.mark.parametrize(
    "source", ["> | a | b |\n> |-|-|\n> | c<br>d | e |", "- x\n\n  | a | b |\n  |-|-|\n  | c<br>d | e |"]
)
def test_rows_stay_in_quotes_and_items(source: str) -> None:
    assert "a | b\n--+--\nc | e\nd |" in to_text(source).text


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("a<br>b", "a\nb"),
        ("a<br />\nb", "a\nb"),
        ("# h<br>x", "h\nx"),
        ("**a<br>b** c", "a\nb c"),
        ("- i<br>j", "• i\nj"),
        ("`a<br>b`", "a<br>b"),
        ("```\n<br>\n```", "<br>"),
        ("<brand> and <br", "<brand> and <br"),
        (f"{MARK} <br>", "\n <br>"),
    ],
)
def test_breaks_elsewhere_break_but_in_code(source: str, shown: str) -> None:
    assert to_text(source).text == shown
    assert keeps_everything(source.replace(MARK, ""), to_rich(source))


def test_a_row_does_not_grow_without_bound() -> None:
    count = 200
    wide = f"|{'a|' * count}\n|{'-|' * count}\n|{'b|' * (count - 1)}{'c<br>' * count}|"
    assert len(to_text(wide).text) < 10 * len(wide)
