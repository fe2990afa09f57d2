import os
from pathlib import Path

import pytest

from sandbox.terminal.session import Lines, typed


async def test_lines_come_in_order_and_end_with_none() -> None:
    reading, writing = os.pipe()
    lines = Lines(reading)
    os.write(writing, b"one\ntw")
    assert await lines.next() == "one"
    os.write(writing, "o\r\nünended".encode())
    assert await lines.next() == "two"
    os.close(writing)
    assert [await lines.next(), await lines.next()] == ["ünended", None]
    os.close(reading)


async def test_a_file_is_read_like_a_pipe(tmp_path: Path) -> None:
    path = tmp_path / "typed"
    path.write_text("hello\n\n/reset\n")
    with path.open("rb") as file:
        lines = Lines(file.fileno())
        assert [await lines.next() for _ in range(4)] == ["hello", "", "/reset", None]


@pytest.mark.parametrize(
    ("line", "meant"),
    [
        ("\x1b[A", ""),
        ("hel\x1b[D\x1b[1;5Clo", "hello"),
        ("\x1bOP\x1b[15~ok\x1b[200~pasted\x1b[201~", "okpasted"),
        ("[A is no key", "[A is no key"),
        ("end\x1b", "end"),
    ],
)
def test_arrow_keys_are_not_words(line: str, meant: str) -> None:
    assert typed(line) == meant
