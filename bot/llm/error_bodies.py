"""What the body of an error says, whatever its form.

Servers send an object, a list of one (Gemini), a text in place of the object (xAI, LM Studio), an object in place of
the text (Mistral), FastAPI's `detail`, a page of HTML, another server's JSON inside a text (LiteLLM, OpenRouter), or
nothing. What is taken is bounded, and what repeats the request is left out: a user's own words decide nothing.

What a server repeats of the prompt in the words of an error: it must not reach the log.
"""

import ast
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html import unescape

from bot.llm.answer_stream import whole

MOST_CHARACTERS = 2000
"""What is read of one error, in characters."""
MOST_BYTES = 2**22
"""Of a body: some repeat the pictures that they were sent."""
MOST_DEPTH = 8
MOST_NODES = 200
LONGEST_WORD = 200
"""Characters; what is longer is data."""
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
"""The keys whose values tell what went wrong; all others may hold what was sent."""
_WRAPS = ("value",)
"""Where Vercel's gateway has another server's error that it could not read; elsewhere, as a text, what was sent."""
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
# Pydantic repeats what it was given, in the text of a validation error too.
_REPEATED = re.compile(
    r"""(?:(['"])input\1\s*:|\binput_value\s*=).*?(?=,\s*(?:(['"])(?:url|ctx|type|loc|msg)\2\s*:|input_type\s*=)|\Z)""",
    re.DOTALL,
)
LENGTH = 12
"""So many characters in a row that stand in the prompt too are taken from there, however the server cut them."""
WIDE, A_WIDE = "\u2e80", 3
"""From here on a sign is a syllable or a word, and counts as so many letters."""
MOST = 20_000
"""Characters that are looked through, from the end of the prompt, and as many from its beginning."""
LEFT_OUT = "[...]"


@dataclass(slots=True)
class ErrorDetails:
    """What an error says."""

    texts: dict[str, None] = field(default_factory=dict)
    """Its sentences, each once, in their order."""
    pages: dict[str, None] = field(default_factory=dict)
    """What came as HTML: it is not the model server that speaks there."""
    codes: dict[str, None] = field(default_factory=dict)
    """Codes, types and states, in small letters."""
    fields: dict[str, None] = field(default_factory=dict)
    """The names of what was sent that it is about."""
    delay: str = ""
    """How long to wait, as a field of its own says it."""
    window: int | None = None
    """How long a prompt may be, as a field of its own says it, in tokens."""
    nodes: int = 0

    @property
    def words(self) -> str:
        """What it says, on one line."""
        return _bounded(self.texts)

    @property
    def everything(self) -> str:
        """All of it, for the log: on one line, without keys."""
        return _SECRET.sub(HIDDEN, _bounded([*self.texts, *self.pages]))


def details_in(*bodies: object) -> ErrorDetails:
    """What these bodies of one error say together."""
    found = ErrorDetails()
    for body in bodies:
        _read(body, found, 0, known=False)
    return found


def parsed(content: bytes) -> object:
    """The body of a response: its JSON, the sentences of one that was cut off, or else its text."""
    text = content[:MOST_BYTES].decode("utf-8", "replace")
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        said = _SAID.findall(text[: 32 * MOST_CHARACTERS]) if text.lstrip().startswith(("{", "[{")) else []
        return {"errors": said} if said else text


def _read(value: object, found: ErrorDetails, depth: int, *, known: bool) -> None:
    """`known`: it stands under a key that tells what went wrong."""
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
            found.codes[whole(str(code)).strip().lower()] = None
    for key in _FIELDS:
        place = fields.get(key)
        for name in place if isinstance(place, list | tuple) else [place]:
            if isinstance(name, str) and 0 < len(name) < LONGEST_WORD:
                found.fields[whole(name)] = None
    for key in _DELAYS:
        if isinstance(fields.get(key), str | int | float):
            found.delay = found.delay or str(fields[key])
    found.window = found.window or next((size for key in _WINDOWS if type(size := fields.get(key)) is int), None)
    wanted = [fields[key] for key in _WORDS if fields.get(key) not in (None, "", [], {})]
    wanted += [fields[key] for key in _WRAPS if isinstance(fields.get(key), Mapping)]
    if not wanted and not known:  # a form that nobody has seen: its texts, but not what is deeper
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
    """The JSON object, or the Python one, that a text begins with; None: it is none."""
    try:
        value, _ = json.JSONDecoder().raw_decode(text)
    except (ValueError, RecursionError):
        value = _literal(text)
    return value if isinstance(value, Mapping | list) else None


def _literal(text: str) -> object:
    """A dict that a gateway in Python has printed."""
    end = max(text.rfind("}"), text.rfind("]")) + 1
    try:
        return ast.literal_eval(text[: min(end, 4 * MOST_CHARACTERS)])
    except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
        return None


def _clean(text: str) -> str:
    return " ".join(_DATA.sub("[...]", whole(text[: 4 * MOST_CHARACTERS])).split())[:MOST_CHARACTERS]


def _bounded(texts: Iterable[str]) -> str:
    return "; ".join(texts)[:MOST_CHARACTERS]


def without_words_of(prompt: Sequence[str], text: str) -> str:
    """The text without what it has from a prompt's; spaces and signs count for nothing."""
    theirs = _compact(text)[0]
    if len(theirs) < LENGTH:
        return text
    ours = set(_pieces(prompt))
    starts = [at for at in range(len(theirs) - LENGTH + 1) if theirs[at : at + LENGTH] in ours]
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
    """The text in small letters without spaces and escapes, and where each of its characters stands."""
    kept = [
        (small, at)
        for at, letter in enumerate(text)
        if letter.isalnum()
        for small in letter.lower() * (A_WIDE if letter >= WIDE else 1)
    ]
    return "".join(small for small, _ in kept), [at for _, at in kept]


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
