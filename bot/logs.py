"""Logging: one handler on stderr, in text or JSON, with no secrets and no words of messages in any line.

Secrets are removed from the finished line, no matter which library wrote it and whether the token was in the message,
in a URL or deep in a chain of exceptions. What people say may be quoted by exceptions and by libraries: unless
LOG_WORDS is on, only the usual words of error messages are kept of these (``wordless``), and libraries log nothing
below INFO.

Each line about a turn has its ID, which is kept in a context variable: tasks that the turn starts inherit it.
"""

import json
import logging
import secrets as randomness
import sys
import threading
import time
import traceback
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import TypeAlias
from urllib.parse import quote

from bot.concurrency import turn_in_progress
from bot.errors import StartError
from bot.log_stream import LogStream
from bot.wordless import HIDDEN, allow_names, without_words

NOISY = (
    "httpx",
    "httpcore",
    "httpx2",
    "httpcore2",
    "openai",
    "apscheduler",
    "uvicorn",
    "aiosqlite",
    "filelock",
    "asyncio",
    "psycopg",
)
"""Libraries that log every request, every statement, or what the bot logs itself."""
STATEMENTS = "aiosqlite"
"""It logs each SQL statement with its values, which is too much even with LOG_WORDS."""
POOL = "psycopg.pool"
"""It warns of every connection that breaks and of every attempt to connect; the storage says so once."""
QUOTES = "telegram.request.BaseRequest"
"""It logs every response that isn't JSON: a damaged one has people's words in it. The bot logs that it failed."""
OURS = ("bot", "storage", "sandbox")
ExcInfo: TypeAlias = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]
SHORTEST_SECRET = 6
"""A shorter key (local servers accept any) protects nothing, and hiding a letter or two would spoil every line."""

log = logging.getLogger("bot")


@dataclass(frozen=True, slots=True)
class TurnInProgress:
    """What the current task is working on: the ID in its log lines, and when its message arrived (monotonic)."""

    id: str
    since: float


def current_turn() -> TurnInProgress | None:
    """The turn that the current task belongs to; None if it belongs to none."""
    turn = turn_in_progress.get()
    return turn if isinstance(turn, TurnInProgress) else None


@contextmanager
def logged_turn(since: float | None = None) -> Iterator[None]:
    """Give all log lines of the block, and of the tasks it starts, an ID; `since`: monotonic time, now if None."""
    token = turn_in_progress.set(TurnInProgress(randomness.token_hex(4), time.monotonic() if since is None else since))
    try:
        yield
    finally:
        turn_in_progress.reset(token)


class SecretFilter:
    """Replaces secrets in a text."""

    def __init__(self, secrets: Iterable[str]) -> None:
        forms = {form for secret in secrets for form in _forms(secret)}
        self._forms = sorted(forms, key=len, reverse=True)  # longest first: replacing only a part would show the rest

    def hide(self, text: str) -> str:
        """The text with every secret replaced."""
        for form in self._forms:
            text = text.replace(form, HIDDEN)
        return text


class WordlessFormatter(logging.Formatter):
    """Hides what exceptions quote; `words`: they are shown as they are."""

    def __init__(self, hider: SecretFilter, *, words: bool = False) -> None:
        super().__init__()
        self._hider = hider
        self._words = words

    def message(self, record: logging.LogRecord) -> str:
        """The message, without secrets and without words."""
        args = record.args
        if not self._words and isinstance(args, tuple) and any(isinstance(arg, BaseException) for arg in args):
            args = tuple(_Wordless(arg, self._hider) if isinstance(arg, BaseException) else arg for arg in args)
            return self._hider.hide(str(record.msg) % args)
        message = self._hider.hide(record.getMessage())
        ours = self._words or record.name.partition(".")[0] in OURS
        return message if ours else without_words(message)

    def formatException(self, ei: ExcInfo) -> str:  # noqa: N802 - the name is logging's
        """The traceback, without secrets and without words."""
        kind, error, trace = ei
        if kind is None or error is None:
            return ""
        report = traceback.TracebackException(kind, error, trace, compact=True)
        if not self._words:
            _hide_words(report, error, self._hider)
        return self._hider.hide("".join(report.format()).rstrip("\n"))


class TextFormatter(WordlessFormatter):
    """``2026-11-23T12:00:00Z INFO bot.app: Ready``, followed by the traceback if there is one.

    A line about a turn has its ID in brackets before the colon.
    """

    def format(self, record: logging.LogRecord) -> str:
        """The finished line."""
        turn = current_turn()
        head = f"{_time(record)} {record.levelname} {record.name}{f' [{turn.id}]' if turn else ''}"
        lines = [f"{head}: {self.message(record)}"]
        if record.exc_info:
            lines.append(self.formatException(record.exc_info))
        if record.stack_info:
            lines.append(self._hider.hide(self.formatStack(record.stack_info)))
        return "\n".join(lines)


class JsonFormatter(WordlessFormatter):
    """One JSON object per line: time, level, logger, message, turn, and error and stack if there are any.

    ``extra={"fields": {...}}`` adds fields under those names; numbers stay numbers.
    """

    def format(self, record: logging.LogRecord) -> str:
        """The finished line."""
        line: dict[str, object] = {
            "time": _time(record),
            "level": record.levelname,
            "logger": record.name,
            "message": self.message(record),
        }
        if (turn := current_turn()) is not None:
            line["turn"] = turn.id
        fields = getattr(record, "fields", {})
        line |= {name: self._value(value) for name, value in fields.items() if name not in line}
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        if record.stack_info:
            line["stack"] = self._hider.hide(self.formatStack(record.stack_info))
        return json.dumps(line, ensure_ascii=False)

    def _value(self, value: object) -> object:
        return value if value is None or isinstance(value, int | float) else self._hider.hide(str(value))


class _Wordless:
    """Stands for an exception in a message, and hides what it quotes."""

    def __init__(self, error: BaseException, hider: SecretFilter) -> None:
        self._kind = type(error).__name__
        self._text = _without_words(error, hider)

    def __str__(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return f"{self._kind}({self._text})"


def configure(level: str, form: str, secrets: Iterable[str], *, names: Iterable[str] = (), words: bool = False) -> None:
    """Log everything to stderr, including warnings and uncaught exceptions; `form` is "text" or "json".

    `names`: models and servers, which are kept in what exceptions say; `words`: so is everything else, also what
    libraries log at DEBUG.
    """
    allow_names(names)
    hider = SecretFilter(secrets)
    handler = logging.StreamHandler(LogStream(sys.stderr) if sys.stderr is not None else None)
    formatter = JsonFormatter if form == "json" else TextFormatter
    handler.setFormatter(formatter(hider, words=words))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel("INFO" if level == "DEBUG" and not words else level)
    logging.raiseExceptions = False  # its report of a broken log call bypasses the handler and would show secrets
    for name in OURS:
        logging.getLogger(name).setLevel(level)
    for name in NOISY:
        logging.getLogger(name).setLevel("DEBUG" if level == "DEBUG" and words else "WARNING")
    logging.getLogger(QUOTES).setLevel(logging.NOTSET if words else logging.CRITICAL)
    logging.getLogger(STATEMENTS).setLevel("WARNING")
    logging.getLogger(POOL).setLevel("ERROR")
    logging.captureWarnings(capture=True)
    sys.excepthook = _uncaught
    sys.unraisablehook = _unraisable
    threading.excepthook = _uncaught_in_thread


def _uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    log.critical("The bot ends with an unexpected error", exc_info=(kind, error, trace))


def _uncaught_in_thread(args: threading.ExceptHookArgs) -> None:
    if args.exc_type is not SystemExit:  # a thread may end itself
        log.error("A thread ended with an unexpected error", exc_info=args.exc_value)


def _unraisable(args: "sys.UnraisableHookArgs") -> None:
    log.error("An exception could not be raised where it happened", exc_info=args.exc_value)


def _hide_words(report: traceback.TracebackException, error: BaseException | None, hider: SecretFilter) -> None:
    """Hide what an exception, its causes and its parts quote; the lines of code around them are no one's words."""
    if error is None:
        return
    # There is no public way to format an exception with another text.
    report._str = _without_words(error, hider)  # type: ignore[attr-defined]  # noqa: SLF001
    report.__notes__ = None
    if isinstance(error, SyntaxError):
        report.text = HIDDEN
    for nested, cause in ((report.__cause__, error.__cause__), (report.__context__, error.__context__)):
        if nested is not None:
            _hide_words(nested, cause, hider)
    if report.exceptions and isinstance(error, BaseExceptionGroup):
        for part, one in zip(report.exceptions, error.exceptions, strict=False):
            _hide_words(part, one, hider)


def _without_words(error: BaseException, hider: SecretFilter) -> str:
    """An exception's text without words of messages; what the system reports about files has none."""
    text = hider.hide(str(error))  # first: a part of a secret would no longer be recognised
    whole = isinstance(error, StartError) or (isinstance(error, OSError) and error.errno is not None)
    return text if whole else without_words(text)


def _forms(secret: str) -> Iterable[str]:
    """The forms a secret may have in a log: plain, in a URL, a repr or JSON; of a bot token also its secret half."""
    _, _, half = secret.partition(":")
    for part in (secret, half):
        if len(part) >= SHORTEST_SECRET:
            yield from (part, quote(part), quote(part, safe=""), repr(part)[1:-1], json.dumps(part)[1:-1])


def _time(record: logging.LogRecord) -> str:
    return f"{datetime.fromtimestamp(record.created, UTC):%Y-%m-%dT%H:%M:%SZ}"
