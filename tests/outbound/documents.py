"""Random markdown whose every word is another, so that a test can tell what is missing, double or out of order."""

import random
import re
from collections.abc import Callable, Iterable

WORD = re.compile(r"w\d+")


def words(text: str) -> list[str]:
    return WORD.findall(text)


def first_seen(texts: Iterable[str]) -> list[str]:
    """The words in order; a header that a piece repeats counts once."""
    return list(dict.fromkeys(word for text in texts for word in words(text)))


class Document:
    """A document of about so many characters; the same seed gives the same one."""

    def __init__(self, seed: int, size: int) -> None:
        self._random = random.Random(seed)
        self._count = 0
        blocks: list[str] = []
        while sum(map(len, blocks)) < size:
            blocks.append(self._random.choice(self._kinds)())
        self.source = "\n\n".join(blocks)

    @property
    def _kinds(self) -> tuple[Callable[[], str], ...]:
        return (
            self._heading,
            self._paragraph,
            self._wall,
            self._list,
            self._tasks,
            self._code,
            self._code_in_code,
            self._code_in_list,
            self._table,
            self._quote,
        )

    def _word(self) -> str:
        self._count += 1
        return f"w{self._count}"

    def _text(self, count: int) -> str:
        return " ".join(self._random.choice(_DRESS).format(self._word()) for _ in range(count))

    def _lines(self, most: int, indent: str = "") -> str:
        return "\n".join(f"{indent}{self._text(6)}" for _ in range(self._random.randint(1, most)))

    def _heading(self) -> str:
        return "#" * self._random.randint(1, 4) + " " + self._text(4)

    def _paragraph(self) -> str:
        return self._text(self._random.randint(1, 200)) + "."

    def _wall(self) -> str:
        """Chinese has no spaces to cut at."""
        return "".join(f"你好世界{self._word()}" for _ in range(self._random.randint(1, 300)))

    def _list(self) -> str:
        depths = [0, *(self._random.randrange(3) for _ in range(self._random.randint(1, 60)))]
        return "\n".join(f"{'    ' * min(depth, place)}- {self._text(5)}" for place, depth in enumerate(depths))

    def _tasks(self) -> str:
        return f"- [ ] {self._text(3)}\n- [x] {self._text(3)}\n\n***"

    def _code(self) -> str:
        return f"```python\n{self._lines(120, '    ')}\n```"

    def _code_in_code(self) -> str:
        return f"~~~~markdown\n{self._text(3)}\n```js\n{self._lines(60)}\n```\n{self._text(3)}\n~~~~"

    def _code_in_list(self) -> str:
        return (
            f"1. {self._text(2)}\n   - {self._text(2)}\n\n     ```sh\n{self._lines(60, ' ' * 5)}\n     ```\n\n2. next"
        )

    def _table(self) -> str:
        rows = (f"| {self._word()} | **{self._word()}** |" for _ in range(self._random.randint(1, 100)))
        return f"| {self._word()} | {self._word()} |\n|---|:-:|\n" + "\n".join(rows)

    def _quote(self) -> str:
        return self._lines(40, "> ")


_DRESS = (
    "{}",
    "{}",
    "**{}**",
    "_{}_",
    "~~{}~~",
    "`{}`",
    "<b>{}</b>",
    "||{}||",
    "$x^2$ {}",
    r"\(a_1\) {}",
    "🎉{}",
    "👩‍👩‍👧 {}",
    "naïve {}",
    "[{}](https://example.org/a_b?c=d)",
    "1 < 2 {}",
)
