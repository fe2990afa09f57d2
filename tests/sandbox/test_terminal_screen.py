"""What the terminal shows of growing answers, and rich messages as plain lines."""

import io
from itertools import pairwise

import pytest

from sandbox.terminal.screen import PlainOutput, Screen, from_html


class Rows:
    """What a terminal shows: lines for good, and one that still grows."""

    def __init__(self) -> None:
        self.printed: list[str] = []
        self.growing = ""

    def print(self, text: str) -> None:
        self.printed += text.split("\n")

    def grow(self, line: str) -> None:
        self.growing = line


@pytest.fixture
def rows() -> Rows:
    return Rows()


@pytest.fixture
def live(rows: Rows, monkeypatch: pytest.MonkeyPatch) -> Screen:
    monkeypatch.setenv("COLUMNS", "21")
    return Screen(rows, live=True)


@pytest.fixture
def output() -> io.StringIO:
    return io.StringIO()


def test_growing_line_is_replaced_until_it_ends(live: Screen, rows: Rows) -> None:
    live.draft("bot> one")
    assert rows.growing == "bot> one"
    live.draft("bot> one two")
    assert (rows.printed, rows.growing) == ([], "bot> one two")
    live.message("bot> one two three")
    assert (rows.printed, rows.growing) == (["bot> one two three"], "")


def test_completed_line_is_not_printed_again(live: Screen, rows: Rows) -> None:
    live.draft("first line\nsec")
    live.draft("first line\nsecond line\nthi")
    assert (rows.printed, rows.growing) == (["first line", "second line"], "thi")
    live.message("first line\nsecond line\nthird")
    assert rows.printed == ["first line", "second line", "third"]


def test_long_line_is_wrapped_at_blanks(live: Screen, rows: Rows) -> None:
    live.draft("twenty columns are all there is here")
    assert (rows.printed, rows.growing) == (["twenty columns are "], "all there is here")


def test_wide_letters_take_two_columns(live: Screen, rows: Rows) -> None:
    live.message("记" * 11)
    assert rows.printed == ["记" * 10, "记"]


def test_a_message_unlike_its_draft_is_printed_whole(live: Screen, rows: Rows) -> None:
    live.draft("a\nb\nc")
    live.message("A\nb\nc")
    assert rows.printed == ["a", "b", "c", "A", "b", "c"]


def test_draft_changing_printed_lines_waits_for_message(live: Screen, rows: Rows) -> None:
    live.draft("a\nb\nc")
    live.draft("A\nb\nc\nd")
    assert (rows.printed, rows.growing) == (["a", "b"], "c")


def test_a_note_leaves_the_draft_growing(live: Screen, rows: Rows) -> None:
    live.draft("a\nb")
    live.note("by the way")
    live.draft("a\nb c")
    assert (rows.printed, rows.growing) == (["a", "by the way"], "b c")


def test_ended_draft_does_not_continue(live: Screen, rows: Rows) -> None:
    live.draft("a\nb")
    live.end_draft()
    assert (rows.printed, rows.growing) == (["a", "b"], "")
    live.message("a\nb c")
    assert rows.printed == ["a", "b", "a", "b c"]


def test_without_a_terminal_only_final_lines_are_printed(output: io.StringIO) -> None:
    screen = Screen(PlainOutput(output), live=False)
    screen.draft("bot> gro")
    screen.message("bot> grown, and longer than a row would be " + "x" * 100)
    screen.note("bye")
    assert output.getvalue() == "bot> grown, and longer than a row would be " + "x" * 100 + "\nbye\n"


def test_an_answer_cannot_steer_the_terminal(output: io.StringIO) -> None:
    Screen(PlainOutput(output), live=False).message("a\x1b[2Jb\r\x07\tc")
    assert output.getvalue() == "a\ufffd[2Jb\ufffd\ufffd    c\n"


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("plain &lt;b&gt; &amp; simple", "plain <b> & simple"),
        ("<p><b>bold</b> <i>and</i> <code>code</code></p>", "bold and code"),
        ("<h2>Title</h2><p>one</p><p>two<br/>three</p>", "## Title\n\none\n\ntwo\nthree"),
        ("<ul><li>a</li><li><p>b</p></li></ul>", "- a\n- b"),
        ('<ol start="3"><li>c<ul><li>inner</li></ul></li><li>d</li></ol>', "3. c\n  - inner\n4. d"),
        ('<pre><code class="language-py">if a:\n    b</code></pre>', "if a:\n    b"),
        ("<table><tr><th>A</th><th>B</th></tr><tr><td>1</td><td>2</td></tr></table>", "A | B\n1 | 2"),
        ("<blockquote><p>said<br/>so</p></blockquote><p>yes</p>", "> said\n> so\n\nyes"),
        ('<a href="https://example.org/a">there</a>', "there (https://example.org/a)"),
        ('<a href="https://example.org/a">https://example.org/a</a>', "https://example.org/a"),
        ("<tg-thinking>Thinking...</tg-thinking>", "Thinking..."),
        ("above<hr/>below", "above\n---\nbelow"),
        ("</ul></a>stray ends", "stray ends"),
    ],
)
def test_formatted_text_becomes_plain_lines(html: str, text: str) -> None:
    assert from_html(html) == text


def test_a_growing_message_only_grows() -> None:
    parts = ["<h1>T</h1>", "<p>one", " two</p>", "<ul><li>a", "</li><li>b</li></ul>", "<p>end</p>"]
    shown = [from_html("".join(parts[:count])) for count in range(1, len(parts) + 1)]
    assert all(later.startswith(earlier) for earlier, later in pairwise(shown))
