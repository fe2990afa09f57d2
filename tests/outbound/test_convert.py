import pytest
from telegramify_markdown import utf16_len

from bot.outbound.content import Rich, Text
from bot.outbound.formatting import share, to_plain, to_rich, to_text


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
    assert share(Text("🎉" * 2048)) == 1
    assert share(to_text("**a** " * 101)) > 1


def test_rich_limit_is_32768_bytes_or_500_blocks() -> None:
    assert share(Rich("é" * 16_384)) == 1
    assert share(to_rich("a\n\n" * 501)) > 1
