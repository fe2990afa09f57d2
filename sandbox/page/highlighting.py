"""The colors of a block of code, in a bounded time.

Lexers read some texts again from each character on, so their time is bounded; and since a single step of some takes
minutes, only well-known languages are colored, in which no step of what was tried took long.
"""

import io
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from html import escape
from typing import Final

from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name
from pygments.token import _TokenType
from pygments.util import ClassNotFound

LONGEST: Final = 10_000
"""The longest block that is colored, in characters."""
MOST_S: Final = 0.2
"""The most of this thread's time for one block."""
_NAMES = (
    "bash c cpp csharp css dart diff docker go haskell html java javascript json kotlin lua make markdown nginx perl "
    "php powershell python ruby rust scala splus sql swift toml typescript xml yaml"
)
LANGUAGES: Final = frozenset(_NAMES.split(" "))
_FORMATTER = HtmlFormatter[str](nowrap=True)


def highlighted(source: str, language: str) -> str:
    """The code as HTML: with its colors, or without if the language isn't known or it would take too long."""
    if language and len(source) <= LONGEST:
        with suppress(ClassNotFound, TimeoutError):
            return _colored(source, language)
    return escape(source)


def _colored(source: str, language: str) -> str:
    lexer = get_lexer_by_name(language, stripnl=False)
    if lexer.aliases[0] not in LANGUAGES:
        raise ClassNotFound
    written = io.StringIO()
    _FORMATTER.format(_in_time(lexer.get_tokens(source)), written)
    return written.getvalue()


def _in_time(tokens: Iterable[tuple[_TokenType, str]]) -> Iterator[tuple[_TokenType, str]]:
    """The tokens; raises TimeoutError if they take too long."""
    last = time.thread_time() + MOST_S
    for token in tokens:
        if time.thread_time() > last:
            raise TimeoutError
        yield token
