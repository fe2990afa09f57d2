"""Word files: all words that a reader sees, and none that were deleted."""

import io
import re
import zipfile

import pytest

from bot.media.document import read_document
from tests.media.files import word

_W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_SPACES = {
    "w": _W,
    "m": "http://schemas.openxmlformats.org/officeDocument/2006/math",
    "r": "http://schemas.openxmlformats.org/officeDocument/2006/relationships",
    "mc": "http://schemas.openxmlformats.org/markup-compatibility/2006",
    "wps": "http://schemas.microsoft.com/office/word/2010/wordprocessingShape",
    "v": "urn:schemas-microsoft-com:vml",
    "a": "http://schemas.openxmlformats.org/drawingml/2006/main",
}
_DECLARED = " ".join(f'xmlns:{name}="{space}"' for name, space in _SPACES.items())
_KINDS = "application/vnd.openxmlformats-officedocument.wordprocessingml"


def _file(body: str, *, numbering: str = "", styles: str = "", links: str = "", **parts: str) -> bytes:
    """A Word file with this body before everything else, and parts that belong to it."""
    relations = "".join(
        f'<Relationship Id="own{name}" Type="{_SPACES["r"]}/{name}" Target="{name}.xml"/>' for name in parts
    )
    kinds = "".join(f'<Override PartName="/word/{name}.xml" ContentType="{_KINDS}.{name}+xml"/>' for name in parts)
    added = {
        "word/document.xml": ("<w:body>", f"<w:body>{body}"),
        "word/numbering.xml": ("<w:num ", f"{numbering}<w:num "),
        "word/styles.xml": ("</w:styles>", f"{styles}</w:styles>"),
        "word/_rels/document.xml.rels": ("</Relationships>", f"{relations}{links}</Relationships>"),
        "[Content_Types].xml": ("</Types>", f"{kinds}</Types>"),
    }
    written = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(word())) as old, zipfile.ZipFile(written, "w") as new:
        for entry in old.namelist():
            data = old.read(entry)
            if entry in added:
                before, after = added[entry]
                text = data.decode().replace(before, after, 1)
                text = re.sub(r"<w:document .*?>", f"<w:document {_DECLARED}>", text, count=1)
                data = text.encode()
            new.writestr(entry, data)
        for name, content in parts.items():
            new.writestr(f"word/{name}.xml", content)
    return written.getvalue()


def _text(body: str, **more: str) -> str:
    return read_document(_file(body, **more), "a.docx", None, most_characters=10_000).text


def _run(inside: str) -> str:
    return f"<w:r>{inside}</w:r>"


def _p(inside: str) -> str:
    return f"<w:p>{inside}</w:p>"


def _said(text: str) -> str:
    return _run(f'<w:t xml:space="preserve">{text}</w:t>')


def _box(inside: str) -> str:
    content = f"<w:txbxContent>{inside}</w:txbxContent>"
    return _run(
        f'<mc:AlternateContent><mc:Choice Requires="wps"><w:drawing><wps:wsp><wps:txbx>{content}</wps:txbx></wps:wsp>'
        f"</w:drawing></mc:Choice><mc:Fallback><w:pict><v:textbox>{content}</v:textbox></w:pict></mc:Fallback>"
        "</mc:AlternateContent>"
    )


_FRACTION = "<m:f><m:num><m:r><m:t>a+b</m:t></m:r></m:num><m:den><m:r><m:t>c</m:t></m:r></m:den></m:f>"
_POWER = "<m:sSup><m:e><m:r><m:t>x</m:t></m:r></m:e><m:sup><m:r><m:t>2</m:t></m:r></m:sup></m:sSup>"
_SUM = (
    '<m:nary><m:naryPr><m:chr m:val="∑"/></m:naryPr><m:sub><m:r><m:t>i=1</m:t></m:r></m:sub><m:sup><m:r><m:t>n</m:t>'
    "</m:r></m:sup><m:e><m:r><m:t>i</m:t></m:r></m:e></m:nary>"
)
PARAGRAPHS = {
    "a no-break hyphen": (_run("<w:t>10</w:t><w:noBreakHyphen/><w:t>20</w:t>"), "10-20"),
    "hidden words": (_run("<w:rPr><w:vanish/></w:rPr><w:t>A</w:t>") + _said("B"), "[hidden: A]B"),
    "words that are hidden no more": (_run('<w:rPr><w:vanish w:val="0"/></w:rPr><w:t>A</w:t>'), "A"),
    "a soft hyphen": (_run("<w:t>co</w:t><w:softHyphen/><w:t>operate</w:t>"), "cooperate"),
    "tabs": (_run('<w:t>A</w:t><w:tab/><w:t>B</w:t><w:ptab w:alignment="right"/><w:t>C</w:t>'), "A\tB\tC"),
    "tabs that are set": ('<w:pPr><w:tabs><w:tab w:val="left" w:pos="9"/></w:tabs></w:pPr>' + _said("A"), "A"),
    "line breaks": (_run("<w:t>A</w:t><w:br/><w:t>B</w:t><w:cr/><w:t>C</w:t>"), "A\nB\nC"),
    "a symbol": (_run('<w:sym w:font="Symbol" w:char="F061"/><w:t>=1</w:t>'), "α=1"),
    "a tick": (_run('<w:sym w:font="Wingdings" w:char="F0FE"/><w:t> yes</w:t>'), "☑ yes"),
    "a symbol of another font": (_run('<w:sym w:font="Arial" w:char="20AC"/><w:t>5</w:t>'), "€5"),
    "a symbol that is damaged": (_run('<w:sym w:font="Arial" w:char="zz"/><w:t>5</w:t>'), "5"),
    "a text box": (_box(_p(_said("inside")) + _p(_said("it"))), "inside\nit"),
    "a table in a text box": (
        _box(f"<w:tbl><w:tr><w:tc>{_p(_said('a'))}</w:tc><w:tc>{_p(_said('b'))}</w:tc></w:tr></w:tbl>"),
        "a | b |",
    ),
    "a content control": (f"<w:sdt><w:sdtPr><w:tag/></w:sdtPr><w:sdtContent>{_said('A')}</w:sdtContent></w:sdt>", "A"),
    "a simple field": (f'<w:fldSimple w:instr=" DATE ">{_said("today")}</w:fldSimple>', "today"),
    "a field": (
        '<w:r><w:fldChar w:fldCharType="begin"/></w:r><w:r><w:instrText> PAGEREF x </w:instrText></w:r>'
        f'<w:r><w:fldChar w:fldCharType="separate"/></w:r>{_said("7")}<w:r><w:fldChar w:fldCharType="end"/></w:r>',
        "7",
    ),
    "changes": (
        f'{_said("A")}<w:ins w:id="1">{_said("B")}</w:ins><w:del w:id="2"><w:r><w:delText>X</w:delText></w:r></w:del>'
        f'<w:moveFrom w:id="3">{_said("X")}</w:moveFrom><w:moveTo w:id="4">{_said("C")}</w:moveTo>',
        "ABC",
    ),
    "readings": (f"<w:ruby><w:rt>{_said('かん')}</w:rt><w:rubyBase>{_said('漢')}</w:rubyBase></w:ruby>", "漢(かん)"),
    "a formula": (f"<m:oMath>{_FRACTION}<m:r><m:t>=</m:t></m:r>{_POWER}</m:oMath>", "(a+b)/c=x^2"),
    "a sum": (f"<m:oMathPara><m:oMath>{_SUM}</m:oMath></m:oMathPara>", "∑_(i=1)^n i"),
    "brackets": ("<m:oMath><m:d><m:e><m:r><m:t>x</m:t></m:r></m:e></m:d></m:oMath>", "(x)"),
}


@pytest.mark.parametrize(("inside", "text"), PARAGRAPHS.values(), ids=PARAGRAPHS)
def test_what_stands_beside_plain_runs_is_read(inside: str, text: str) -> None:
    assert _text(_p(inside)) == text


def test_an_address_is_read_with_its_words() -> None:
    links = (
        f'<Relationship Id="own" Type="{_SPACES["r"]}/hyperlink" Target="https://a.example/x" TargetMode="External"/>'
    )
    linked = '<w:hyperlink r:id="own">{}</w:hyperlink>'
    assert _text(_p(linked.format(_said("here"))), links=links) == "here (https://a.example/x)"
    assert _text(_p(linked.format(_said("https://a.example/x"))), links=links) == "https://a.example/x"
    assert _text(_p(linked.format(_said("chapter")).replace("own", "none"))) == "chapter"


def test_notes_and_comments_stand_behind_the_text() -> None:
    def part(kind: str, text: str) -> str:
        return f'<w:{kind}s {_DECLARED}><w:{kind} w:id="5" w:author="Bob">{_p(_said(text))}</w:{kind}></w:{kind}s>'

    body = (
        _said("one") + _run('<w:footnoteReference w:id="5"/>') + _said(" two") + _run('<w:endnoteReference w:id="5"/>')
    )
    read = _text(
        _p(body + _run('<w:commentReference w:id="5"/>')),
        footnotes=part("footnote", "below"),
        endnotes=part("endnote", "at the end"),
        comments=part("comment", "really?"),
    )
    assert [line for line in read.split("\n") if line] == [
        "one[^1] two[^2][comment 1]",
        "[^1]: below",
        "[^2]: at the end",
        "[comment 1 by Bob: really?]",
    ]


def test_a_part_that_is_damaged_costs_only_itself() -> None:
    assert _text(_p(_said("one")), footnotes="<w:footnotes") == "one"


def _item(text: str, level: int = 0, number: int = 77) -> str:
    numbered = f'<w:numPr><w:ilvl w:val="{level}"/><w:numId w:val="{number}"/></w:numPr>'
    return _p(f"<w:pPr>{numbered}</w:pPr>{_said(text)}")


def _scheme(*levels: tuple[str, str, int], number: int = 77, more: str = "") -> str:
    told = "".join(
        f'<w:lvl w:ilvl="{at}"><w:start w:val="{start}"/><w:numFmt w:val="{kind}"/><w:lvlText w:val="{text}"/></w:lvl>'
        for at, (kind, text, start) in enumerate(levels)
    )
    abstract = f'<w:abstractNum w:abstractNumId="{number}">{told}</w:abstractNum>' if levels else ""
    return f'{abstract}<w:num w:numId="{number}"><w:abstractNumId w:val="77"/>{more}</w:num>'


def test_the_numbers_of_lists_are_counted() -> None:
    numbering = _scheme(("decimal", "%1.", 3), ("lowerLetter", "%1.%2)", 1), ("upperRoman", "%3", 4))
    items = [("a", 0), ("b", 1), ("c", 1), ("d", 2), ("e", 0), ("f", 1)]
    read = _text("".join(_item(text, level) for text, level in items), numbering=numbering)
    assert read.split("\n") == ["3. a", "  3.a) b", "  3.b) c", "    IV d", "4. e", "  4.a) f"]


def test_lists_count_in_russian_and_chinese() -> None:
    numbering = _scheme(
        ("russianLower", "%1)", 1), ("chineseCounting", "第%2章", 12), ("decimalEnclosedCircle", "%3", 3)
    )
    body = _item("a") + _item("b", 1) + _item("c", 2) + _item("d") + _item("e", 1)
    read = _text(body, numbering=numbering).split("\n")
    assert [line.strip() for line in read[:5]] == ["а) a", "第十二章 b", "③ c", "б) d", "第十二章 e"]


def test_lists_continue_or_restart_as_declared() -> None:
    again = '<w:lvlOverride w:ilvl="0"><w:startOverride w:val="1"/></w:lvlOverride>'
    numbering = _scheme(("decimal", "%1.", 1)) + _scheme(number=78) + _scheme(number=79, more=again)
    body = _item("a") + _item("b", number=78) + _item("c", number=79) + _item("d") + _item("e", number=0)
    assert _text(body, numbering=numbering).split("\n") == ["1. a", "2. b", "1. c", "2. d", "e"]


def test_bullets_and_lists_by_style() -> None:
    numbering = _scheme(("bullet", "\uf0b7", 1))
    styles = (
        '<w:style w:type="paragraph" w:styleId="Own"><w:pPr><w:numPr><w:numId w:val="77"/></w:numPr></w:pPr></w:style>'
        '<w:style w:type="paragraph" w:styleId="Child"><w:basedOn w:val="Own"/></w:style>'
        '<w:style w:type="paragraph" w:styleId="Loop"><w:basedOn w:val="Loop"/></w:style>'
    )
    body = "".join(_p(f'<w:pPr><w:pStyle w:val="{name}"/></w:pPr>{_said(name)}') for name in ("Own", "Child", "Loop"))
    assert _text(_item("a") + body, numbering=numbering, styles=styles).split("\n") == [
        "- a",
        "- Own",
        "- Child",
        "Loop",
    ]


def test_deleted_rows_are_left_out() -> None:
    row = "<w:tr>{}<w:tc>{}</w:tc></w:tr>"
    gone = row.format('<w:trPr><w:del w:id="1"/></w:trPr>', _p(_said("gone")))
    assert _text(f"<w:tbl>{row.format('', _p(_said('kept')))}{gone}</w:tbl>") == "kept"


def test_a_deep_formula_is_read_once() -> None:
    steps = 60
    nested = "<m:d><m:e>" * steps + "<m:r><m:t>x</m:t></m:r>" + "</m:e></m:d>" * steps
    assert _text(_p(f"<m:oMath>{nested}</m:oMath>")) == "(" * steps + "x" + ")" * steps


def test_a_file_with_macros_is_read_too() -> None:
    written, kind = io.BytesIO(), b"application/vnd.ms-word.document.macroEnabled.main+xml"
    with zipfile.ZipFile(io.BytesIO(word("text"))) as old, zipfile.ZipFile(written, "w") as new:
        for entry in old.namelist():
            new.writestr(entry, old.read(entry).replace(f"{_KINDS}.document.main+xml".encode(), kind))
    assert read_document(written.getvalue(), "a.docm", None, most_characters=99).text == "text"


def _looks(look: str, text: str) -> str:
    return _run(f"<w:rPr>{look}</w:rPr><w:t>{text}</w:t>")


def _raised(text: str, how: str = "superscript") -> str:
    return _looks(f'<w:vertAlign w:val="{how}"/>', text)


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (_said("10") + _raised("6") + _said(" m") + _raised("-2"), "10⁶ m⁻²"),
        (
            _said("H") + _raised("2", "subscript") + _said("O, 2") + _raised("n") + _said(", 1") + _raised("st"),
            "H₂O, 2^n, 1st",
        ),
        (
            _said("e") + _raised("x+1") + _said(" m") + _raised("2.5") + _said(" a") + _raised("n-1", "subscript"),
            "e^(x+1) m^(2.5) a_(n-1)",
        ),
        (_said("10") + _raised("-") + _raised("3") + _said(" SO") + _raised("4", "subscript"), "10⁻³ SO₄"),
        (_said("Fe") + _raised("3+") + _said(" Cl") + _raised("−") + _said(" SO4") + _raised("2-"), "Fe³⁺ Cl⁻ SO4²⁻"),
        (_looks('<w:rFonts w:ascii="Symbol"/>', "\uf061\uf03d\uf035"), "α=5"),
        (_looks('<w:rFonts w:ascii="Wingdings" w:hAnsi="Wingdings"/>', "\uf0fc"), "✓"),
        (_run("<w:pict><v:textpath string='DRAFT'/></w:pict>"), "DRAFT"),
    ],
)
def test_how_a_run_looks_may_say_something(body: str, text: str) -> None:
    assert _text(_p(body)).strip() == text


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ('<w:checkBox><w:default w:val="0"/><w:checked/></w:checkBox>', "☒"),
        ('<w:checkBox><w:default w:val="0"/></w:checkBox>', "☐"),
        ('<w:ddList><w:result w:val="1"/><w:listEntry w:val="Red"/><w:listEntry w:val="Blue"/></w:ddList>', "Blue"),
        ('<w:ddList><w:listEntry w:val="Red"/></w:ddList>', "Red"),
    ],
)
def test_old_forms_say_what_was_chosen(form: str, text: str) -> None:
    field = _run(f'<w:fldChar w:fldCharType="begin"><w:ffData>{form}</w:ffData></w:fldChar>')
    assert _text(_p(field)).strip() == text


def test_words_beside_paragraphs_are_read() -> None:
    chosen = f"<mc:AlternateContent><mc:Choice>{_p(_said('new'))}</mc:Choice><mc:Fallback/></mc:AlternateContent>"
    formula = f"<m:oMathPara><m:oMath>{_POWER}</m:oMath></m:oMathPara>"
    assert _text(f"{chosen}{formula}<w:altChunk/>").strip().split("\n") == [
        "new",
        "x^2",
        "[a part in another format is not read]",
    ]


def test_a_chart_tells_its_figures() -> None:
    chart = "<c:c xmlns:c='c' xmlns:a='a'><a:t>Sales</a:t><c:v>2024</c:v><c:v>17.5</c:v></c:c>"
    assert "[chart: Sales; 2024; 17.5]" in _text(_p(_said("see")), chart=chart)
