"""Formatted text for a terminal: the words, and as much of their shape as plain lines can carry.

The text of a growing message only grows, so that a draft can be shown as it comes.
"""

from html.parser import HTMLParser

HEADINGS = {f"h{level}": "#" * level + " " for level in range(1, 7)}
SPACED = frozenset({"p", "pre", "ul", "ol", "table", "blockquote", "details", *HEADINGS})
BLOCKS = SPACED | {"tr", "li", "summary", "footer"}


def from_html(html: str) -> str:
    """The text of a rich message's HTML."""
    renderer = _Renderer()
    renderer.feed(html)
    renderer.close()
    return renderer.text()


class _Renderer(HTMLParser):
    """Writes lines: a block starts on a line of its own, list items and quotes get their marks."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._lines = [""]
        self._mark = ""
        self._lists: list[int | None] = []
        self._quotes = 0
        self._links: list[str] = []

    def text(self) -> str:
        """What was written, without empty lines around it."""
        return "\n".join(self._lines).strip("\n")

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Open a block, or mark what comes."""
        if tag in BLOCKS:
            self._open_line(gap=tag in SPACED and not self._lists and not self._quotes)
        match tag:
            case "br":
                self._new_line()
            case "hr":
                self._open_line()
                self._write("---")
                self._new_line()
            case "blockquote":
                self._quotes += 1
            case "ul" | "ol":
                self._lists.append(int(dict(attrs).get("start") or 1) if tag == "ol" else None)
            case "li":
                self._open_item()
            case "td" | "th":
                self._write(" | " if self._lines[-1] else "")
            case "a":
                self._links.append(dict(attrs).get("href") or "")
            case _:
                self._mark += HEADINGS.get(tag, "")

    def handle_endtag(self, tag: str) -> None:
        """Close a block; a link's address follows its words."""
        if tag == "blockquote":
            self._quotes -= 1
        elif tag in ("ul", "ol") and self._lists:
            self._lists.pop()
        elif tag == "a" and self._links:
            address = self._links.pop()
            self._write(f" ({address})" if address and not self._lines[-1].endswith(address) else "")
        if tag in BLOCKS:
            self._open_line()

    def handle_data(self, data: str) -> None:
        """Write words."""
        first, *rest = data.split("\n")
        self._write(first)
        for line in rest:
            self._new_line()
            self._write(line)

    def _open_item(self) -> None:
        number = self._lists[-1] if self._lists else None
        self._open_line()
        self._mark = "  " * (len(self._lists) - 1) + ("- " if number is None else f"{number}. ")
        if number is not None:
            self._lists[-1] = number + 1

    def _write(self, text: str) -> None:
        if text and not self._lines[-1]:
            self._lines[-1] = "> " * self._quotes + self._mark
            self._mark = ""
        self._lines[-1] += text

    def _new_line(self) -> None:
        self._lines.append("")

    def _open_line(self, gap: bool = False) -> None:
        if self._lines[-1]:
            self._new_line()
        if gap and len(self._lines) > 1 and self._lines[-2]:
            self._new_line()
