"""Text with entities in UTF-16 units, and the checks of rich messages."""

import pytest
from telegramify_markdown import richify

from sandbox.botapi import formatting
from sandbox.botapi.wire import ApiError


def test_the_words_of_a_rich_message_are_read() -> None:
    html = "<h2>Plan</h2><ul><li>one &amp; <b>two</b></li><li>three</li></ul><hr/><p>end<br>here</p>"
    assert formatting.rich_text({"html": html}) == "Plan\none & two\nthree\nend\nhere"


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
    assert formatting.rich_text({"html": html})


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
        formatting.rich_text(source)


def test_longest_message_and_most_blocks_are_accepted() -> None:
    assert len(formatting.rich_text({"html": "<p>" + "x" * 32_768 + "</p>"})) == 32_768
    assert formatting.rich_text({"html": "<p>x</p>" * 500})


def test_a_draft_may_think_and_be_empty() -> None:
    assert formatting.rich_text({"html": "<tg-thinking>hm</tg-thinking>"}, draft=True) == "hm"
    assert formatting.rich_text({"html": ""}, draft=True) == ""


def found(words: str) -> dict[str, str]:
    encoded = words.encode("utf-16-le")
    spans: dict[str, str] = {}
    for entity in formatting.detect_entities(words):
        start, length = entity["offset"], entity["length"]
        assert isinstance(start, int)
        assert isinstance(length, int)
        spans[encoded[2 * start : 2 * (start + length)].decode("utf-16-le")] = str(entity["type"])
    return spans


@pytest.mark.parametrize(
    ("words", "entities"),
    [
        ("/help me", {"/help": "bot_command"}),
        ("/help@some_bot", {"/help@some_bot": "bot_command"}),
        ("😀 /help", {"/help": "bot_command"}),
        ("and/or, 1/2, a/b/c, <b>x</b>", {}),
        ("ask @keepsake_bot.", {"@keepsake_bot": "mention"}),
        ("me@example.org", {}),
        ("see https://example.org/@someone/start.", {"https://example.org/@someone/start": "url"}),
    ],
)
def test_what_telegram_finds_in_a_text_is_found(words: str, entities: dict[str, str]) -> None:
    assert found(words) == entities


def test_nothing_is_detected_inside_a_given_entity() -> None:
    code: dict[str, object] = {"type": "code", "offset": 0, "length": 5}
    assert formatting.entities("/help /start", [code]) == [code, {"type": "bot_command", "offset": 6, "length": 6}]


@pytest.mark.parametrize("word", ["word ", "line\n", "x", "😀"])
def test_long_text_is_split_losing_only_blanks(word: str) -> None:
    whole = word * 5000
    pieces = list(formatting.split_message(whole))
    assert all(formatting.units(piece) <= formatting.MAX_UNITS for piece in pieces)
    assert "".join("".join(pieces).split()) == "".join(whole.split())
    assert all(piece.strip() == piece for piece in pieces[:-1])
