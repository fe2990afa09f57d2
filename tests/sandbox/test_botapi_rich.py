import pytest
from telegramify_markdown import richify

from sandbox.botapi import formatting
from sandbox.botapi.wire import ApiError


def test_the_words_of_a_rich_message_are_read() -> None:
    html = "<h2>Plan</h2><ul><li>one &amp; <b>two</b></li><li>three</li></ul><hr/><p>end<br>here</p>"
    assert formatting.words({"html": html}) == "Plan\none & two\nthree\nend\nhere"


@pytest.mark.parametrize(
    "markdown",
    [
        "# Title\n\nSome **bold** and `code`.\n\n- one\n  - two\n- [x] done",
        "| a | b |\n|---|---|\n| 1 | 2 |",
        "```python\nprint(1 < 2)\n```\n\n> quoted\n\n---\n\n[link](https://example.org)",
        "Energy: $E = mc^2$\n\n$$\nx^2\n$$\n\nA note[^1].\n\n[^1]: The note.",
    ],
)
def test_what_a_renderer_makes_of_markdown_is_accepted(markdown: str) -> None:
    html = richify(markdown).html
    assert formatting.words({"html": html})


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ({}, "exactly one of html, markdown and blocks"),
        ({"html": "<p>x</p>", "markdown": "x"}, "exactly one of html, markdown and blocks"),
        ({"html": ""}, "message text is empty"),
        ({"html": "<p> </p>"}, "message text is empty"),
        ({"markdown": " "}, "message text is empty"),
        ({"html": "<marquee>x</marquee>"}, 'can\'t parse rich message: unsupported start tag "marquee"'),
        ({"html": "<p>x"}, "can't find end tag"),
        ({"html": "x</p>"}, "unexpected end tag"),
        ({"html": "<b><i>x</b></i>"}, "unexpected end tag"),
        ({"html": "<tg-thinking>x</tg-thinking>"}, "allowed in drafts only"),
        ({"html": "<b>" * 17 + "x" + "</b>" * 17}, "more than 16 levels"),
        ({"html": "<table><tr>" + "<td>x</td>" * 21 + "</tr></table>"}, "more than 20 columns"),
        ({"html": "<p>x</p>" * 501}, "too many blocks"),
        ({"html": "x" * 32_769}, "message is too long"),
        ({"markdown": "x" * 32_769}, "message is too long"),
    ],
)
def test_what_telegram_refuses_is_refused(source: dict[str, object], reason: str) -> None:
    with pytest.raises(ApiError, match=reason):
        formatting.words(source)


def test_longest_message_and_most_blocks_are_accepted() -> None:
    assert len(formatting.words({"html": "<p>" + "x" * 32_768 + "</p>"})) == 32_768
    assert formatting.words({"html": "<p>x</p>" * 500})


def test_a_draft_may_think_and_be_empty() -> None:
    assert formatting.words({"html": "<tg-thinking>hm</tg-thinking>"}, draft=True) == "hm"
    assert formatting.words({"html": ""}, draft=True) == ""
