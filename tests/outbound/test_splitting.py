import html
import re
from collections.abc import Callable

import pytest

from bot.outbound.content import Content, Rich, Text
from bot.outbound.formatting import limit_share, to_rich
from bot.outbound.splitting import Chunk, may_cut, next_part, next_plain_part, pieces, plain_piece, preview_piece
from tests.outbound.documents import Document, first_seen, words
from tests.selection import some


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("e", "\u0301"),
        ("👩", "\u200d👧"),
        ("👩\u200d", "👧"),
        ("👍", "🏽"),
        ("❤", "\ufe0f"),
        ("🇩", "🇪"),
        ("🇫🇷🇩", "🇪"),
        ("\r", "\n"),
    ],
)
def test_one_visible_character_is_not_cut(before: str, after: str) -> None:
    assert not may_cut(before + after, len(before))


@pytest.mark.parametrize(
    ("before", "after"), [("a", "b"), ("你", "好"), ("👩", "👧"), ("🇩🇪", "🇫🇷"), ("", "a"), ("a", "")]
)
def test_between_two_characters_a_cut_is_fine(before: str, after: str) -> None:
    assert may_cut(before + after, len(before))


def cut_pieces(source: str, limit: int) -> list[str]:
    texts, offset = [], 0
    while offset < len(source):
        chunk = next_part(source, offset, limit)
        assert len(chunk.text) <= limit
        assert chunk.end > offset
        texts.append(chunk.text)
        offset = chunk.end
    return texts


def test_what_fits_stays_as_it_is() -> None:
    assert cut_pieces("# Hi\n\n- a\n- b\n", 100) == ["# Hi\n\n- a\n- b"]


def test_a_cut_falls_between_paragraphs_if_it_can() -> None:
    assert cut_pieces("one two three.\n\nfour five. Six\nseven", 30) == ["one two three.", "four five. Six\nseven"]


def test_cut_prefers_line_then_sentence_then_word() -> None:
    assert cut_pieces("first line here\nsecond line", 20) == ["first line here", "second line"]
    assert cut_pieces("The first. The second one", 20) == ["The first.", "The second one"]
    assert cut_pieces("just words and words", 12) == ["just words", "and words"]


def test_cut_avoids_emphasis_and_links() -> None:
    assert cut_pieces("some words then **bold words here** end", 30) == ["some words then", "**bold words here** end"]


def test_an_endless_word_is_cut_between_visible_characters() -> None:
    family = "👩‍👩‍👧"
    for text in cut_pieces(family * 20, 16):
        assert text == family * (len(text) // len(family))


def test_cut_code_is_reopened_with_its_language() -> None:
    source = "```python\n" + "\n".join(f"line{n} = {n}" for n in range(10)) + "\n```\nafter"
    first, *others = cut_pieces(source, 60)
    assert first.startswith("```python\nline0")
    assert first.endswith("\n```")
    assert all(text.startswith("```python\nline") for text in others)
    assert all(text.count("```") == 2 for text in (first, *others))
    assert others[-1].endswith("\nafter")


def test_a_fence_inside_a_longer_fence_is_code() -> None:
    source = "~~~~md\n```js\n" + "a();\n" * 20 + "```\n~~~~\n\nend"
    texts = cut_pieces(source, 60)
    assert all(text.startswith("~~~~md\n") for text in texts[:-1])
    assert texts[-1].endswith("~~~~\n\nend")


def test_no_piece_begins_with_closing_fence() -> None:
    source = "```\n" + "x\n" * 50 + "```\n\nThe end."
    for limit in range(30, 120):
        assert "".join(cut_pieces(source, limit)).count("```") % 2 == 0
        assert cut_pieces(source, limit)[-1].endswith("The end.")
        assert all("x" in text or text == "The end." for text in cut_pieces(source, limit))


def test_code_in_list_loses_list_indent() -> None:
    source = "1. step\n\n   ```sh\n" + "   make it\n" * 10 + "   ```\n\n2. next"
    first, second, *_ = cut_pieces(source, 70)
    assert first.endswith("   make it\n   ```")
    assert second.startswith("```sh\nmake it\n")


def test_code_in_a_quote_stays_in_the_quote() -> None:
    source = "> ```sh\n" + "> make it\n" * 20 + "> ```\n\nafter"
    first, second, *_ = cut_pieces(source, 90)
    assert first.endswith("> make it\n> ```")
    assert second.startswith("> ```sh\n> make it\n")


def test_indented_code_stays_indented() -> None:
    assert all(text.startswith("    ") for text in cut_pieces("\n".join(f"    code{n}" for n in range(20)), 50))


def test_a_table_repeats_its_header() -> None:
    source = "| a | b |\n|---|---|\n" + "\n".join(f"| {n} | {n} |" for n in range(20))
    texts = cut_pieces(source, 80)
    assert len(texts) > 2
    assert all(text.startswith("| a | b |\n|---|---|\n| ") for text in texts)


def test_continued_list_loses_indent_of_parents() -> None:
    source = "- top\n" + "".join(f"    - item {n}\n" for n in range(6)) + "- end"
    first, second, *_ = cut_pieces(source, 50)
    assert first.startswith("- top\n    - item 0")
    assert second.startswith("- item")
    assert cut_pieces(source, 50)[-1].endswith("\n- end")


def test_trailing_blank_space_is_no_piece() -> None:
    assert next_part("a word\n\n  \n", 0, 8).end == len("a word\n\n  \n")


@pytest.mark.parametrize("limit", [150, 700, 4096])
@pytest.mark.parametrize("seed", range(12))
def test_every_word_arrives_once_in_order(seed: int, limit: int) -> None:
    source = Document(seed, 8 * limit).source
    assert first_seen(cut_pieces(source, limit)) == words(source)


def test_pieces_can_follow_any_previous_limit() -> None:
    """The next piece may begin wherever one of another size ended."""
    source = Document(1, 6000).source
    offset, texts, limit = 0, [], 200
    while offset < len(source):
        chunk = next_part(source, offset, limit)
        texts.append(chunk.text)
        offset, limit = chunk.end, 4096 + 200 - limit
    assert first_seen(texts) == words(source)


@pytest.mark.parametrize("blanks", [" ", "\n", "\t \n", "\N{NO-BREAK SPACE}"])
@pytest.mark.parametrize("cut", [next_part, next_plain_part])
def test_no_piece_is_blank(blanks: str, cut: Callable[[str, int, int], Chunk]) -> None:
    for before in ("", "a"):
        source, offset, said = before + blanks * 300 + "b", 0, ""
        while offset < len(source):
            chunk = cut(source, offset, 50)
            assert chunk.text.strip()
            said, offset = said + chunk.text.strip(), chunk.end
        assert said == before + "b"


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
    assert all(limit_share(content) <= 1 for content in contents)
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
    assert limit_share(piece.content) <= 1
    assert piece.end < len(table)


def test_plain_text_is_counted_in_utf16() -> None:
    piece = plain_piece("🎉" * 3000, 0)
    assert limit_share(piece.content) <= 1
    assert 1500 < piece.end <= 2048


def test_preview_shows_unclosed_code() -> None:
    assert preview_piece("```py\nx = 1", 0, rich=True).content == Rich(
        '<pre><code class="language-py">x = 1</code></pre>'
    )
