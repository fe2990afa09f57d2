import pytest

from sandbox.botapi import formatting


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
        ("and/or, 1/2, a/b/c", {}),
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
    pieces = list(formatting.pieces(whole))
    assert all(formatting.units(piece) <= formatting.MAX_UNITS for piece in pieces)
    assert "".join("".join(pieces).split()) == "".join(whole.split())
    assert all(piece.strip() == piece for piece in pieces[:-1])
