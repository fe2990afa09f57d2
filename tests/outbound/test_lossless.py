import pytest

from bot.outbound.content import Rich, Text
from bot.outbound.formatting import to_plain, to_rich, to_text
from bot.outbound.lossless import keeps_everything

KEPT = [
    "**bold**er and snake_case, 2*3, `a &amp; b` &amp; c",
    "1. one\n1. two\n   - [ ] three\n   - [x] four",
    "[文档](https://example.org/路)了解",
    "<https://example.org> and [https://example.org](https://example.org)",
    "```rust,no_run\nfn main() {}\n```",
    "<details>\n<summary>s</summary>\n\ntext\n</details>",
    r"$\alpha$ and \(\frac{1}{2}\) and \[ \sum_i \]",
    "| a | b |\n|---|---|\n| 🎉 | `c` |",
    "||hidden|| ~~gone~~ ![p](https://a.b/c.png)",
]


SIGNS = [
    "# A #\n\nText with 50% & $5, a+b=c, a@b.c, ~3 km, C:\\Users\\x, x^2, a | b.\n\n===\n",
    "+ a\n+ b\n  + c\n+\n",
    "1. a\n1. b\n5. c\n\n```c++\nint x = a | b; // $5 ~x \\n\n```\n",
    "| a | b |\n|:--|--:|\n| $5 | 6% |\n| \\| | ~ |\n",
    "Title\n=====\n\nx $y$ and $5 and $$E=mc^2$$",
    "- [x] c#\n\n~~gone~~ ~5 `~/x`\n\n> # Q\n> + a\n> 3. b\n> 5. c",
    "[a~b](https://e.org/~u?x=1&y=2#z) <https://e.org/~u?a=$b> https://e.org/$a~b~c?d=$e",
    '```sh\n$ echo $HOME | cat ~/x \\\n  && ls\n```\n\n~~~py title="x"\na = 1\n~~~\n\n```math\nx^2\n```',
    "price: $5–$10, €3, 5$/kg & 6$/kg; $x_1$, \\(y_2\\), \\[z^2\\]",  # a range
    "2024. A year\n\nOn\n2025. another\n\n1) a\n3) b\n\n||spoiler $5|| and a || b",
    "- a\n\n  3. b\n  7. c\n- # head\n\n100. a\n     + b\n\n****\n+1 555",
]


@pytest.mark.parametrize("source", KEPT)
def test_a_faithful_rich_message_keeps_everything(source: str) -> None:
    assert keeps_everything(source, to_rich(source))


@pytest.mark.parametrize("source", KEPT)
def test_a_faithful_text_keeps_everything(source: str) -> None:
    assert keeps_everything(source, to_text(source))


def test_a_missing_word_is_noticed() -> None:
    assert not keeps_everything("one two", Text("one"))
    assert not keeps_everything("one two", Rich("<p>one</p>"))


def test_a_missing_address_is_noticed() -> None:
    table = "| a |\n|---|\n| [b](https://c.de) |"
    assert not keeps_everything(table, to_text(table))
    assert keeps_everything(table, to_rich(table))


def test_a_definition_that_nothing_refers_to_is_noticed() -> None:
    source = "[only]: https://defined.org/x"
    assert not keeps_everything(source, Rich("<p>only</p>"))
    assert keeps_everything(source, to_rich(source))
    assert keeps_everything(source, to_plain(source))


def test_a_message_of_markup_alone_shows_nothing() -> None:
    assert not keeps_everything("** **", Rich(""))


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("$HOME/bin:$PATH", "HOME/bin:PATH"),
        ("5 % of 3", "5 of 3"),
        ("a+b=c", "a b=c"),
        ("~5 kg", "5 kg"),
        (r"C:\new", "C:new"),
        ("a | b", "a b"),
        ("2. Rome\n5. Oslo", "2. Rome\n3. Oslo"),
        ("x^2 #1 a@b AT&T a/b", "x2 1 ab ATT ab"),
        ("It is 3.14.", "It is 314."),
        ("1,000, at 9:30: -5", "1,000, at 930: -5"),
        ("at -5 - no", "at 5 - no"),
        ("* 2*3*4", "* 23*4"),
        ("_a_b_", "_ab_"),
    ],
)
def test_a_missing_sign_or_number_is_noticed(source: str, shown: str) -> None:
    assert not keeps_everything(source, Text(shown))
    assert keeps_everything(source, Text(source))


@pytest.mark.parametrize("source", SIGNS)
def test_signs_of_markup_are_no_loss(source: str) -> None:
    assert keeps_everything(source, to_text(source))
    assert keeps_everything(source, to_rich(source))
