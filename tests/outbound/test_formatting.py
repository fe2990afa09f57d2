"""Long texts are converted beside the event loop, and what does not end holds nobody up.

Text goes out as text, and as a rich message only where it holds a table or a formula.

What strangers chose is marked wherever it stands, in UTF-16 units.
"""

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import AsyncMock

import pytest
from telegramify_markdown import utf16_len

from bot.outbound import formatting
from bot.outbound.content import Destination, Rich, Text
from bot.outbound.formatting import (
    SHORT,
    Conversions,
    ReplyFormat,
    is_sent_rich,
    limit_share,
    mark_literals,
    to_plain,
    to_rich,
    to_text,
)
from tests.outbound.double import GROUP, PRIVATE, connected

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


async def test_loop_goes_on_while_a_text_is_converted() -> None:
    goes_on, done = threading.Event(), Conversions()
    converting = asyncio.create_task(done.do(SHORT + 1, lambda: goes_on.wait(5), lambda: False))
    await asyncio.sleep(0)
    goes_on.set()
    assert await converting


async def test_conversion_without_end_gives_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(formatting, "LONGEST_S", 0.01)
    ends, done = threading.Event(), Conversions()
    assert await done.do(SHORT + 1, lambda: str(ends.wait(5)), lambda: "as it was") == "as it was"
    ends.set()
    monkeypatch.undo()
    assert await done.do(SHORT + 1, lambda: "the next one", lambda: "as it was") == "the next one"


async def test_conversion_is_marked_while_it_runs() -> None:
    marked: list[bool] = []

    @contextmanager
    def at_work() -> Iterator[None]:
        marked.append(True)
        yield
        marked.pop()

    assert await Conversions(at_work).do(SHORT + 1, lambda: list(marked), list[bool]) == [True]
    assert not marked


@pytest.mark.parametrize("to", [PRIVATE, GROUP])
@pytest.mark.parametrize("form", ["rich", "text"])
async def test_answers_are_converted_in_no_loop(
    form: ReplyFormat, to: Destination, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads, prepare = set[int](), vars(formatting)["prepare"]

    def prepared(source: str, *, as_text: bool) -> str:
        threads.add(threading.get_ident())
        return str(prepare(source, as_text=as_text))

    async def begun(_: int) -> None: ...

    async def arrived(_: object) -> None: ...

    monkeypatch.setattr(formatting, "prepare", prepared)
    async with connected(reply_format=form) as line:
        async with line.sender.preview(to, 1, begun=None, on_begun=begun) as preview:
            preview.update("**a** $x^2$ " * 50)
            while not line.api.of("sendMessageDraft", "sendRichMessageDraft", "sendMessage", "sendRichMessage"):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        await line.sender.deliver(to, "**a** $x^2$ " * 50, arrived)
    assert threads
    assert threading.get_ident() not in threads


def entities(content: Text) -> list[tuple[str, str]]:
    data = content.text.encode("utf-16-le")
    return [
        (one.type, data[2 * one.offset : 2 * (one.offset + one.length)].decode("utf-16-le")) for one in content.entities
    ]


@pytest.mark.parametrize(
    ("source", "html"),
    [
        ("# Head", "<h1>Head</h1>"),
        ("**a** <b>", "<p><b>a</b> &lt;b&gt;</p>"),
        ("- a\n    - b", "<ul><li>a<ul><li>b</li></ul></li></ul>"),
        ("```mermaid\na-->b\n```", '<pre><code class="language-mermaid">a--&gt;b</code></pre>'),
        ("```py\nunclosed", '<pre><code class="language-py">unclosed</code></pre>'),
        ("| a |\n|---|\n| b |", "<table><tr><th>a</th></tr><tr><td>b</td></tr></table>"),
        (r"\(x_1\)", "<p><tg-math>x_1</tg-math></p>"),
        ("||x||", "<p><tg-spoiler>x</tg-spoiler></p>"),
        ("![p](https://a.b/c)", '<p><a href="https://a.b/c">🖼 p</a></p>'),
    ],
)
def test_markdown_as_a_rich_message(source: str, html: str) -> None:
    assert to_rich(source) == Rich(html)


@pytest.mark.parametrize(
    ("source", "text", "marked"),
    [
        ("# Head", "Head", [("underline", "Head"), ("bold", "Head")]),
        ("🎉 **a** <b>", "🎉 a <b>", [("bold", "a")]),
        ("- a\n    - b\n- [x] c", "• a\n  • b\n• ☑ c", []),
        ("```mermaid\na-->b\n```", "a-->b", [("pre", "a-->b")]),
        ("before\n<style>\nx\n\n**after**", "before\n<style>\nx\n\nafter", [("bold", "after")]),
        (r"\(\frac{1}{2}\)", r"\frac{1}{2}", [("code", r"\frac{1}{2}")]),
        ("[^1]\n\n[^1]: note", "[^1]\n\n[^1]: note", []),
    ],
)
def test_markdown_as_text_with_entities(source: str, text: str, marked: list[tuple[str, str]]) -> None:
    content = to_text(source)
    assert content.text == text
    assert entities(content) == marked


def test_a_link_keeps_its_address() -> None:
    assert to_text("[a](https://b.cd/e)").entities[0].url == "https://b.cd/e"


def test_no_entity_reaches_behind_the_text() -> None:
    content = to_text("> quote\n> - item\n")
    assert all(one.offset + one.length <= utf16_len(content.text) for one in content.entities)


def test_plain_text_stays_as_it_was_written() -> None:
    assert to_plain("**a**") == Text("**a**")


def test_text_limit_is_4096_units_or_100_entities() -> None:
    """Telegram counts UTF-16 units."""
    assert limit_share(Text("🎉" * 2048)) == 1
    assert limit_share(to_text("**a** " * 101)) > 1


def test_rich_limit_is_32768_bytes_or_500_blocks() -> None:
    assert limit_share(Rich("é" * 16_384)) == 1
    assert limit_share(to_rich("a\n\n" * 501)) > 1


@pytest.mark.parametrize(
    ("source", "is_rtl"),
    [
        ("שלום עולם, this", True),
        ("مرحبا بك في `print(hello_world)`", True),
        ("سلام دنیا\n\n```py\nprint('a long program')\n```\n\n$\\alpha + \\beta$", True),
        ("| نام | سن |\n|---|---|\n| علی | 5 |", True),
        ("اردو میں جواب [x](https://a-very-long.example/address)", True),
        ("The word שלום means peace", False),
        ("2 + 3 = 5", False),
        ("```\nשלום\n```\nhello", False),
        ("你好", False),
    ],
)
def test_the_script_of_most_letters_decides(source: str, is_rtl: bool) -> None:
    assert to_rich(source).is_rtl == is_rtl


@pytest.mark.parametrize(("answer", "rich"), [("שלום", True), ("hello", None)])
async def test_telegram_is_told_the_direction(answer: str, rich: bool | None) -> None:
    async with connected(reply_format="rich") as line:
        await line.sender.deliver(PRIVATE, answer, AsyncMock())
        assert json.loads(line.api.calls[-1].fields["rich_message"]).get("is_rtl") is rich


@pytest.mark.parametrize("answer", RICH)
def test_a_table_or_formula_is_rich(answer: str) -> None:
    assert is_sent_rich(f"Before.\n\n{answer}\n\nAfter.", "auto")


@pytest.mark.parametrize("answer", TEXT)
def test_what_text_can_show_is_text(answer: str) -> None:
    assert not is_sent_rich(f"Before.\n\n{answer}\n\nAfter.", "auto")


@pytest.mark.parametrize("answer", [TABLE, "plain"])
def test_rich_and_text_force_one(answer: str) -> None:
    assert is_sent_rich(answer, "rich")
    assert not is_sent_rich(answer, "text")


def test_what_the_converter_chokes_on_is_text(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(answer: str) -> Rich:
        raise RecursionError

    monkeypatch.setattr(formatting, "to_rich", broken)
    assert not is_sent_rich(TABLE, "auto")


def test_every_place_of_a_word_is_marked() -> None:
    found = mark_literals(Text("😀 “/start” and “/start”"), ["“/start”", "“/start”", "absent", ""])
    assert isinstance(found, Text)
    assert [(one.type, one.offset, one.length) for one in found.entities] == [("code", 3, 8), ("code", 16, 8)]


def test_content_without_literals_is_unchanged() -> None:
    text = Text("plain")
    assert mark_literals(text, []) is text
    rich = Rich("<b>x</b>")
    assert mark_literals(rich, ["x"]) is rich
