from collections.abc import Callable

import pytest

from bot.outbound.splitting import Chunk, next_part, next_plain_part
from tests.outbound.documents import Document, first_seen, words


def pieces(source: str, limit: int) -> list[str]:
    texts, offset = [], 0
    while offset < len(source):
        chunk = next_part(source, offset, limit)
        assert len(chunk.text) <= limit
        assert chunk.end > offset
        texts.append(chunk.text)
        offset = chunk.end
    return texts


def test_what_fits_stays_as_it_is() -> None:
    assert pieces("# Hi\n\n- a\n- b\n", 100) == ["# Hi\n\n- a\n- b"]


def test_a_cut_falls_between_paragraphs_if_it_can() -> None:
    assert pieces("one two three.\n\nfour five. Six\nseven", 30) == ["one two three.", "four five. Six\nseven"]


def test_cut_prefers_line_then_sentence_then_word() -> None:
    assert pieces("first line here\nsecond line", 20) == ["first line here", "second line"]
    assert pieces("The first. The second one", 20) == ["The first.", "The second one"]
    assert pieces("just words and words", 12) == ["just words", "and words"]


def test_cut_avoids_emphasis_and_links() -> None:
    assert pieces("some words then **bold words here** end", 30) == ["some words then", "**bold words here** end"]


def test_an_endless_word_is_cut_between_visible_characters() -> None:
    family = "👩‍👩‍👧"
    for text in pieces(family * 20, 16):
        assert text == family * (len(text) // len(family))


def test_cut_code_is_reopened_with_its_language() -> None:
    source = "```python\n" + "\n".join(f"line{n} = {n}" for n in range(10)) + "\n```\nafter"
    first, *others = pieces(source, 60)
    assert first.startswith("```python\nline0")
    assert first.endswith("\n```")
    assert all(text.startswith("```python\nline") for text in others)
    assert all(text.count("```") == 2 for text in (first, *others))
    assert others[-1].endswith("\nafter")


def test_a_fence_inside_a_longer_fence_is_code() -> None:
    source = "~~~~md\n```js\n" + "a();\n" * 20 + "```\n~~~~\n\nend"
    texts = pieces(source, 60)
    assert all(text.startswith("~~~~md\n") for text in texts[:-1])
    assert texts[-1].endswith("~~~~\n\nend")


def test_no_piece_begins_with_closing_fence() -> None:
    source = "```\n" + "x\n" * 50 + "```\n\nThe end."
    for limit in range(30, 120):
        assert "".join(pieces(source, limit)).count("```") % 2 == 0
        assert pieces(source, limit)[-1].endswith("The end.")
        assert all("x" in text or text == "The end." for text in pieces(source, limit))


def test_code_in_list_loses_list_indent() -> None:
    source = "1. step\n\n   ```sh\n" + "   make it\n" * 10 + "   ```\n\n2. next"
    first, second, *_ = pieces(source, 70)
    assert first.endswith("   make it\n   ```")
    assert second.startswith("```sh\nmake it\n")


def test_code_in_a_quote_stays_in_the_quote() -> None:
    source = "> ```sh\n" + "> make it\n" * 20 + "> ```\n\nafter"
    first, second, *_ = pieces(source, 90)
    assert first.endswith("> make it\n> ```")
    assert second.startswith("> ```sh\n> make it\n")


def test_indented_code_stays_indented() -> None:
    assert all(text.startswith("    ") for text in pieces("\n".join(f"    code{n}" for n in range(20)), 50))


def test_a_table_repeats_its_header() -> None:
    source = "| a | b |\n|---|---|\n" + "\n".join(f"| {n} | {n} |" for n in range(20))
    texts = pieces(source, 80)
    assert len(texts) > 2
    assert all(text.startswith("| a | b |\n|---|---|\n| ") for text in texts)


def test_continued_list_loses_indent_of_parents() -> None:
    source = "- top\n" + "".join(f"    - item {n}\n" for n in range(6)) + "- end"
    first, second, *_ = pieces(source, 50)
    assert first.startswith("- top\n    - item 0")
    assert second.startswith("- item")
    assert pieces(source, 50)[-1].endswith("\n- end")


def test_trailing_blank_space_is_no_piece() -> None:
    assert next_part("a word\n\n  \n", 0, 8).end == len("a word\n\n  \n")


@pytest.mark.parametrize("limit", [150, 700, 4096])
@pytest.mark.parametrize("seed", range(12))
def test_every_word_arrives_once_in_order(seed: int, limit: int) -> None:
    source = Document(seed, 8 * limit).source
    assert first_seen(pieces(source, limit)) == words(source)


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
