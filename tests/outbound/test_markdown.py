import pytest

from bot.outbound.formatting import to_text
from bot.outbound.markdown import prepare


def ready(source: str, *, as_text: bool = False) -> str:
    return prepare(source, as_text=as_text)


def test_raw_html_becomes_text() -> None:
    assert ready("a <b>c</b> d") == r"a \<b>c\</b> d"


def test_markdown_inside_raw_html_is_still_markdown() -> None:
    assert ready("<div>\n*it*\n</div>") == "\\<div>\n*it*\n\\</div>"


def test_an_unclosed_style_swallows_nothing() -> None:
    assert ready("<style>\na\n\n**b**") == "\\<style>\na\n\n**b**"


@pytest.mark.parametrize("source", ["`<b>`", "```html\n<b> || [^1]\n```", "    <b>\\(x\\)", "a < b", "<https://a.bc>"])
def test_code_comparisons_and_addresses_stay(source: str) -> None:
    assert ready(source) == source


def test_a_picture_becomes_a_link() -> None:
    assert ready("![alt](https://a.b/c.png)") == "[🖼 alt](https://a.b/c.png)"


@pytest.mark.parametrize("address", ["/local", "javascript:x", "#top", "file.txt"])
def test_a_link_to_no_address_shows_it(address: str) -> None:
    assert ready(f"[a]({address})") == rf"\[a]({address})"


def test_a_footnote_stands_as_it_was_written() -> None:
    assert ready("a[^1]\n\n[^1]: note") == "a\\[^1]\n\n\\[^1]: note"


def test_boxes_of_a_task_list_are_drawn() -> None:
    assert ready("- [ ] a\n- [x] b") == "- ☐ a\n- ☑ b"


@pytest.mark.parametrize(
    ("source", "dollars"),
    [
        (r"\(a_1 * b*c\)", "$a_1 * b*c$"),
        ("\\[\na_1\n\\]", "$$a_1$$"),
        (r"where \( x \) is", "where $x$ is"),
        (r"\[1\] and \(see below\)", r"\[1\] and \(see below\)"),
        (r"`\(a\)`", r"`\(a\)`"),
        (r"\\(a\\)", r"\\(a\\)"),
    ],
)
def test_formulas_are_marked_by_dollars(source: str, dollars: str) -> None:
    assert ready(source) == dollars


@pytest.mark.parametrize("source", [r"\(a_1\)", "$a_1$", "$$a_1$$"])
def test_formulas_become_code_where_there_are_no_formulas(source: str) -> None:
    assert ready(source, as_text=True) == "`a_1`"


def test_bars_hide_only_what_they_touch() -> None:
    assert ready("||secret||") == "||secret||"
    assert ready("a || b || c") == r"a \|\| b \|\| c"
    assert ready("| a | b |\n|---|---|\n| c || d |") == "| a | b |\n|---|---|\n| c | | d |"


@pytest.mark.parametrize(
    "source",
    ["5*6*7 = 210", "a*b*c*d", "2*(x+1)*y", "2**10 and 2**20", "x**2 + y**2", "007. Bond\n008. Bill", "- 01. a"],
)
def test_numbers_keep_their_signs(source: str) -> None:
    assert to_text(source).text.removeprefix("• ") == source.removeprefix("- ")


@pytest.mark.parametrize("source", ["*re*write", "Hyper**T**ext", "这是*强调*字", "*Note:* 5", "0. a\n1. b"])
def test_what_is_no_arithmetic_stays_markup(source: str) -> None:
    assert ready(source) == source
