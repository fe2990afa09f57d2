"""Detection of formulas: which dollars and brackets of a text enclose mathematics, rather than money or variables.

A dollar opens a formula where no word ends and closes it where no word begins, and the content must look like
mathematics. In doubt the dollars stay: a formula with dollars is readable, a price without them isn't.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

_TOKEN = re.compile(r"\n[ \t>]*(?=\n)|\\[\s\S]|\$+")
_BRACKETS = {r"\(": "$", r"\[": "$$"}
_CLOSES = {r"\)": r"\(", r"\]": r"\["}
_MOST_CONTENT = 2000
"""The longest formula in characters."""

_COMMAND = re.compile(r"\\(?:[A-Za-z]{2,}|[{},;!|%$])")
_INDEX = re.compile(r"[_^](?:\{[^{}]{1,40}\}|[0-9A-Za-z+-])")
_NUMBER = re.compile(r"[+-]?[\d.,]*\d%?")
_LETTERS = re.compile(r"[^\W\d_]+")
_GREEK = re.compile(r"[\u0370-\u03ff]+")
_RELATION = re.compile(r"[=<>^≤≥≠≈≡∈→⇒⇔]|(?<![A-Za-z])[A-Za-z]{1,2}_[0-9A-Za-z{]|[)}\]]_[0-9A-Za-z{]")
_OPERATION = re.compile(r"[\w)\]}!|'²³] ?[-+*/·×÷±−∙] ?[-\w(\[{|√]")  # noqa: RUF001  # the signs of mathematics
_SMALL_WORD = re.compile(r"(?<![A-Za-z])[a-z]{2}(?![A-Za-z(])")
_NAMES = frozenset(
    [
        "sin",
        "cos",
        "tan",
        "cot",
        "sec",
        "csc",
        "log",
        "exp",
        "max",
        "min",
        "lim",
        "mod",
        "gcd",
        "lcm",
        "det",
        "dim",
        "ker",
        "deg",
        "arg",
        "sup",
        "inf",
        "sgn",
    ]
)
_NEVER_FIRST = frozenset("/*,.;:!?%&)]}~@#'\"`")
_NEVER_LAST = frozenset('/=,.;:?&([{<>\\~@#"`_^')
_SIGNS = frozenset("+-*")
_QUOTES = re.compile(r'["`“”«»]|</|://|&&|;')
_LOOSE = re.compile(r"[\\^_={}+<>]|^\s*[A-Za-z]\s*$")  # other content of escaped brackets is prose
_PATTERN = re.compile(r"\\[dDwWsSbB](?![A-Za-z])|\[\^|(?<![\^_{])[*+?]\s*$")
"""Occurs in regular expressions and not in mathematics."""
_MANY = 3
"""Letters that make a word."""


@dataclass(frozen=True, slots=True)
class Formula:
    """A formula with its delimiters."""

    start: int
    end: int
    content: str
    mark: str
    """`$`, or `$$` for a displayed formula."""
    dollars: int
    """How many of the delimiting characters are dollars."""


def find_formulas(text: str) -> Iterator[Formula]:
    """The formulas in a text without code, in order."""
    dollars: tuple[int, int] | None = None
    bracket: tuple[int, str] | None = None
    for token in _TOKEN.finditer(text):
        sign, found = token[0], None
        if sign[0] == "\n":
            dollars = bracket = None
        elif sign[0] == "$":
            if dollars is not None and dollars[1] == len(sign):
                found = _between_dollars(text, dollars[0], token.start(), len(sign))
            if found is None:
                dollars = (token.start(), len(sign)) if len(sign) <= len("$$") else None
        elif sign in _BRACKETS:
            bracket = (token.start(), sign)
        elif bracket is not None and _CLOSES.get(sign) == bracket[1]:
            found = _between_brackets(text, bracket[0], token.start(), _BRACKETS[bracket[1]])
            bracket = None
        if found is not None:
            dollars = bracket = None
            yield found


def _between_dollars(text: str, start: int, close: int, length: int) -> Formula | None:
    content = text[start + length : close]
    if len(content) > _MOST_CONTENT or not content.strip():
        return None
    before, after = text[start - 1 : start], text[close + length :][:3] if length == 1 else text[close + length :][:1]
    return (
        Formula(start, close + length, content, "$" * length, 2 * length)
        if _may_stand(content, before, after) and (length > 1 or content == content.strip()) and _is_formula(content)
        else None
    )


def _between_brackets(text: str, start: int, close: int, mark: str) -> Formula | None:
    content = text[start + len(r"\(") : close]
    if len(content) > _MOST_CONTENT or "$" in content or not _LOOSE.search(content) or _PATTERN.search(content):
        return None
    return Formula(start, close + len(r"\)"), content, mark, 0)


def _may_stand(content: str, before: str, after: str) -> bool:
    """Whether dollars in this place can delimit a formula."""
    if _INDEX.fullmatch(content):  # H$_2$O
        return True
    if _is_of_word(before) or after[:1] == "{" or (after[:1] == "(" and content[0] == "("):
        return False
    is_ordinal = after[:2] == "th" and not _is_of_word(after[2:3])
    return not _is_of_word(after[:1]) or (len(content) == 1 and is_ordinal)


def _is_of_word(character: str) -> bool:
    return character.isascii() and character.isalnum()


def _is_formula(content: str) -> bool:
    """Whether the content looks like mathematics."""
    content = content.strip()
    if not content or not _is_balanced(content) or content[0] in _NEVER_FIRST or content[:2] in ("^ ", "_ "):
        return False
    if content[-1] in _NEVER_LAST or (content[-1] in _SIGNS and content[-2:-1] not in ("^", "_")):
        return False
    if _COMMAND.search(content) or _INDEX.fullmatch(content):
        return True
    if _QUOTES.search(content) or (content.count("|") % 2 and "|" in (content[0], content[-1])):
        return False
    words = [letters for letters in _LETTERS.findall(content) if _is_word(letters)]
    if words:
        return content[0] != "{" and _RELATION.search(content) is not None
    if _NUMBER.fullmatch(content) or _RELATION.search(content):
        return True
    if _OPERATION.search(content) and not _SMALL_WORD.search(content):
        return True
    return " " not in content.replace(", ", ",") and (content[0] in "([" or _LETTERS.search(content) is not None)


def _is_word(letters: str) -> bool:
    if letters.isascii():
        return len(letters) >= _MANY and letters not in _NAMES
    return _GREEK.fullmatch(letters) is None or len(letters) >= _MANY


def _is_balanced(content: str) -> bool:
    """Whether brackets are balanced; an interval may be half open."""
    depth = 0
    for sign in content:
        depth += (sign in "([{") - (sign in ")]}")
        if depth < 0:
            return False
    return depth == 0
