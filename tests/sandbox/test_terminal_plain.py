from itertools import pairwise

import pytest

from sandbox.terminal.screen import from_html


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
