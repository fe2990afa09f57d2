"""The contents of an error body, whatever its format, without anything repeated from the prompt.

Servers send an object, a list of one (Gemini), a string instead of an object (xAI, LM Studio), an object instead of a
string (Mistral), FastAPI's ``detail``, an HTML page, another server's JSON inside a string (LiteLLM, OpenRouter), or
nothing. What is read is bounded. Text that repeats the request is dropped, because a user's own words must neither
decide how an error is classified nor reach the log.
"""

import ast
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html import unescape

from bot.llm.answer_stream import clean_text

MOST_CHARACTERS = 2000
"""The longest text kept from one error."""
MOST_BYTES = 2**22
"""The most bytes read of a body: some servers echo the pictures they were sent."""
MOST_DEPTH = 8
MOST_NODES = 200
LONGEST_WORD = 200
"""A longer run of non-blank characters is data, not a word."""
HIDDEN = "[hidden]"
_WORDS = (
    *("error", "errors", "message", "msg", "detail", "details", "title", "description", "reason", "reasons", "cause"),
    *("error_description", "error_message", "error_msg", "errormessage", "errormsg", "error_details", "status_msg"),
    *(
        "metadata",
        "raw",
        "headers",
        "innererror",
        "inner_error",
        "inner",
        "base_resp",
        "fault",
        "faultstring",
        "response",
        "result",
        "data",
    ),
)
"""Keys whose values explain the error; any other key may hold parts of the request."""
_WRAPS = ("value",)
"""Vercel's gateway puts another server's unparsed error here. Only objects are read: a string may be the request."""
_CODES = (
    "code",
    "type",
    "status",
    "error_code",
    "errorcode",
    "status_code",
    "http_code",
    "reason",
    "error_type",
    "__type",
)
_FIELDS = ("param", "params", "loc", "parameter", "field", "property")
_DELAYS = (
    "retrydelay",
    "retry_after",
    "retryafter",
    "retry-after",
    "retry_after_seconds",
    "retry_after_s",
    "resets_in_seconds",
)
_WINDOWS = ("n_ctx", "context_length", "max_context_length", "context_window", "max_model_len", "max_input_tokens")
_SAID = re.compile(r'"(?:message|msg|detail|error)"\s*:\s*"((?:[^"\\]|\\.){1,2000})')
_SECRET = re.compile(
    r"\bbearer\s+[\w.~+/=-]{8,}|\b(?:sk|gsk|xai|pplx|hf|r8|nvapi|csk|fw|tgp|api[_-]?key)[-_][\w-]{12,}|\bAIza[\w-]{20,}",
    re.IGNORECASE,
)
_DATA = re.compile(rf"\S{{{LONGEST_WORD},}}")
_PAGE = re.compile(r"^\s*(?:<\?xml[^>]{0,200}>\s*)?<(?:!doctype|html|head|body|title|center|h1|pre)\b", re.IGNORECASE)
_HIDDEN_TAGS = re.compile(r"<(script|style)\b.*?(?:</\1\s*>|\Z)", re.IGNORECASE | re.DOTALL)
_TAG = re.compile(r"<[^<>]{0,2000}>")
# Pydantic repeats its input inside the text of a validation error.
_REPEATED = re.compile(
    r"""(?:(['"])input\1\s*:|\binput_value\s*=).*?(?=,\s*(?:(['"])(?:url|ctx|type|loc|msg)\2\s*:|input_type\s*=)|\Z)""",
    re.DOTALL,
)
LENGTH = 12
"""A run of this many characters that also occurs in the prompt is taken to be quoted from it."""
WIDE, A_WIDE = "\u2e80", 3
"""Characters from WIDE on are syllables or words and count as A_WIDE letters each."""
MOST = 20_000
"""Characters of the prompt that are compared, counted from its end and again from its beginning."""
LEFT_OUT = "[...]"


@dataclass(slots=True)
class ErrorDetails:
    """What could be extracted from an error."""

    texts: dict[str, None] = field(default_factory=dict)
    """Its distinct messages, in order (a dict as an ordered set)."""
    pages: dict[str, None] = field(default_factory=dict)
    """Text from HTML pages, which a proxy wrote rather than the model server."""
    codes: dict[str, None] = field(default_factory=dict)
    """Codes, types and statuses, in lower case."""
    fields: dict[str, None] = field(default_factory=dict)
    """Names of the request fields it complains about."""
    delay: str = ""
    """The wait it asks for, from a dedicated field."""
    window: int | None = None
    """The maximum prompt length in tokens, from a dedicated field."""
    nodes: int = 0

    @property
    def words(self) -> str:
        """The messages on one line."""
        return _bounded(self.texts)

    @property
    def everything(self) -> str:
        """Messages and page texts on one line, with secrets masked, for the log."""
        return _SECRET.sub(HIDDEN, _bounded([*self.texts, *self.pages]))


def details_in(*bodies: object) -> ErrorDetails:
    """Extract the details from one or more bodies of the same error."""
    found = ErrorDetails()
    for body in bodies:
        _read(body, found, 0, known=False)
    return found


def decode_body(content: bytes) -> object:
    """Decode a body: JSON, the messages of truncated JSON, or else plain text."""
    text = content[:MOST_BYTES].decode("utf-8", "replace")
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        said = _SAID.findall(text[: 32 * MOST_CHARACTERS]) if text.lstrip().startswith(("{", "[{")) else []
        return {"errors": said} if said else text


def _read(value: object, found: ErrorDetails, depth: int, *, known: bool) -> None:
    """`known`: the value is under a key that explains the error."""
    found.nodes += 1
    if depth > MOST_DEPTH or found.nodes > MOST_NODES:
        return
    if isinstance(value, bytes | bytearray):
        value = bytes(value[: 4 * MOST_CHARACTERS]).decode("utf-8", "replace")
    if isinstance(value, str):
        _read_text(value, found, depth)
    elif isinstance(value, Mapping):
        _read_mapping(value, found, depth, known=known)
    elif isinstance(value, list | tuple):
        for item in value[:MOST_NODES]:
            if isinstance(item, str | Mapping | list):
                _read(item, found, depth + 1, known=known)


def _read_mapping(value: Mapping[object, object], found: ErrorDetails, depth: int, *, known: bool) -> None:
    fields = {str(key).lower(): item for key, item in list(value.items())[:MOST_NODES]}
    for key in _CODES:
        code = fields.get(key)
        if isinstance(code, str | int) and not isinstance(code, bool) and 0 < len(str(code)) < LONGEST_WORD:
            found.codes[clean_text(str(code)).strip().lower()] = None
    for key in _FIELDS:
        place = fields.get(key)
        for name in place if isinstance(place, list | tuple) else [place]:
            if isinstance(name, str) and 0 < len(name) < LONGEST_WORD:
                found.fields[clean_text(name)] = None
    for key in _DELAYS:
        if isinstance(fields.get(key), str | int | float):
            found.delay = found.delay or str(fields[key])
    found.window = found.window or next((size for key in _WINDOWS if type(size := fields.get(key)) is int), None)
    wanted = [fields[key] for key in _WORDS if fields.get(key) not in (None, "", [], {})]
    wanted += [fields[key] for key in _WRAPS if isinstance(fields.get(key), Mapping)]
    if not wanted and not known:  # an unknown format: use its strings, but nothing nested
        wanted = [item for item in fields.values() if isinstance(item, str)]
    for item in wanted:
        _read(item, found, depth + 1, known=True)


def _read_text(text: str, found: ErrorDetails, depth: int) -> None:
    text = text[: 32 * MOST_CHARACTERS]
    if _PAGE.match(text):
        bare = unescape(_TAG.sub(" ", _HIDDEN_TAGS.sub(" ", text)))
        found.pages[_clean(bare)] = None
        return
    start = min((at for at in (text.find("{"), text.find("[{")) if at >= 0), default=-1)
    inner = _inside(text[start:]) if start >= 0 else None
    if inner is not None:
        text = text[:start]
    if clean := _clean(_REPEATED.sub("", text)):
        found.texts[clean] = None
    if inner is not None:
        _read(inner, found, depth + 1, known=False)


def _inside(text: str) -> object:
    """The JSON or Python literal that the text starts with, or None."""
    try:
        value, _ = json.JSONDecoder().raw_decode(text)
    except (ValueError, RecursionError):
        value = _literal(text)
    return value if isinstance(value, Mapping | list) else None


def _literal(text: str) -> object:
    """A dict printed by a gateway written in Python."""
    end = max(text.rfind("}"), text.rfind("]")) + 1
    try:
        return ast.literal_eval(text[: min(end, 4 * MOST_CHARACTERS)])
    except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
        return None


def _clean(text: str) -> str:
    return " ".join(_DATA.sub("[...]", clean_text(text[: 4 * MOST_CHARACTERS])).split())[:MOST_CHARACTERS]


def _bounded(texts: Iterable[str]) -> str:
    return "; ".join(texts)[:MOST_CHARACTERS]


def redact_prompt(prompt: Sequence[str], text: str) -> str:
    """Replace the parts of a text that also occur in the prompt; whitespace and punctuation are ignored."""
    compacted = _compact(text)[0]
    if len(compacted) < LENGTH:
        return text
    ours = set(_pieces(prompt))
    starts = [at for at in range(len(compacted) - LENGTH + 1) if compacted[at : at + LENGTH] in ours]
    return _cut(text, starts) if starts else text


def _pieces(prompt: Sequence[str]) -> Iterator[str]:
    for ordered in (prompt, prompt[::-1]):
        left = MOST
        for text in ordered:
            words = _compact(text[:left])[0][:left]
            yield from (words[at : at + LENGTH] for at in range(len(words) - LENGTH + 1))
            left -= max(len(text), len(words))
            if left <= 0:
                break


def _compact(text: str) -> tuple[str, list[int]]:
    """The text's letters and digits in lower case, and the position of each in the text."""
    letters = [
        (small, at)
        for at, letter in enumerate(text)
        if letter.isalnum()
        for small in letter.lower() * (A_WIDE if letter >= WIDE else 1)
    ]
    return "".join(small for small, _ in letters), [at for _, at in letters]


def _cut(text: str, starts: Sequence[int]) -> str:
    places = _compact(text)[1]
    gone = [False] * len(text)
    for start in starts:
        first, last = places[start], places[start + LENGTH - 1]
        gone[first : last + 1] = [True] * (last + 1 - first)
    left = ""
    for at, letter in enumerate(text):
        if not gone[at]:
            left += letter
        elif not left.endswith(LEFT_OUT):
            left += LEFT_OUT
    return left
