"""Powers, numbers of lists and pictures in pages, books, open documents and rich text."""

import pytest

from bot.media.document import read_document
from bot.media.legacy_office import rich_text
from bot.media.markup import html
from tests.media.test_sheets import zipped

_NAMES = " ".join(
    f'xmlns:{one}="urn:oasis:names:tc:opendocument:xmlns:{one}:1.0"' for one in ("office", "text", "style", "drawing")
)


@pytest.mark.parametrize(
    ("page", "text"),
    [
        ("5<sup>2</sup> 10<sup>-3</sup> x<sup>n</sup> 1<sup>st</sup>", "5^2 10^-3 x^n 1st"),
        ("so<sup><a href='#1'>12</a></sup>.", "so^12."),
        ("<ol start=5><li>five<li value=9>nine<ul><li>dot</ul><li>ten</ol>", "5. five\n9. nine\n- dot\n10. ten"),
        ("<ul><li>dot</ul><ol><li>one</ol><ol start=x><li>one</ol>", "- dot\n1. one\n1. one"),
        (
            "<ol start=5><li>a<ol><li>x<li>y</ol><li>b<ul><li>z</ul></ol>c",
            "5. a\n1. x\n2. y\n6. b\n- z\nc",
        ),
        ("<table><tr><td><ul><li>a<li>b</ul><td>c</table>", "- a - b | c"),
        ("A<img alt='a red cat'><img alt=''>", "A[picture, not shown here: a red cat]"),
    ],
)
def test_pages(page: str, text: str) -> None:
    assert html(page) == text


def test_powers_and_pictures_in_an_open_document() -> None:
    styles = '<style:style style:name="T1"><style:text-properties style:text-position="super 58%"/></style:style>'
    body = '<text:p>5<text:span text:style-name="T1">2</text:span> m <drawing:image/></text:p>'
    content = f"<office:document {_NAMES}>{styles}<office:text>{body}</office:text></office:document>"
    files = {"mimetype": "application/vnd.oasis.opendocument.text", "content.xml": content}
    assert read_document(zipped(files), "a.odt", None, most_characters=99).text == "5^2 m [picture, not shown here]"


def test_a_book_in_utf_16() -> None:
    page = '<?xml version="1.0" encoding="utf-16"?><html><body>Привет</body></html>'
    assert html(page.encode("utf-16")) == "Привет"


@pytest.mark.parametrize(
    ("inside", "text"),
    [
        (rb"\u-10179?\u-8704? \u8364?5", "😀 €5"),
        (rb"5{\super 2} 10{\super\fs20 -3} {\super0 9} 1{\super st} H{\sub 2}O", "5^2 10^-3 9 1st H2O"),
        ("café".encode(), "café"),
        (rb"\ansicpg1251 " + "Привет".encode("cp1251"), "Привет"),
        (rb"a {\*\shppict{\pict\pngblip 89504e47}}{\nonshppict{\pict 00}} b", "a [picture, not shown here] b"),
        (b"a {\\*\\shppict\n{\\pict 00}}{\\nonshppict\n{\\pict 00}} b", "a [picture, not shown here] b"),
        (rb"a {\pict\wmetafile8 0100} b", "a [picture, not shown here] b"),
    ],
)
def test_rich_text(inside: bytes, text: str) -> None:
    assert rich_text(rb"{\rtf1\ansi " + inside + b"}") == text
