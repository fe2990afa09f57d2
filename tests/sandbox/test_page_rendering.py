"""What a message says, as HTML in the page: it looks as in Telegram, and nothing in it can act."""

import re
import time
from html import unescape
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.botapi.message import Entity
from sandbox.page import rendering

PIECES = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '<a href="javascript:alert(1)">',
    "<svg onload=alert(1)>",
    "<iframe src='https://evil.example'></iframe>",
    "<p style='background:url(https://evil.example)' onclick=x>",
    "<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=1 onerror=alert(1)&gt;'>",
    "<tg-math>\\text{</mtext><img src=x onerror=alert(1)>}\\href{javascript:x}{y}</tg-math>",
    '<pre><code class="language-python onload=">x = "<script>"',
    "<button class=command data-command=/reset formaction='javascript:x'>",
    "<form action=https://evil.example><input name=x>",
    "<base href=https://evil.example>",
    "<a href='//evil.example'>",
    "[x](javascript:alert(1)) ![x](https://evil.example/x.png)",
    "$\\unicode{x3c}script$",
    "\0<",
    "&lt;script&gt;",
)
LOADING = {"src", "srcset", "data", "style", "action", "formaction", "background", "poster", "xlink:href"}


class _Faults(HTMLParser):
    """Collects what could act, or be loaded."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag not in rendering.TAGS:
            self.found.append(tag)
        self.found += [name for name in given if name.startswith("on") or name in LOADING]
        if tag == "a" and "href" in given:
            if not re.match(r"https?://|mailto:|tel:", given["href"] or ""):
                self.found.append(f"href {given['href']}")
            if (given.get("target"), given.get("rel")) != ("_blank", "noopener noreferrer"):
                self.found.append("a link that knows its opener")
        if tag == "button" and given.get("class") not in ("copy", "command"):
            self.found.append("a foreign button")


@settings(deadline=None)  # the first use of a language imports it
@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=8), max_size=6).map("".join))
def test_nothing_in_a_message_can_act(source: str) -> None:
    entities = [
        Entity("bold", 0, 3),
        Entity("text_link", 1, 4, "javascript:alert(1)"),
        Entity("pre", 2, 3, None, '"><x'),
    ]
    for html in (
        rendering.from_html(source),
        rendering.from_markdown(source),
        rendering.from_text(source, entities),
    ):
        assert _Faults(html).found == []


def test_entities_that_overlap_are_closed_and_opened() -> None:
    found = rendering.from_text("😀 bold both it", [Entity("bold", 3, 9), Entity("italic", 8, 7)])
    assert found == "😀 <b>bold <i>both</i></b><i> it</i>"


def test_blank_lines_around_blocks_are_dropped() -> None:
    found = rendering.from_text("a\n\nquoted\n\nb\n\nc", [Entity("blockquote", 3, 6)])
    assert found == 'a<blockquote dir="auto">quoted</blockquote>b\n\nc'


def test_command_says_what_it_sends() -> None:
    found = rendering.from_text("try /help now", [Entity("bot_command", 4, 5)])
    assert 'data-command="/help"' in found
    assert ">/help</button> now" in found


def test_link_without_scheme_leads_outside() -> None:
    assert 'href="https://example.com:80/x"' in rendering.from_text("example.com:80/x", [Entity("url", 0, 16)])


@pytest.mark.parametrize("source", ["<tg-math>x^2</tg-math>", "<p>$x^2$</p>"])
def test_formula_becomes_mathml(source: str) -> None:
    render = rendering.from_html if "tg-math" in source else lambda _: rendering.from_markdown("so $x^2$")
    assert "<msup><mi>x</mi><mn>2</mn></msup>" in render(source)


def test_unreadable_formula_is_shown_as_written() -> None:
    assert rendering.from_html("<tg-math>\\left( x</tg-math>") == "<code>\\left( x</code>"


def test_deep_formula_is_shown_as_written() -> None:
    formula = "{" * 300 + "x" + "}" * 300
    assert formula in rendering.from_markdown(f"$${formula}$$")


def test_code_has_its_language_and_colors() -> None:
    found = rendering.from_html('<pre><code class="language-python">def f(): pass</code></pre>')
    assert ">Copy</button>" in found
    assert "<span>python</span>" in found
    assert '<span class="k">def</span>' in found


@pytest.mark.parametrize("language", ["cpp", "html+ng2"])
def test_code_takes_no_long_time(language: str) -> None:
    started = time.thread_time()
    found = rendering.from_markdown(f"```{language}\n" + ("(\n \n " * 3300)[:9_900])
    assert time.thread_time() - started < 1
    assert "<pre" in found


@pytest.mark.parametrize("character", ["\0", "\x1b", "\ufffe", "\uffff", "&#1;", "&#xFFFF;", "&#0000000027;"])
def test_character_that_no_page_has_is_left_out(character: str) -> None:
    assert rendering.from_text(f"a{unescape(character)}b", []) == "ab"
    assert 'data-command="/ab"' in rendering.from_html(f"<tg-command>/a{character}b</tg-command>")
    assert "<code>ab</code>" in rendering.from_markdown(f"`a{unescape(character)}b`")


def test_paragraphs_and_tables_find_their_direction() -> None:
    found = rendering.from_markdown("مرحبا\n\n|a|b|\n|:-:|-|\n|1|2|\n")
    assert '<p dir="auto">مرحبا</p>' in found
    assert '<div class="scroll"><table>' in found
    assert 'align="center"' in found


def test_boxes_details_and_spoilers_are_shown() -> None:
    found = rendering.from_html(
        "<details><summary>Q</summary>A</details><input type=checkbox checked><tg-spoiler>x</tg-spoiler>"
    )
    assert found == ('<details><summary dir="auto">Q</summary>A</details><span>☑ </span><span class="spoiler">x</span>')


@pytest.mark.parametrize("piece", ["<b>", "<blockquote>", "> ", "$", "{", "<tg-math>{", "[", "\n", "|a|b\n|-|-\n"])
def test_time_grows_with_the_length_only(piece: str) -> None:
    def seconds(count: int) -> float:
        source = piece * count
        started = time.process_time()
        rendering.from_html.__wrapped__(source)
        rendering.from_text(source, [Entity("bold", at, 5) for at in range(0, len(source), 3)])
        rendering.from_markdown.__wrapped__(source)
        return time.process_time() - started

    seconds(10)
    assert min(seconds(8_000) for _ in range(3)) < 12 * max(min(seconds(1_000) for _ in range(3)), 0.02)
