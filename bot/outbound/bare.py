r"""Plain characters that Markdown would take for markup: in a path, a pattern, a product, a name in code.

A model that forgets the backticks writes `C:\_x`, `\d+\.\d+`, `a**b`, `src/**/*.py` or `__init__.py` as they are.
Scripts without spaces put emphasis marks between letters, so they are left alone.
"""

import builtins
import re

from bot.outbound.breaks import UNSPACED

_REACH = 40
"""Bytes or characters examined on either side of a mark."""

_TOKEN = re.compile(r"[!-~\u00a1-\u024f\u0370-\u0dff]+")
_LITERAL_TOKEN = re.compile(
    r"""\\[A-Za-z0-9]                 # escapes nothing
    | ^["'(]*(?:[A-Za-z]:|\.\.?)\\    # C:\x, .\x and ..\x
    | (?:^|[\w%])\\\*\.\w             # dir\*.txt
    | /\\[^\w\s]                      # s/\./_/
    | ^["'(/]*\^ | (?<!\\)\$["'),/]*$      # what else only patterns have
    | (?<!\\)(?:\.[*+]|[\])][*+?{])(?!\*) | \[\^ | \(\?
    | \u00af\\ | ^\\\(\^              # faces""",
    re.VERBOSE,
)
_ESCAPE = re.compile(r"\\([\s\S]?)|[*_]")
_MARKS = "*_~"
_BEHIND_MARKS = ".,;:!?)\"'"

_ADDRESS = re.compile(r"https?://[^\s<>()\[\]`\\]+")
_MARK = re.compile(r"[*_]")
_BEHIND_ADDRESS = "*_.,;:!?"
_ANGRY_FACE = r">(?:[-_.:;^owx]{1,3}[<>]|[:;]['-]?[()\[\]DPO03c/\\|])(?![^\s.,!?])"
_LINE_START = r"(?:[ \t]{0,3}>[ \t])*[ \t]{0,3}(?:(?:[-*+]|[0-9]{1,9}[.)])[ \t]+)?"
_NO_QUOTE = re.compile(rf"^({_LINE_START})(?=>[0-9=]|>>>[ \t]\S|{_ANGRY_FACE})", re.MULTILINE)

_DEFINITION = re.compile(r"^([ \t>]*)(?=\[[^\^\[\]\n][^\[\]\n]{0,200}\]:)", re.MULTILINE)
"""A link definition, whose label, title and position in the text would be lost."""

_ALSO_NAMES = (
    "main all file path version author post_init slots dict weakref func pretty_function attribute asm typename "
    "future pycache builtin builtins annotations tests mocks fixtures snapshots proto linux unix clang"
)
_MACROS = "file line function date time class method dir namespace trait va_args counter timestamp stdc gnuc apple"
_NAMES = frozenset((*_ALSO_NAMES.split(), *_MACROS.split())) | {
    name.strip("_") for one in vars(builtins).values() for name in dir(one) if name.startswith("__")
}
"""Names between double underscores in Python, and in upper case in C and PHP."""
_IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_OF_CODE = re.compile(r".*_|[a-z]{4,}[A-Z]|[a-z]+[0-9]")
"""Has the form of a name in code rather than of a word or a trademark."""
_ATTRIBUTE = re.compile(r"(?:[A-Za-z0-9)\]]\.|\$)\Z")
"""An attribute of an object, or a variable with a dollar sign in PHP, Perl and PowerShell."""
_NAME_AT_END = re.compile(rb"\s(?:\\?_){2}[a-z0-9]+\Z")
_CODE_BEFORE = re.compile(r"[./\\$>:@#%<{&=})\]]\Z|\\\*\Z")
_CODE_AFTER = re.compile(r"\.[A-Za-z]|[(\[/\\]")
_FACE = re.compile(r"(?=[^*_^]*+[*_^])[-*_^.~;<>='\"oO ]++")
_OPERAND_BEFORE = re.compile(rf"[^\W_{UNSPACED}]\Z|[)\]}}`]\Z|[^\W_]_\Z")
_OPERAND_AFTER = re.compile(rf"[^\W{UNSPACED}]|[({{\[$`]")
_INSIDE_WORD_BEFORE = re.compile(r"[A-Za-z0-9][*\\\\]*\Z")
_INSIDE_WORD_AFTER = re.compile(r"\**[A-Za-z0-9]")
_OF_FACES = frozenset("^<>=~;")
_PRODUCT = re.compile(r"(?<=[0-9])\*(?=[0-9])")
_PAIRS = frozenset(["()", "[]", "{}", "<>", '""', "''"])
_NEVER_FIRST = frozenset(",;?)]}")
_BASE = re.compile(r"(?:(?<![^\W_])[A-Za-z]|[0-9)\]])\Z")
_EXPONENT = re.compile(r"[0-9(]|[A-Za-z](?![A-Za-z])")


def escape_plain(text: str) -> str:
    """Escape backslashes of paths and patterns, and marks in addresses; the text contains no code."""
    if "\\" in text:
        text = _TOKEN.sub(_escape_token, text)
    if "*" in text:
        text = _PRODUCT.sub(r"\\*", text)
    if "]:" in text:
        text = _DEFINITION.sub(r"\1\\", text)
    if ">" in text:
        text = _NO_QUOTE.sub(r"\1\\", text)
    return _ADDRESS.sub(_escape_address, text) if "://" in text else text


def is_bare(data: bytes, start: int, end: int, mark: bytes) -> bool:
    """Whether what the parser takes for emphasis between these two bytes is plain text."""
    before = data[max(0, start - _REACH) : start].decode(errors="ignore")
    after = data[end : end + _REACH].decode(errors="ignore")
    length = len(mark)
    whole = end - start - 2 * length <= _REACH
    content = data[start + length : end - length if whole else start + length + _REACH].decode(errors="ignore")
    if not content or (whole and _FACE.fullmatch(content)):
        return True
    if (length == 1 and content[0] in _NEVER_FIRST and len(content) > 1) or before[-1:] + content[0] in _PAIRS:
        return True
    if _spans_words(before, content, after):
        return True
    if mark[:1] == b"_":
        ends_in_name = length > 1 and _NAME_AT_END.search(data[start + length : end - length][-_REACH:])
        return bool(ends_in_name or _ATTRIBUTE.search(before) or (whole and _is_name(before, content, after, length)))
    last = data[end - length - 1 : end - length].decode(errors="ignore")
    if _is_glob(before, content, last == "/", whole) or (before[-1:] == "-" and content[0] == "-"):
        return True
    if content[0] == "." and content[1:2].isalnum() and (not whole or " " in content):
        return True
    return _is_product(before, content, after, last) if length == 1 else _is_power(before, content)


def _is_product(before: str, content: str, after: str, last: str) -> bool:
    """Whether a single asterisk is a wildcard or a multiplication sign."""
    if (before[-1:] == "." and last == ".") or (before[-1:] in ("/", "\\") and before[-2:-1] != "*"):  # .*x.*
        return True
    if last.isalnum() and _INSIDE_WORD_AFTER.match(after) and " " in content:  # *p = a*b
        return True
    return _OPERAND_BEFORE.search(before) is not None and _OPERAND_AFTER.match(content) is not None


def _is_power(before: str, content: str) -> bool:
    return _BASE.search(before) is not None and _EXPONENT.match(content) is not None


def _spans_words(before: str, content: str, after: str) -> bool:
    """Whether the marks are in two different words or emoticons, or only one of them is inside brackets."""
    if _INSIDE_WORD_BEFORE.search(before) and _INSIDE_WORD_AFTER.match(after) and " " in content:
        return True  # f***ing and s**t
    if not before or before[-1].isspace():
        return False
    if before[-1] in _OF_FACES and content[0] in _OF_FACES:
        return True
    closed = content.find(")")
    return closed >= 0 and "(" not in content[:closed]


def _is_glob(before: str, content: str, slash_last: bool, whole: bool) -> bool:
    """Whether the marks are wildcards in a path; `**/start**` and `**src/**` are bold paths."""
    if content[0] == "/":
        return slash_last or content[1:2] in ("*", ".")
    return slash_last and (not whole or " " in content or content[0] in ".*" or before[-1:] == "/")


def _is_name(before: str, content: str, after: str, length: int) -> bool:
    if content[0] == "." and content[1:2].isalpha():
        return True
    if not _IDENTIFIER.fullmatch(content):
        return before[-1:] in ("}", "]", ")") and not content[0].isspace()
    known = content in _NAMES or (content.isupper() and content.lower() in _NAMES)
    if length > 1 and (known or _OF_CODE.match(content)):
        return True
    return _CODE_BEFORE.search(before) is not None or _CODE_AFTER.match(after) is not None


def _escape_token(found: re.Match[str]) -> str:
    token = found[0]
    if "\\" not in token or "](" in token:
        return token
    start, end = len(token) - len(token.lstrip(_MARKS)), len(token)
    rest = token.rstrip(_BEHIND_MARKS)
    if rest[-1:] in _MARKS:
        end = max(start, len(rest.rstrip(_MARKS)))
    if not _LITERAL_TOKEN.search(token[start:end]):
        return token
    return token[:start] + _ESCAPE.sub(_escape, token[start:end]) + token[end:]


def _escape(found: re.Match[str]) -> str:
    sign = found[0]
    if sign[0] != "\\":
        return f"\\{sign}"
    return sign if found[1].isalnum() else rf"\\\{found[1]}" if found[1] else r"\\"


def _escape_address(found: re.Match[str]) -> str:
    body = found[0].rstrip(_BEHIND_ADDRESS)
    return _MARK.sub(r"\\\g<0>", body) + found[0][len(body) :]
