import html
import re

import pytest

from bot.outbound.content import Content, Rich, Text
from bot.outbound.formatting import share, to_rich
from bot.outbound.splitting import next_part, pieces, plain_piece, preview_piece
from tests.outbound.documents import Document, first_seen, words
from tests.selection import some


def shown(content: Content) -> str:
    return html.unescape(re.sub(r"<[^>]*>", " ", content.html)) if isinstance(content, Rich) else content.text


def delivered(source: str, *, rich: bool) -> list[Content]:
    contents, offset = [], 0
    while offset < len(source):
        piece, *others = pieces(source, offset, rich=rich)
        assert len(others) == 1 + rich, "no form is left out"
        contents.append(piece.content)
        offset = piece.end
    return contents


@pytest.mark.parametrize("rich", [True, False])
@pytest.mark.parametrize("seed", some(range(8), 4))
def test_long_markdown_of_any_kind_arrives_formatted(seed: int, rich: bool) -> None:
    """40,000 characters of it, whole and in order."""
    source = Document(seed, 40_000).source
    contents = delivered(source, rich=rich)
    assert first_seen(map(shown, contents)) == words(source)
    assert all(share(content) <= 1 for content in contents)
    assert all(isinstance(content, Rich) == rich for content in contents)


@pytest.mark.parametrize("limit", [400, 1500])
@pytest.mark.parametrize("seed", range(8))
def test_no_cut_lets_markup_show(seed: int, limit: int) -> None:
    source, offset = Document(seed, 20 * limit).source, 0
    while offset < len(source):
        chunk = next_part(source, offset, limit)
        prose = re.sub(r"<pre>.+?</pre>|<code>.+?</code>", "", to_rich(chunk.text).html, flags=re.DOTALL)
        assert not re.search(r"```|~~|\*\*|\||\$|<pre>", prose)
        offset = chunk.end


def test_forms_go_from_rich_via_entities_to_plain() -> None:
    rich, text, plain = (piece.content for piece in pieces("**a**", 0, rich=True))
    assert rich == Rich("<p><b>a</b></p>")
    assert isinstance(text, Text)
    assert text.text == "a"
    assert plain == Text("**a**")


def test_a_form_that_drops_something_is_left_out() -> None:
    table = "| a |\n|---|\n| [b](https://c.de) |"
    assert [type(piece.content) for piece in pieces(table, 0, rich=True)] == [Rich, Text]
    assert [piece.content for piece in pieces(table, 0, rich=False)] == [Text(table)]


def test_what_grows_in_the_conversion_is_cut_smaller() -> None:
    table = "| a | b |\n|---|---|\n" + f"| {'x' * 40} | y |\n" + f"| {'z' * 20} | y |\n" * 100
    piece = next(pieces(table, 0, rich=False))
    assert share(piece.content) <= 1
    assert piece.end < len(table)


def test_plain_text_is_counted_in_utf16() -> None:
    piece = plain_piece("🎉" * 3000, 0)
    assert share(piece.content) <= 1
    assert 1500 < piece.end <= 2048


def test_preview_shows_unclosed_code() -> None:
    assert preview_piece("```py\nx = 1", 0, rich=True).content == Rich(
        '<pre><code class="language-py">x = 1</code></pre>'
    )
