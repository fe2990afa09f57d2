"""What strangers chose is marked wherever it stands, in UTF-16 units."""

from bot.outbound.content import Rich, Text
from bot.outbound.formatting import with_literals


def test_every_place_of_a_word_is_marked() -> None:
    found = with_literals(Text("😀 “/start” and “/start”"), ["“/start”", "“/start”", "absent", ""])
    assert isinstance(found, Text)
    assert [(one.type, one.offset, one.length) for one in found.entities] == [("code", 3, 8), ("code", 16, 8)]


def test_content_without_literals_is_unchanged() -> None:
    text = Text("plain")
    assert with_literals(text, []) is text
    rich = Rich("<b>x</b>")
    assert with_literals(rich, ["x"]) is rich
