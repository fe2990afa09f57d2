"""What the terminal shows of growing answers, and rich messages as plain lines."""

import io
from itertools import pairwise

import pytest

from sandbox.terminal.screen import CLEAR_LINE, PROMPT, Screen, from_html


@pytest.fixture
def output() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def live(output: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> Screen:
    monkeypatch.setenv("COLUMNS", "21")
    return Screen(output, live=True)


def test_a_growing_line_is_redrawn_in_place(live: Screen, output: io.StringIO) -> None:
    live.draft("bot> one")
    live.draft("bot> one two")
    live.message("bot> one two three")
    assert output.getvalue() == (f"{CLEAR_LINE}bot> one{CLEAR_LINE}bot> one two{CLEAR_LINE}bot> one two three\n")


def test_completed_line_is_not_printed_again(live: Screen, output: io.StringIO) -> None:
    live.draft("first line\nsec")
    live.draft("first line\nsecond line\nthi")
    live.message("first line\nsecond line\nthird")
    assert output.getvalue().count("first") == 1
    assert output.getvalue().endswith(f"{CLEAR_LINE}third\n")


def test_long_line_is_wrapped_at_blanks(live: Screen, output: io.StringIO) -> None:
    live.draft("twenty columns are all there is here")
    assert output.getvalue() == f"{CLEAR_LINE}twenty columns are \nall there is here"


def test_wide_letters_take_two_columns(live: Screen, output: io.StringIO) -> None:
    live.message("记" * 11)
    assert output.getvalue() == CLEAR_LINE + "记" * 10 + "\n记\n"


def test_a_message_unlike_its_draft_is_printed_whole(live: Screen, output: io.StringIO) -> None:
    live.draft("a\nb\nc")
    live.message("A\nb\nc")
    assert output.getvalue().endswith(f"\n{CLEAR_LINE}A\nb\nc\n")


def test_draft_changing_scrolled_lines_waits_for_message(live: Screen, output: io.StringIO) -> None:
    live.draft("a\nb\nc")
    shown = output.getvalue()
    live.draft("A\nb\nc\nd")
    assert output.getvalue() == shown


def test_a_note_interrupts_a_draft_for_a_line(live: Screen, output: io.StringIO) -> None:
    live.draft("a\nb")
    live.note("by the way")
    live.draft("a\nb c")
    assert output.getvalue() == f"{CLEAR_LINE}a\nb\n{CLEAR_LINE}by the way\n{CLEAR_LINE}b c"


def test_ended_draft_does_not_continue(live: Screen, output: io.StringIO) -> None:
    live.draft("a\nb")
    live.end_draft()
    live.message("a\nb c")
    assert output.getvalue() == f"{CLEAR_LINE}a\nb\n{CLEAR_LINE}a\nb c\n"


def test_the_prompt_waits_while_an_answer_grows(live: Screen, output: io.StringIO) -> None:
    live.prompt()
    live.draft("bot> hm")
    live.prompt()
    assert output.getvalue() == f"{CLEAR_LINE}{PROMPT}{CLEAR_LINE}bot> hm"


def test_without_a_terminal_only_final_lines_are_printed(output: io.StringIO) -> None:
    screen = Screen(output, live=False)
    screen.prompt()
    screen.draft("bot> gro")
    screen.message("bot> grown, and longer than a row would be " + "x" * 100)
    screen.note("bye")
    assert output.getvalue() == "bot> grown, and longer than a row would be " + "x" * 100 + "\nbye\n"


def test_an_answer_cannot_steer_the_terminal(output: io.StringIO) -> None:
    Screen(output, live=False).message("a\x1b[2Jb\r\x07\tc")
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
