import re

import pytest

from bot.outbound.breaks import MARK
from bot.outbound.formatting import to_rich, to_text
from bot.outbound.lossless import keeps_everything

TABLE = "| # | x<br>y |\n|---|---|\n| 1. | a<br>**b**<BR/>c<br> |\n| q \\| | `<br>` |"
SOURCES = {
    "**注意：**请": "<b>注意：</b>请",
    "他说**“你好”**吧": "他说<b>“你好”</b>吧",
    "**「甲」**と**「乙」**と*（丙）*です": "<b>「甲」</b>と<b>「乙」</b>と<i>（丙）</i>です",
    "이것은**'파이썬(Python)'**입니다": "이것은<b>'파이썬(Python)'</b>입니다",
    "สวัสดี**(ครับ)**นะ": "สวัสดี<b>(ครับ)</b>นะ",
    "မြန်မာ**(ok)**မြန်မာ": "မြန်မာ<b>(ok)</b>မြန်မာ",
    "བོད**(ok)**བོད": "བོད<b>(ok)</b>བོད",
    "很**（贵）**\U00020bb7": "很<b>（贵）</b>\U00020bb7",
    "~~（甲）~~的，~~（乙）~~的**（丙）**的": "<s>（甲）</s>的，<s>（乙）</s>的<b>（丙）</b>的",
    r"\~~（甲）~~的": "~~（甲）~~的",
    "5*3=15，**公式：**十五，**`a*b`**是": "5*3=15，<b>公式：</b>十五，<b><code>a*b</code></b>是",
    "`**注意：**请` 和 **这：**那": "<code>**注意：**请</code> 和 <b>这：</b>那",
    r"\*\*注意：\*\*请": "**注意：**请",
    "**Note:**<br>text": "<b>Note:</b><br/>text",
    "\ue0b7 **注意：**请 \ue0b8": "\ue0b7 <b>注意：</b>请 \ue0b8",
}


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


@pytest.mark.parametrize("source", SOURCES)
def test_emphasis_needs_no_blanks_around_it(source: str) -> None:
    assert to_rich(source).html == f"<p>{SOURCES[source]}</p>"


@pytest.mark.parametrize("source", SOURCES)
def test_entities_cover_the_same_text(source: str) -> None:
    content = to_text(source)
    units = content.text.encode("utf-16-le")
    marked = [units[2 * one.offset : 2 * (one.offset + one.length)].decode("utf-16-le") for one in content.entities]
    shown = SOURCES[source].replace("<br/>", "\n")
    assert content.text == re.sub("<[^>]*>", "", shown)
    assert set(marked) == {re.sub("<[^>]*>", "", one) for _, one in re.findall(r"<([bis])>(.*?)</\1>", shown)} | set(
        re.findall("<code>(.*?)</code>", shown)
    )
