import pytest

from bot.outbound.content import Rich, Text
from bot.outbound.convert import to_plain, to_rich, to_text
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
    assert not keeps_everything(source, to_rich(source))
    assert keeps_everything(source, to_plain(source))


def test_a_message_of_markup_alone_shows_nothing() -> None:
    assert not keeps_everything("** **", Rich(""))
